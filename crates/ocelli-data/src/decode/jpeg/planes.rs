//! Only as much of a baseline JPEG as a crop needs.
//!
//! A random crop shows about half of a photo. The entropy-coded data has no index and must be
//! read from its start, and it is read to its end, because a file is sound or not whatever is
//! looked at. But the rest is saved here: blocks outside the crop are passed over without an
//! inverse transform, and the planes stay as they are stored: luma at full size, chroma at half
//! size for most files. Resizing the planes and mixing the colours at the new size gives, within
//! the rounding of bytes, what enlarging the chroma, mixing the colours and resizing would give,
//! because both steps are linear (where no value is cut off at 0 or 255) and bilinear enlarging by
//! two is what decoders do.
//!
//! What is to become much smaller is not even decoded at full size: blocks are drawn 4, 2 or 1
//! pixels wide, as averages of their pixels, as long as four pixels are left for each new one.
//!
//! Covered are Huffman-coded sequential files of one scan, grey or YCbCr with chroma of full or
//! half size: nearly all photos. The rest is decoded whole.
//!
//! Format: ITU-T T.81.

mod idct;
#[cfg(test)]
mod tests;

use super::bits::ScanData;
use super::colours::Model;
use super::frame::{Component, Frame};
use super::huffman::{Tables, Wanted};
use super::reader::{Reader, ZIGZAG};
use super::scan::Scan;
use super::sequential::{self, BY_COLUMNS, Order, Sink};
use crate::{Limits, Region, Result};
use idct::{Steps, WAVES, Waves, inverse, inverse_flat};
use std::ops::Range;

/// Decodes planes; buffers and tables are reused from file to file.
#[derive(Debug, Default)]
pub(crate) struct PlaneDecoder {
    data: ScanData,
    tables: Tables,
    planes: Vec<Plane>,
}

/// A file that [`PlaneDecoder`] has read and not decoded yet.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) frame: Frame,
    scan: Scan,
    /// The quantisation steps of each component.
    steps: Vec<Steps>,
}

/// A part of one component, stored column by column: resizing starts across, which is then the
/// direction that is fast. Positions are in pixels of the plane.
#[derive(Debug, Default)]
pub(crate) struct Plane {
    /// The decoded blocks, column by column.
    pub(crate) pixels: Vec<u8>,
    /// Width of the decoded part.
    pub(crate) width: u32,
    /// Height of the decoded part.
    pub(crate) height: u32,
    /// Where the decoded part starts in the whole plane.
    pub(crate) left: u32,
    /// Where the decoded part starts in the whole plane.
    pub(crate) top: u32,
    /// What of the whole plane lies in the region asked for; all of it is decoded.
    pub(crate) region: Region,
    /// The size of the image divided by the size of the plane, across and down.
    pub(crate) scale: (u32, u32),
    /// The blocks that are decoded, and how many pixels wide each is drawn: `8 >> halvings`.
    columns: Range<usize>,
    rows: Range<usize>,
    halvings: usize,
}

/// So many pixels of a plane are left for each new pixel when blocks are drawn smaller.
const PIXELS_LEFT: f64 = 4.0;

impl Plane {
    /// Prepares for the part of `component` that shows `region` of the image, of which at least
    /// `reduction` pixels, in either direction, become one.
    fn prepare(&mut self, frame: &Frame, component: &Component, region: Region, reduction: f64) {
        let (scale_x, scale_y) = frame.scale_of(component);
        let (scale_x, scale_y) = (scale_x as u32, scale_y as u32);
        let spare = reduction / f64::from(scale_x.max(scale_y)) / PIXELS_LEFT;
        self.halvings =
            (1..=3).rev().find(|halvings| spare >= f64::from(1 << halvings)).unwrap_or(0);
        self.scale = (scale_x << self.halvings, scale_y << self.halvings);
        let span = |start: u32, len: u32, scale: u32| {
            let first = start / scale;
            (first, (start + len).div_ceil(scale) - first)
        };
        let (left, width) = span(region.left, region.width, self.scale.0);
        let (top, height) = span(region.top, region.height, self.scale.1);
        self.region = Region { left, top, width, height };
        let side = self.side();
        self.columns = left as usize / side..((left + width) as usize).div_ceil(side);
        self.rows = top as usize / side..((top + height) as usize).div_ceil(side);
        self.left = (side * self.columns.start) as u32;
        self.top = (side * self.rows.start) as u32;
        self.width = (side * self.columns.len()) as u32;
        self.height = (side * self.rows.len()) as u32;
        self.pixels.resize(self.width as usize * self.height as usize, 0);
    }

    /// How many pixels wide a block is drawn.
    fn side(&self) -> usize {
        8 >> self.halvings
    }

    /// The columns of a block, and whatever follows them.
    #[inline(always)]
    fn block<const SIDE: usize>(
        &mut self,
        (column, row): (usize, usize),
    ) -> impl Iterator<Item = &mut [u8]> {
        let stride = self.height as usize;
        let (left, top) = (column - self.columns.start, row - self.rows.start);
        let start = SIDE * (left * stride + top);
        self.pixels[start..].chunks_mut(stride).map(|column| &mut column[..SIDE])
    }
}

impl PlaneDecoder {
    /// Reads all of `bytes` but decodes nothing yet. `None` if it is a kind of file that this
    /// decoder leaves to the general one: progressive, with several scans, not in YCbCr or grey,
    /// of unusual sampling, or turned by EXIF if `upright_only`.
    ///
    /// # Errors
    /// When the file ends early, is damaged before its image data, or is over a limit.
    pub(crate) fn read(
        &mut self,
        bytes: &[u8],
        upright_only: bool,
        limits: &Limits,
    ) -> Result<Option<Header>> {
        let mut reader = Reader::new(bytes);
        let frame = reader.frame()?;
        limits.check_pixels(frame.width, frame.height)?;
        frame.check_length(bytes.len())?;
        let is_turned = upright_only && reader.markers.exif.is_some();
        if is_turned || !is_covered(&frame, Model::new(&frame, &reader.markers)) {
            return Ok(None);
        }
        let Some(scan) = reader.next_scan(&frame)? else { return Ok(None) };
        if !scan.components.iter().map(|part| part.index).eq(0..frame.components.len()) {
            return Ok(None);
        }
        let steps = frame.components.iter().map(|component| {
            Ok(Steps::new(reader.definitions.quantisation(component.quantisation)?))
        });
        let steps = steps.collect::<Result<_>>()?;
        self.tables.prepare(&scan, &reader.definitions, Wanted::Some)?;
        reader.scan_data(|data| self.data.read(data))?;
        let is_last = reader.next_scan(&frame)?.is_none();
        Ok(is_last.then_some(Header { frame, scan, steps }))
    }

    /// Decodes `region` of the file that was read last: the luma plane, and with `colour` the two
    /// chroma planes, if there are any. At least `reduction` pixels in either direction are going
    /// to become one.
    ///
    /// # Errors
    /// When the data of the file is damaged anywhere.
    pub(crate) fn decode(
        &mut self,
        header: &Header,
        region: Region,
        colour: bool,
        reduction: f64,
    ) -> Result<&[Plane]> {
        let components = &header.frame.components;
        let wanted = if colour { components.len() } else { 1 };
        self.planes.resize_with(wanted, Plane::default);
        for (plane, component) in self.planes.iter_mut().zip(components) {
            plane.prepare(&header.frame, component, region, reduction);
        }
        let Self { data, tables, planes } = self;
        let mut sink = Drawing { planes, steps: &header.steps, waves: &WAVES };
        sequential::decode(&header.scan, data, tables, &mut sink)?;
        Ok(planes)
    }
}

/// Whether the planes of such a file can be drawn one by one.
fn is_covered(frame: &Frame, model: Model) -> bool {
    let is_known = match &frame.components[..] {
        [_] => true,
        [luma, chroma @ ..] => {
            model == Model::YCbCr
                && matches!((luma.across, luma.down), (1..=2, 1..=2))
                && chroma.iter().all(|chroma| (chroma.across, chroma.down) == (1, 1))
        }
        [] => false,
    };
    is_known && !frame.is_progressive
}

/// Draws blocks on planes.
struct Drawing<'a> {
    planes: &'a mut [Plane],
    steps: &'a [Steps],
    waves: &'a [Waves; 4],
}

impl Sink for Drawing<'_> {
    const ORDER: &'static Order = &BY_COLUMNS;

    fn rows(&self, scan: &Scan) -> Range<usize> {
        let rows = self.planes.iter().zip(&scan.components);
        let rows = rows.map(|(plane, component)| {
            plane.rows.start / component.down..plane.rows.end.div_ceil(component.down)
        });
        rows.reduce(|all, rows| all.start.min(rows.start)..all.end.max(rows.end)).unwrap_or(0..0)
    }

    #[inline(always)]
    fn wants(&self, component: usize, (column, row): (usize, usize)) -> bool {
        let plane = self.planes.get(component);
        plane.is_some_and(|plane| plane.columns.contains(&column) && plane.rows.contains(&row))
    }

    #[inline(always)]
    fn draw(
        &mut self,
        component: usize,
        position: (usize, usize),
        block: &[i16; 64],
        limit: usize,
    ) {
        let (plane, steps) = (&mut self.planes[component], &self.steps[component]);
        match plane.halvings {
            0 => draw_block::<8>(steps, plane, position, block, limit, &self.waves[0]),
            1 => draw_block::<4>(steps, plane, position, block, limit, &self.waves[1]),
            2 => draw_block::<2>(steps, plane, position, block, limit, &self.waves[2]),
            _ => draw_block::<1>(steps, plane, position, block, limit, &self.waves[3]),
        }
    }
}

#[inline(always)]
fn draw_block<const SIDE: usize>(
    steps: &Steps,
    plane: &mut Plane,
    position: (usize, usize),
    block: &[i16; 64],
    limit: usize,
    waves: &Waves,
) {
    let columns = plane.block::<SIDE>(position);
    if limit <= 1 {
        let value = inverse_flat(block[0], steps);
        for column in columns.take(SIDE) {
            column.fill(value);
        }
    } else {
        let pixels = inverse::<SIDE>(block, limit, steps, waves);
        for (pixels, column) in pixels.iter().zip(columns) {
            column.copy_from_slice(&pixels[..SIDE]);
        }
    }
}

impl Steps {
    /// From the steps in the order of the file.
    fn new(quantisation: &[u16; 64]) -> Self {
        let mut natural = [0; 64];
        for (step, position) in quantisation.iter().zip(ZIGZAG) {
            natural[usize::from(position)] = *step;
        }
        Self::of_rows(&natural)
    }
}
