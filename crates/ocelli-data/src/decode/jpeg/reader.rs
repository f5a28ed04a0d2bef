//! From one scan of a file to the next, with the tables that hold for it.

use super::frame::Frame;
use super::markers::{END_OF_IMAGE, START_OF_SCAN, Segment, Walk};
use super::refusal::bad;
use super::scan::Scan;
use super::standard_tables;
use crate::Result;

/// Reads the segments of a file; every command reads them here, so that all have one verdict.
pub(super) struct Reader<'a> {
    walk: Walk<'a>,
    frame: Option<Frame>,
    /// The header of the scan that follows.
    next_scan: Option<&'a [u8]>,
    pub(super) definitions: Definitions<'a>,
    restart_interval: usize,
    pub(super) markers: Markers<'a>,
}

/// What the segments before the first scan say of the colours and of the picture.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Markers<'a> {
    pub(super) is_jfif: bool,
    /// What the Adobe marker says; 0: RGB or CMYK, 1: YCbCr, 2: YCCK.
    pub(super) adobe_transform: Option<u8>,
    /// The TIFF structure inside the EXIF segment.
    pub(super) exif: Option<&'a [u8]>,
}

/// The tables that are defined at some position of a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Definitions<'a> {
    /// The counts and symbols of four tables for DC, then of four for AC.
    huffman: [Option<&'a [u8]>; 8],
    /// In the order of the file.
    quantisation: [Option<[u16; 64]>; 4],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            walk: Walk::new(bytes),
            frame: None,
            next_scan: None,
            definitions: Definitions::default(),
            restart_interval: 0,
            markers: Markers::default(),
        }
    }

    /// Reads up to the first scan and gives the frame.
    ///
    /// # Errors
    /// When the file ends before, is damaged, or is of a kind that is not supported.
    pub(super) fn frame(&mut self) -> Result<Frame> {
        let has_scan = self.read_to_scan()?;
        match &self.frame {
            Some(_) if !has_scan => Err(bad("no image data")),
            Some(frame) => Ok(frame.clone()),
            None => Err(bad("no frame header before the image data")),
        }
    }

    /// Reads up to the next scan of `frame` and gives its header; `None` at the end of the image.
    ///
    /// # Errors
    /// When the file ends before or is damaged.
    pub(super) fn next_scan(&mut self, frame: &Frame) -> Result<Option<Scan>> {
        self.read_to_scan()?;
        let Some(header) = self.next_scan.take() else { return Ok(None) };
        Scan::read(header, frame, self.restart_interval).map(Some)
    }

    /// Hands out the data of the scan that was read last: `take` returns its length, or `None` if
    /// no marker ends it.
    ///
    /// # Errors
    /// When no marker ends it.
    pub(super) fn scan_data(&mut self, take: impl FnOnce(&[u8]) -> Option<usize>) -> Result<()> {
        self.walk.position += take(self.walk.rest()).ok_or_else(|| self.walk.cut())?;
        Ok(())
    }

    /// Whether there is another scan.
    fn read_to_scan(&mut self) -> Result<bool> {
        while self.next_scan.is_none() {
            let segment = self.walk.next()?;
            match segment.marker {
                END_OF_IMAGE => return Ok(false),
                START_OF_SCAN => self.next_scan = Some(segment.content),
                _ => self.add(&segment)?,
            }
        }
        Ok(true)
    }

    fn add(&mut self, segment: &Segment<'a>) -> Result<()> {
        let content = segment.content;
        match segment.marker {
            0xc4 => self.definitions.read_huffman(content)?,
            0xdb => self.definitions.read_quantisation(content)?,
            0xdd => {
                let [high, low] = content else {
                    return Err(bad("the segment of the restart interval has a wrong length"));
                };
                self.restart_interval = u16::from_be_bytes([*high, *low]).into();
            }
            marker if Frame::is_header(marker) => {
                if self.frame.replace(Frame::read(segment)?).is_some() {
                    return Err(bad("a second frame header"));
                }
            }
            0xe0..=0xef => self.markers.read(segment),
            0xd8 => return Err(bad("a second image starts before the first one ends")),
            // TEM and restart markers say nothing here; DAC is for arithmetic coding, DNL repeats
            // the height, COM is a comment.
            0x01 | 0xcc | 0xd0..=0xd7 | 0xdc | 0xfe => {}
            marker => return Err(bad(&format!("an unknown marker 0x{marker:02x}"))),
        }
        Ok(())
    }
}

impl<'a> Markers<'a> {
    /// APP0 to APP15. Those behind the start of the image data would come too late for a decoder
    /// that draws while it reads, but no file is known to have them there.
    fn read(&mut self, segment: &Segment<'a>) {
        let content = segment.content;
        match segment.marker {
            0xe0 => self.is_jfif |= content.starts_with(b"JFIF\0"),
            0xe1 if self.exif.is_none() => self.exif = content.strip_prefix(b"Exif\0\0"),
            0xee if content.starts_with(b"Adobe") => {
                self.adobe_transform = content.get(11).copied().or(self.adobe_transform);
            }
            _ => {}
        }
    }
}

impl<'a> Definitions<'a> {
    /// The Huffman table of an index from 0 to 7.
    pub(super) fn huffman(&self, index: usize, is_progressive: bool) -> Option<&'a [u8]> {
        let defined = self.huffman.get(index).copied().flatten();
        // The frames of a Motion JPEG leave out the tables if they are the usual ones.
        if is_progressive { defined } else { defined.or_else(|| standard_tables::at(index)) }
    }

    /// The steps of a quantisation table, in the order of the file.
    ///
    /// # Errors
    /// When it is not defined.
    pub(super) fn quantisation(&self, table: usize) -> Result<&[u16; 64]> {
        let steps = self.quantisation.get(table).and_then(Option::as_ref);
        steps.ok_or_else(|| bad(&format!("quantisation table {table} is missing")))
    }

    /// DHT.
    fn read_huffman(&mut self, mut content: &'a [u8]) -> Result<()> {
        while let [class_and_id, rest @ ..] = content {
            let (class, id) = (class_and_id >> 4, usize::from(class_and_id & 15));
            if class > 1 || id > 3 {
                return Err(bad(&format!("Huffman table {id} of class {class}")));
            }
            let counts = rest.iter().take(16).map(|count| usize::from(*count));
            let (definition, rest) = rest
                .split_at_checked(16 + counts.sum::<usize>())
                .ok_or_else(|| bad("a segment of Huffman tables is too short"))?;
            self.huffman[id + 4 * usize::from(class)] = Some(definition);
            content = rest;
        }
        Ok(())
    }

    /// DQT.
    fn read_quantisation(&mut self, mut content: &[u8]) -> Result<()> {
        while let [precision_and_id, rest @ ..] = content {
            let (precision, id) = (precision_and_id >> 4, usize::from(precision_and_id & 15));
            if precision > 1 || id > 3 {
                return Err(bad(&format!("quantisation table {id} of precision {precision}")));
            }
            let (table, rest) = rest
                .split_at_checked(if precision == 1 { 128 } else { 64 })
                .ok_or_else(|| bad("a segment of quantisation tables is too short"))?;
            self.quantisation[id] = Some(std::array::from_fn(|at| {
                if precision == 1 {
                    u16::from_be_bytes([table[2 * at], table[2 * at + 1]])
                } else {
                    table[at].into()
                }
            }));
            content = rest;
        }
        Ok(())
    }
}

/// The position in a block, row by row, of each coefficient in the order of the file.
pub(super) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];
