//! What the segments before the scan say.

use super::super::segments::{END_OF_IMAGE, START_OF_SCAN, Segment, Walk};
use super::PlaneDecoder;
use super::huffman::Table;
use super::idct::Steps;
use crate::Result;

/// A baseline file with one scan, of which the scan is still to be decoded.
#[derive(Debug)]
pub(crate) struct Header {
    /// Width in pixels.
    pub(crate) width: u32,
    /// Height in pixels.
    pub(crate) height: u32,
    /// Luma alone, or luma and two chroma components.
    pub(super) components: Vec<Component>,
    /// MCUs between two restart markers; 0 if there are none.
    pub(super) restart_interval: usize,
}

/// One component of the frame.
#[derive(Clone, Debug)]
pub(super) struct Component {
    id: u8,
    /// Blocks per MCU, across and down.
    pub(super) across: usize,
    pub(super) down: usize,
    quantisation: usize,
    pub(super) steps: Steps,
    /// Indices into the tables of the decoder.
    pub(super) dc_table: usize,
    pub(super) ac_table: usize,
}

/// What is known so far.
#[derive(Default)]
struct Reading {
    size: Option<(u32, u32)>,
    components: Vec<Component>,
    quantisation: [Option<Steps>; 4],
    /// Which tables of the decoder are those of this file.
    has_table: [bool; 8],
    restart_interval: usize,
    /// Whether an Adobe marker says that the colours are not YCbCr.
    is_not_ycbcr: bool,
    has_exif: bool,
}

impl PlaneDecoder {
    /// Reads all of `bytes` but decodes nothing yet. `None` if it is a kind of file that this
    /// decoder leaves to the general one: progressive, with several scans, not in YCbCr or grey,
    /// damaged, or turned by EXIF if `upright_only`.
    ///
    /// # Errors
    /// When the file ends early.
    pub(crate) fn read(&mut self, bytes: &[u8], upright_only: bool) -> Result<Option<Header>> {
        let mut reading = Reading::default();
        let mut walk = Walk { bytes, position: 0 };
        loop {
            let segment = walk.next()?;
            if segment.marker == START_OF_SCAN {
                let Some(header) = Self::start_scan(reading, &segment, upright_only) else {
                    return Ok(None);
                };
                let data = &bytes[walk.position..];
                let Some(length) = self.scan.read(data) else { return Err(walk.cut()) };
                walk.position += length;
                let is_complete = walk.next()?.marker == END_OF_IMAGE;
                return Ok(is_complete.then_some(header));
            }
            if segment.marker == END_OF_IMAGE || self.add(&mut reading, &segment).is_none() {
                return Ok(None);
            }
        }
    }

    fn add(&mut self, reading: &mut Reading, segment: &Segment<'_>) -> Option<()> {
        let content = segment.content;
        match segment.marker {
            0xc0 | 0xc1 => return reading.read_frame(content),
            0xc4 => return self.read_huffman(content, &mut reading.has_table),
            0xdb => return reading.read_quantisation(content),
            0xdd => {
                let [high, low] = content else { return None };
                reading.restart_interval = u16::from_be_bytes([*high, *low]).into();
            }
            0xc2..=0xcf => return None,
            0xe1 => reading.has_exif |= content.starts_with(b"Exif"),
            0xee if content.starts_with(b"Adobe") => {
                reading.is_not_ycbcr = content.get(11) != Some(&1);
            }
            _ => {}
        }
        Some(())
    }

    /// DHT: tables are kept from file to file, because most files have the same ones.
    fn read_huffman(&mut self, mut content: &[u8], has_table: &mut [bool; 8]) -> Option<()> {
        while let [class_and_id, rest @ ..] = content {
            let (is_dc, id) = (class_and_id >> 4 == 0, usize::from(class_and_id & 15));
            let symbols: usize = rest.get(..16)?.iter().map(|count| usize::from(*count)).sum();
            let (definition, rest) = rest.split_at_checked(16 + symbols)?;
            let place = if id < 4 { id + if is_dc { 0 } else { 4 } } else { return None };
            has_table[place] = true;
            let table = &mut self.tables[place];
            if !table.as_ref().is_some_and(|table| table.is(definition)) {
                *table = Some(Table::new(definition, is_dc)?);
            }
            content = rest;
        }
        Some(())
    }

    /// SOS: one scan of all components with all coefficients.
    fn start_scan(
        mut reading: Reading,
        segment: &Segment<'_>,
        upright_only: bool,
    ) -> Option<Header> {
        let [count, content @ ..] = segment.content else { return None };
        let (selectors, rest) = content.split_at_checked(2 * usize::from(*count))?;
        let is_sequential = matches!(rest, [0, 63, 0]);
        let is_complete = usize::from(*count) == reading.components.len();
        let is_turned = upright_only && reading.has_exif;
        if !is_sequential || !is_complete || reading.is_not_ycbcr || is_turned {
            return None;
        }
        for (component, [id, tables]) in reading.components.iter_mut().zip(selectors.as_chunks().0)
        {
            component.dc_table = usize::from(tables >> 4);
            component.ac_table = 4 + usize::from(tables & 15);
            let has = |table: usize| reading.has_table.get(table).is_some_and(|has| *has);
            let has_tables =
                component.dc_table < 4 && has(component.dc_table) && has(component.ac_table);
            if component.id != *id || !has_tables {
                return None;
            }
            component.steps = reading.quantisation[component.quantisation]?;
        }
        let (width, height) = reading.size?;
        let restart_interval = reading.restart_interval;
        Some(Header { width, height, components: reading.components, restart_interval })
    }
}

impl Reading {
    /// SOF0 and SOF1.
    fn read_frame(&mut self, content: &[u8]) -> Option<()> {
        let [8, h1, h0, w1, w0, _, components @ ..] = content else { return None };
        let (width, height) = (u16::from_be_bytes([*w1, *w0]), u16::from_be_bytes([*h1, *h0]));
        let is_first = self.size.replace((width.into(), height.into())).is_none();
        self.components = components
            .as_chunks()
            .0
            .iter()
            .map(|[id, sampling, quantisation]| Component {
                id: *id,
                across: usize::from(sampling >> 4),
                down: usize::from(sampling & 15),
                quantisation: usize::from(*quantisation),
                steps: Steps([[0.0; 8]; 8]),
                dc_table: 0,
                ac_table: 0,
            })
            .collect();
        let is_known = match &mut self.components[..] {
            // A single component is never interleaved: its MCU is one block.
            [luma] => {
                (luma.across, luma.down) = (1, 1);
                true
            }
            [luma, chroma @ ..] => {
                chroma.len() == 2
                    && [luma.id, chroma[0].id, chroma[1].id] != *b"RGB"
                    && matches!((luma.across, luma.down), (1..=2, 1..=2))
                    && chroma.iter().all(|chroma| (chroma.across, chroma.down) == (1, 1))
            }
            [] => false,
        };
        let has_tables = self.components.iter().all(|component| component.quantisation < 4);
        (is_first && is_known && has_tables && width > 0 && height > 0).then_some(())
    }

    /// DQT.
    fn read_quantisation(&mut self, mut content: &[u8]) -> Option<()> {
        while let [precision_and_id, rest @ ..] = content {
            let is_wide = precision_and_id >> 4 != 0;
            let (table, rest) = rest.split_at_checked(if is_wide { 128 } else { 64 })?;
            let mut steps = [0; 64];
            for (at, natural) in ZIGZAG.into_iter().enumerate() {
                steps[usize::from(natural)] = if is_wide {
                    u16::from_be_bytes([table[2 * at], table[2 * at + 1]])
                } else {
                    table[at].into()
                };
            }
            *self.quantisation.get_mut(usize::from(precision_and_id & 15))? =
                Some(Steps::new(&steps));
            content = rest;
        }
        Some(())
    }
}

/// The place in a block, row by row, of each coefficient in the order of the file.
pub(super) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];
