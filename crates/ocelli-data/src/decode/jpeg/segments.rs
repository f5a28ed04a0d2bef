//! A walk over the segments of a JPEG file, from the start marker to the end marker.
//!
//! It decodes nothing, but it says what the file holds and whether it is complete.

use super::super::Format;
use super::bad;
use crate::{Error, Result};

pub(super) const END_OF_IMAGE: u8 = 0xd9;
pub(super) const START_OF_SCAN: u8 = 0xda;

/// What the segments say.
#[derive(Debug, Default)]
pub(super) struct Segments<'a> {
    /// Width and height in pixels.
    pub(super) size: (u32, u32),
    /// The id of each component.
    pub(super) components: Vec<u8>,
    pub(super) is_jfif: bool,
    pub(super) adobe: Option<Adobe>,
    /// The TIFF structure inside the EXIF segment.
    pub(super) exif: Option<&'a [u8]>,
}

/// The Adobe marker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Adobe {
    /// Where its name starts in the file.
    pub(super) offset: usize,
    /// 0: RGB or CMYK, 1: YCbCr, 2: YCCK.
    pub(super) transform: u8,
}

impl<'a> Segments<'a> {
    /// Reads all segments.
    ///
    /// # Errors
    /// When the file ends before its end marker, has no frame header, or has one that is not
    /// supported.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut segments = Self::default();
        let mut walk = Walk { bytes, position: 0 };
        loop {
            match walk.next()? {
                Segment { marker: END_OF_IMAGE, .. } => break,
                Segment { marker: START_OF_SCAN, .. } => walk.skip_scan()?,
                segment => segments.add(&segment)?,
            }
        }
        if segments.components.is_empty() {
            return Err(bad("no frame header"));
        }
        Ok(segments)
    }

    fn add(&mut self, segment: &Segment<'a>) -> Result<()> {
        match segment.marker {
            0xe0 => self.is_jfif |= segment.content.starts_with(b"JFIF\0"),
            0xe1 if self.exif.is_none() => self.exif = segment.content.strip_prefix(b"Exif\0\0"),
            0xee if segment.content.starts_with(b"Adobe") => {
                let transform = segment.content.get(11).copied();
                self.adobe = transform.map(|transform| Adobe { offset: segment.offset, transform });
            }
            marker if is_frame(marker) => (self.size, self.components) = read_frame(segment)?,
            _ => {}
        }
        Ok(())
    }
}

/// Reads up to the frame header only.
pub(super) fn read_size(bytes: &[u8]) -> Result<(u32, u32)> {
    let mut walk = Walk { bytes, position: 0 };
    loop {
        let segment = walk.next()?;
        if is_frame(segment.marker) {
            return Ok(read_frame(&segment)?.0);
        }
        if matches!(segment.marker, START_OF_SCAN | END_OF_IMAGE) {
            return Err(bad("no frame header before the image data"));
        }
    }
}

/// One marker and what belongs to it.
pub(super) struct Segment<'a> {
    pub(super) marker: u8,
    /// The content after the length field.
    pub(super) content: &'a [u8],
    /// Where the content starts in the file.
    offset: usize,
}

/// A reader of markers.
pub(super) struct Walk<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) position: usize,
}

impl<'a> Walk<'a> {
    /// The next marker. Bytes before it are passed over, as all decoders do.
    pub(super) fn next(&mut self) -> Result<Segment<'a>> {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let skipped = memchr::memchr(0xff, rest).ok_or_else(|| self.cut())?;
        let fill = rest[skipped..].iter().take_while(|byte| **byte == 0xff).count();
        let marker = *rest.get(skipped + fill).ok_or_else(|| self.cut())?;
        self.position += skipped + fill + 1;
        let offset = self.position + 2;
        // These stand alone: TEM, the restart markers, start and end of the image; 0 is no marker.
        if matches!(marker, 0 | 1 | 0xd0..=END_OF_IMAGE) {
            return Ok(Segment { marker, content: &[], offset });
        }
        let length = self.bytes.get(self.position..offset).ok_or_else(|| self.cut())?;
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        if length < 2 {
            return Err(bad(&format!("a segment 0x{marker:02x} of length {length}")));
        }
        let end = self.position + length;
        let content = self.bytes.get(offset..end).ok_or_else(|| self.cut())?;
        self.position = end;
        Ok(Segment { marker, content, offset })
    }

    /// Moves to the marker after the entropy-coded data of a scan.
    fn skip_scan(&mut self) -> Result<()> {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let ends_scan = |at: &usize| match rest.get(at + 1) {
            // A stuffed byte, a fill byte, or a restart marker: the scan goes on.
            Some(0 | 0xff | 0xd0..=0xd7) => false,
            Some(_) | None => true,
        };
        let end = memchr::memchr_iter(0xff, rest).find(ends_scan).ok_or_else(|| self.cut())?;
        self.position += end;
        Ok(())
    }

    pub(super) fn cut(&self) -> Error {
        let reason = "the end marker is missing";
        Error::CutImage { format: Format::Jpeg, length: self.bytes.len(), reason }
    }
}

/// SOF0 to SOF15, without the three of that range that are DHT, JPG and DAC.
fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc)
}

/// Width and height, and the ids of the components.
fn read_frame(segment: &Segment<'_>) -> Result<((u32, u32), Vec<u8>)> {
    match segment.marker {
        0xc0..=0xc2 => {}
        0xc3 | 0xc7 | 0xcb | 0xcf => return Err(bad("lossless coding is not supported")),
        0xc5 | 0xc6 => return Err(bad("hierarchical coding is not supported")),
        _ => return Err(bad("arithmetic coding is not supported")),
    }
    let [precision, h1, h0, w1, w0, count, components @ ..] = segment.content else {
        return Err(bad("the frame header is too short"));
    };
    if *precision != 8 {
        return Err(bad(&format!("samples of {precision} bits are not supported, only of 8")));
    }
    let width = u16::from_be_bytes([*w1, *w0]);
    let height = u16::from_be_bytes([*h1, *h0]);
    if width == 0 || height == 0 {
        return Err(bad("the frame header gives no width or no height"));
    }
    if !matches!(count, 1 | 3 | 4) || components.len() != 3 * usize::from(*count) {
        return Err(bad(&format!("{count} components, expected 1, 3 or 4")));
    }
    let ids = components.as_chunks::<3>().0.iter().map(|[id, _, _]| *id).collect();
    Ok(((width.into(), height.into()), ids))
}
