//! From the bits of a scan to the blocks of the planes.

use super::bits::{Bits, ScanData};
use super::header::{Component, ZIGZAG};
use super::huffman::{END_OF_BLOCK, Table};
use super::idct::{WAVES, Waves, inverse, inverse_flat};
use super::{Header, Plane};
use pulp::{Simd, WithSimd};

/// The work on one scan, compiled for each set of vector instructions.
pub(super) struct ScanDecoding<'a> {
    pub(super) header: &'a Header,
    pub(super) scan: &'a ScanData,
    pub(super) tables: &'a [Option<Table>],
    pub(super) planes: &'a mut [Plane],
}

impl WithSimd for ScanDecoding<'_> {
    type Output = Option<()>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Option<()> {
        decode_scan(self.header, self.scan, self.tables, self.planes)
    }
}

/// The row of MCUs below the last one that shows any of the planes.
fn end_row(header: &Header, planes: &[Plane]) -> usize {
    let rows = planes.iter().zip(&header.components);
    rows.map(|(plane, component)| plane.rows.end.div_ceil(component.down)).max().unwrap_or(0)
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
    waves: &[Waves; 4],
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
    place: (usize, usize),
    block: &[i16; BLOCK],
    end: usize,
    waves: &[Waves; 4],
) {
    match plane.halvings {
        0 => draw_block_of::<8>(component, plane, place, block, end, &waves[0]),
        1 => draw_block_of::<4>(component, plane, place, block, end, &waves[1]),
        2 => draw_block_of::<2>(component, plane, place, block, end, &waves[2]),
        _ => draw_block_of::<1>(component, plane, place, block, end, &waves[3]),
    }
}

#[inline(always)]
fn draw_block_of<const SIDE: usize>(
    component: &Component,
    plane: &mut Plane,
    place: (usize, usize),
    block: &[i16; BLOCK],
    end: usize,
    waves: &Waves,
) {
    let columns = plane.block::<SIDE>(place);
    let Some(block) = block.first_chunk() else { return };
    if end <= 1 {
        let value = inverse_flat(block[0], &component.steps);
        for column in columns.take(SIDE) {
            column.fill(value);
        }
    } else {
        let limit = FREQUENCIES[end % 65].into();
        let pixels = inverse::<SIDE>(block, limit, &component.steps, waves);
        for (pixels, column) in pixels.iter().zip(columns) {
            column.copy_from_slice(&pixels[..SIDE]);
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
