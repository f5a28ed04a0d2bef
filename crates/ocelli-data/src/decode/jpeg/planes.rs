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
#[cfg(test)]
mod tests;

pub(crate) use header::Header;

use super::bad;
use crate::{Region, Result};
use bits::{Bits, ScanData};
use header::{Component, ZIGZAG};
use huffman::{END_OF_BLOCK, Table};
use idct::{WAVES, Waves, inverse, inverse_flat};
use pulp::{Simd, WithSimd};
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
    /// Width of the decoded part, a multiple of 8.
    pub(crate) width: u32,
    /// Height of the decoded part, a multiple of 8.
    pub(crate) height: u32,
    /// Where the decoded part starts in the whole plane.
    pub(crate) left: u32,
    /// Where the decoded part starts in the whole plane.
    pub(crate) top: u32,
    /// What of the whole plane lies in the region asked for; all of it is decoded.
    pub(crate) region: Region,
    /// The size of the image divided by the size of the plane, across and down.
    pub(crate) scale: (u32, u32),
    /// The blocks that are decoded.
    columns: Range<usize>,
    rows: Range<usize>,
}

impl Plane {
    /// Prepares for the part of `component` that shows `region` of the image.
    fn prepare(&mut self, header: &Header, component: &Component, region: Region) {
        let (across, down) = header.largest_sampling();
        let (scale_x, scale_y) =
            ((across / component.across) as u32, (down / component.down) as u32);
        let left = region.left / scale_x;
        let top = region.top / scale_y;
        let width = (region.left + region.width).div_ceil(scale_x) - left;
        let height = (region.top + region.height).div_ceil(scale_y) - top;
        self.region = Region { left, top, width, height };
        self.scale = (scale_x, scale_y);
        self.columns = left as usize / 8..(left + width).div_ceil(8) as usize;
        self.rows = top as usize / 8..(top + height).div_ceil(8) as usize;
        self.left = 8 * self.columns.start as u32;
        self.top = 8 * self.rows.start as u32;
        self.width = 8 * self.columns.len() as u32;
        self.height = 8 * self.rows.len() as u32;
        self.pixels.resize(64 * self.columns.len() * self.rows.len(), 0);
    }

    /// The pixels from the top left corner of a decoded block on.
    #[inline(always)]
    fn block(&mut self, column: usize, row: usize) -> &mut [u8] {
        let stride = self.height as usize;
        &mut self.pixels[8 * ((column - self.columns.start) * stride + (row - self.rows.start))..]
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
    /// chroma planes, if there are any.
    ///
    /// # Errors
    /// When the data is damaged or ends before the end of the region.
    pub(crate) fn decode(
        &mut self,
        header: &Header,
        region: Region,
        colour: bool,
    ) -> Result<&[Plane]> {
        let wanted = if colour { header.components.len() } else { 1 };
        self.planes.resize_with(wanted, Plane::default);
        for (plane, component) in self.planes.iter_mut().zip(&header.components) {
            plane.prepare(header, component, region);
        }
        let Self { scan, tables, planes } = self;
        let decoding = ScanDecoding { header, scan, tables, planes };
        pulp::Arch::new().dispatch(decoding).ok_or_else(|| bad("damaged image data"))?;
        Ok(planes)
    }
}

/// The row of MCUs below the last one that shows any of the planes.
fn end_row(header: &Header, planes: &[Plane]) -> usize {
    let rows = planes.iter().zip(&header.components);
    rows.map(|(plane, component)| plane.rows.end.div_ceil(component.down)).max().unwrap_or(0)
}

/// The work on one scan, compiled for each set of vector instructions.
struct ScanDecoding<'a> {
    header: &'a Header,
    scan: &'a ScanData,
    tables: &'a [Option<Table>],
    planes: &'a mut [Plane],
}

impl WithSimd for ScanDecoding<'_> {
    type Output = Option<()>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Option<()> {
        decode_scan(self.header, self.scan, self.tables, self.planes)
    }
}

#[inline(always)]
fn decode_scan(
    header: &Header,
    scan: &ScanData,
    tables: &[Option<Table>],
    planes: &mut [Plane],
) -> Option<()> {
    let (columns, rows) = header.mcus();
    let end = columns * end_row(header, planes).min(rows);
    let interval = if header.restart_interval == 0 { end } else { header.restart_interval };
    let waves = &*WAVES;
    let mut runs = scan.runs();
    let mut first = 0;
    while first < end {
        let mut bits = runs.next()?;
        let last = (first + interval).min(end);
        let mut predictions = [0; 3];
        for mcu in first..last {
            decode_mcu(
                header,
                tables,
                planes,
                (mcu % columns, mcu / columns),
                &mut bits,
                &mut predictions,
                waves,
            )?;
        }
        if bits.is_overrun() {
            return None;
        }
        first = last;
    }
    Some(())
}

#[inline(always)]
fn decode_mcu(
    header: &Header,
    tables: &[Option<Table>],
    planes: &mut [Plane],
    (column, row): (usize, usize),
    bits: &mut Bits<'_>,
    predictions: &mut [i32; 3],
    waves: &Waves,
) -> Option<()> {
    for (at, (component, prediction)) in header.components.iter().zip(predictions).enumerate() {
        let dc = tables[component.dc_table].as_ref()?;
        let ac = tables[component.ac_table].as_ref()?;
        for down in 0..component.down {
            for across in 0..component.across {
                let (x, y) = (column * component.across + across, row * component.down + down);
                let plane = planes.get_mut(at);
                let shown =
                    plane.filter(|plane| plane.columns.contains(&x) && plane.rows.contains(&y));
                if let Some(plane) = shown {
                    let mut block = [0; BLOCK];
                    let end = read_block(dc, ac, bits, prediction, &mut block)?;
                    draw_block(component, plane, (x, y), &block, end, waves);
                } else {
                    skip_block(dc, ac, bits, prediction)?;
                }
            }
        }
    }
    Some(())
}

/// The coefficients of a block, and a place for what a damaged file has past the last of them.
const BLOCK: usize = 65;

/// Reads the coefficients of a block, column by column. Returns how many there are, in the order
/// of the file, up to the last one that is not zero.
#[inline(always)]
fn read_block(
    dc: &Table,
    ac: &Table,
    bits: &mut Bits<'_>,
    prediction: &mut i32,
    block: &mut [i16; BLOCK],
) -> Option<usize> {
    read_dc(dc, bits, prediction)?;
    block[0] = *prediction as i16;
    let mut at = 1;
    loop {
        bits.refill();
        let run = ac.decode(at, bits)?;
        block[usize::from(ORDER[(at + run.first()) % ORDER.len()])] = run.first_value();
        block[usize::from(ORDER[(at + run.second()) % ORDER.len()])] = run.second_value();
        let next = at + run.advance();
        if next >= 64 {
            let is_empty = run.first() == END_OF_BLOCK;
            return Some(if is_empty { at } else { (at + run.second() + 1).min(64) });
        }
        at = next;
    }
}

/// Passes over a block.
#[inline(always)]
fn skip_block(dc: &Table, ac: &Table, bits: &mut Bits<'_>, prediction: &mut i32) -> Option<()> {
    read_dc(dc, bits, prediction)?;
    let mut at = 1;
    while at < 64 {
        bits.refill();
        at += ac.decode(at, bits)?.advance();
    }
    Some(())
}

#[inline(always)]
fn read_dc(dc: &Table, bits: &mut Bits<'_>, prediction: &mut i32) -> Option<()> {
    bits.refill();
    *prediction = prediction.wrapping_add(dc.decode_difference(bits)?);
    Some(())
}

#[inline(always)]
fn draw_block(
    component: &Component,
    plane: &mut Plane,
    (x, y): (usize, usize),
    block: &[i16; BLOCK],
    end: usize,
    waves: &Waves,
) {
    let stride = plane.height as usize;
    let columns = plane.block(x, y).chunks_mut(stride);
    let Some(block) = block.first_chunk() else { return };
    if end <= 1 {
        let value = inverse_flat(block[0], &component.steps);
        for column in columns.take(8) {
            column[..8].fill(value);
        }
    } else {
        let pixels = inverse(block, FREQUENCIES[end % 65].into(), &component.steps, waves);
        for (column, pixels) in columns.zip(&pixels) {
            column[..8].copy_from_slice(pixels);
        }
    }
}

/// Where the coefficients stand in a block that is stored column by column, in the order of the
/// file. What is past the end stands in the place after the block.
const ORDER: [u8; 128] = {
    let mut order = [64; 128];
    let mut at = 0;
    while at < 64 {
        order[at] = ZIGZAG[at] % 8 * 8 + ZIGZAG[at] / 8;
        at += 1;
    }
    order
};

/// One more than the largest frequency, in either direction, of so many coefficients in the order
/// of the file.
const FREQUENCIES: [u8; 65] = {
    let mut frequencies = [0; 65];
    let mut at = 0;
    while at < 64 {
        let (down, across) = (ZIGZAG[at] / 8 + 1, ZIGZAG[at] % 8 + 1);
        let larger = if down > across { down } else { across };
        let before = frequencies[at];
        frequencies[at + 1] = if larger > before { larger } else { before };
        at += 1;
    }
    frequencies
};
