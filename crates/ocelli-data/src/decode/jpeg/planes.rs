//! Only as much of a baseline JPEG as a crop needs.
//!
//! A random crop shows about half of a photo. The entropy-coded data has no index and must be
//! read from its start, but the rest is saved here: blocks outside the crop are passed over
//! without an inverse transform, nothing after the last row of the crop is read, and the planes
//! stay as they are stored: luma at full size, chroma at half size for most files. Resizing the
//! planes and mixing the colours at the new size gives, within the rounding of bytes, what
//! enlarging the chroma, mixing the colours and resizing would give, because both steps are linear
//! (where no value is cut off at 0 or 255) and bilinear enlarging by two is what decoders do.
//!
//! What is to become much smaller is not even decoded at full size: blocks are drawn 4, 2 or 1
//! pixels wide, as averages of their pixels, as long as four pixels are left for each new one.
//!
//! Covered are Huffman-coded sequential files of one scan, grey or YCbCr with chroma of full or
//! half size: nearly all photos. The rest is left to the general decoder.
//!
//! Format: ITU-T T.81.

#![expect(
    clippy::inline_always,
    reason = "only what is inlined is compiled for the vector instructions of the processor"
)]

mod bits;
mod header;
mod huffman;
mod idct;
mod scan;
#[cfg(test)]
mod tests;

pub(crate) use header::Header;

use super::bad;
use crate::{Region, Result};
use bits::ScanData;
use header::Component;
use huffman::Table;
use scan::ScanDecoding;
use std::ops::Range;

/// Decodes planes; buffers and tables are reused from file to file.
#[derive(Debug, Default)]
pub(crate) struct PlaneDecoder {
    scan: ScanData,
    /// Four tables for DC, four for AC.
    tables: [Option<Table>; 8],
    planes: Vec<Plane>,
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
    fn prepare(&mut self, header: &Header, component: &Component, region: Region, reduction: f64) {
        let (across, down) = header.largest_sampling();
        let (scale_x, scale_y) =
            ((across / component.across) as u32, (down / component.down) as u32);
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

impl Header {
    fn largest_sampling(&self) -> (usize, usize) {
        self.components.first().map_or((1, 1), |luma| (luma.across, luma.down))
    }

    /// MCUs across and down.
    fn mcus(&self) -> (usize, usize) {
        let (across, down) = self.largest_sampling();
        ((self.width as usize).div_ceil(8 * across), (self.height as usize).div_ceil(8 * down))
    }
}

impl PlaneDecoder {
    /// Decodes `region` of the file that was read last: the luma plane, and with `colour` the two
    /// chroma planes, if there are any. At least `reduction` pixels in either direction are going
    /// to become one.
    ///
    /// # Errors
    /// When the data is damaged or ends before the end of the region.
    pub(crate) fn decode(
        &mut self,
        header: &Header,
        region: Region,
        colour: bool,
        reduction: f64,
    ) -> Result<&[Plane]> {
        let wanted = if colour { header.components.len() } else { 1 };
        self.planes.resize_with(wanted, Plane::default);
        for (plane, component) in self.planes.iter_mut().zip(&header.components) {
            plane.prepare(header, component, region, reduction);
        }
        let Self { scan, tables, planes } = self;
        let decoding = ScanDecoding { header, scan, tables, planes };
        pulp::Arch::new().dispatch(decoding).ok_or_else(|| bad("damaged image data"))?;
        Ok(planes)
    }
}
