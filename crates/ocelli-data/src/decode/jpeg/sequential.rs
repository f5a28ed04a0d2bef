//! From the bits of a sequential scan to blocks of coefficients (T.81, F.2).

use super::bits::{Bits, ScanData};
use super::damage::Damage;
use super::huffman::{Table, Tables};
use super::reader::ZIGZAG;
use super::scan::{Scan, ScanComponent};
use pulp::{Arch, Simd, WithSimd};
use std::ops::Range;

/// What becomes of the blocks of a scan.
pub(super) trait Sink {
    /// Where the coefficients stand in a block, in the order of the file.
    const ORDER: &'static Order;

    /// The rows of MCUs outside which [`Self::wants`] no block.
    fn rows(&self, scan: &Scan) -> Range<usize>;

    /// Whether the block in this column and row of a component is drawn.
    fn wants(&self, component: usize, position: (usize, usize)) -> bool;

    /// Draws a block whose coefficients of frequency `limit` and above, in either direction, are
    /// zero.
    fn draw(&mut self, component: usize, position: (usize, usize), block: &[i16; 64], limit: usize);
}

/// Where the coefficients stand in a block, in the order of the file.
pub(super) type Order = [u8; 64];

/// Blocks that are stored row by row.
pub(super) const BY_ROWS: Order = ZIGZAG;

/// Blocks that are stored column by column.
pub(super) const BY_COLUMNS: Order = {
    let mut order = [0; 64];
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

/// Decodes all of a scan, whatever part of it is wanted: whether a file is sound does not depend
/// on what of it is looked at.
///
/// # Errors
/// When the data is damaged, ends too early or goes on after the last block.
pub(super) fn decode(
    scan: &Scan,
    data: &ScanData,
    tables: &Tables,
    sink: &mut impl Sink,
) -> Result<(), Damage> {
    Arch::new().dispatch(Decoding { scan, data, tables, sink })
}

/// The work on one scan, compiled for each set of vector instructions.
struct Decoding<'a, S> {
    scan: &'a Scan,
    data: &'a ScanData,
    tables: &'a Tables,
    sink: &'a mut S,
}

impl<K: Sink> WithSimd for Decoding<'_, K> {
    type Output = Result<(), Damage>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Self::Output {
        let Self { scan, data, tables, sink } = self;
        let parts = scan.components.iter().map(|component| {
            let (dc, ac) = tables.pair(component)?;
            Some(Part { component: *component, dc, ac })
        });
        // All tables were prepared.
        let parts: Vec<_> = parts.collect::<Option<_>>().ok_or(Damage::Code)?;
        let total = scan.columns * scan.rows;
        let interval = if scan.restart_interval == 0 { total } else { scan.restart_interval };
        let wanted = sink.rows(scan);
        let mut next = McuPosition { column: 0, row: 0, columns: scan.columns };
        let mut left = total;
        for mut bits in data.runs(total.div_ceil(interval))? {
            let here = interval.min(left);
            left -= here;
            let mut predictions = [0; 4];
            for _ in 0..here {
                let is_sound = if wanted.contains(&next.row) {
                    read_mcu(&parts, &next, &mut bits, &mut predictions, sink)
                } else {
                    skip_mcu(&parts, &mut bits, &mut predictions)
                };
                is_sound.ok_or_else(|| bits.fault())?;
                next.advance();
            }
            bits.check_end()?;
        }
        Ok(())
    }
}

/// A component of a scan with its tables.
struct Part<'a> {
    component: ScanComponent,
    dc: &'a Table,
    ac: &'a Table,
}

/// The position of an MCU.
struct McuPosition {
    column: usize,
    row: usize,
    columns: usize,
}

impl McuPosition {
    #[inline(always)]
    fn advance(&mut self) {
        self.column += 1;
        if self.column == self.columns {
            (self.column, self.row) = (0, self.row + 1);
        }
    }
}

#[inline(always)]
fn read_mcu<S: Sink>(
    parts: &[Part<'_>],
    position: &McuPosition,
    bits: &mut Bits<'_>,
    predictions: &mut [i32; 4],
    sink: &mut S,
) -> Option<()> {
    for (Part { component, dc, ac }, prediction) in parts.iter().zip(predictions) {
        let ScanComponent { index, across, down, .. } = *component;
        for y in position.row * down..(position.row + 1) * down {
            for x in position.column * across..(position.column + 1) * across {
                if sink.wants(index, (x, y)) {
                    let mut block = [0; 64];
                    read_dc(dc, bits, prediction)?;
                    block[0] = *prediction as i16;
                    let count = ac.read_coefficients(bits, S::ORDER, &mut block)?;
                    sink.draw(index, (x, y), &block, FREQUENCIES[count % 65].into());
                } else {
                    read_dc(dc, bits, prediction)?;
                    ac.skip_coefficients(bits)?;
                }
            }
        }
    }
    Some(())
}

#[inline(always)]
fn skip_mcu(parts: &[Part<'_>], bits: &mut Bits<'_>, predictions: &mut [i32; 4]) -> Option<()> {
    for (Part { component, dc, ac }, prediction) in parts.iter().zip(predictions) {
        for _ in 0..component.across * component.down {
            read_dc(dc, bits, prediction)?;
            ac.skip_coefficients(bits)?;
        }
    }
    Some(())
}

#[inline(always)]
fn read_dc(dc: &Table, bits: &mut Bits<'_>, prediction: &mut i32) -> Option<()> {
    *prediction = prediction.wrapping_add(dc.read_difference(bits)?);
    Some(())
}
