//! The scans of a progressive file (T.81, annex G).

use super::super::bits::{Bits, ScanData};
use super::super::damage::Damage;
use super::super::frame::Frame;
use super::super::huffman::{SymbolTable, extend};
use super::super::reader::{Definitions, ZIGZAG};
use super::super::refusal::bad;
use super::super::scan::{Band, Scan};
use crate::Result;

/// The coefficients of a block, row by row.
type Block = [i16; 64];

/// All coefficients of a file, as far as its scans have sent them.
pub(super) struct Coefficients(Vec<Grid>);

/// The blocks of one component, row by row.
struct Grid {
    blocks: Vec<Block>,
    /// Blocks from one row to the next: whole MCUs.
    stride: usize,
    /// The blocks that belong to the picture.
    columns: usize,
    rows: usize,
}

impl Coefficients {
    pub(super) fn new(frame: &Frame) -> Self {
        let grids = frame.components.iter().map(|component| {
            let (stride, padded_rows) = frame.padded_blocks_of(component);
            let (columns, rows) = frame.blocks_of(component);
            Grid { blocks: vec![[0; 64]; stride * padded_rows], stride, columns, rows }
        });
        Self(grids.collect())
    }

    /// Adds what a scan sends.
    ///
    /// # Errors
    /// When the scan is damaged or lacks a Huffman table.
    pub(super) fn add(
        &mut self,
        scan: &Scan,
        data: &ScanData,
        definitions: &Definitions<'_>,
    ) -> Result<()> {
        let band = scan.band;
        let table = |index: usize| {
            let definition = definitions.huffman(index, true);
            definition.and_then(SymbolTable::new).ok_or_else(|| {
                bad(&format!("Huffman table {} is missing or impossible", index % 4))
            })
        };
        if band.first > 0 {
            let table = table(scan.components[0].ac_table)?;
            let read = if band.high == 0 { read_band } else { refine_band };
            return self.add_blocks(scan, data, |block, bits, state, _| {
                read(block, band, &table, bits, &mut state.blocks_without)
            });
        }
        if band.high > 0 {
            return self.add_blocks(scan, data, |block, bits, _, _| {
                bits.refill();
                block[0] |= (bits.take(1) as i16) << band.low;
                Some(())
            });
        }
        let tables = scan.components.iter().map(|component| table(component.dc_table));
        let tables = tables.collect::<Result<Vec<_>>>()?;
        self.add_blocks(scan, data, |block, bits, state, part| {
            bits.refill();
            let size = tables[part].decode(bits).filter(|size| *size < 16)?.into();
            let difference = extend(bits.take(size), size);
            let prediction = &mut state.predictions[part];
            *prediction = prediction.wrapping_add(difference);
            block[0] = (*prediction << band.low) as i16;
            Some(())
        })
    }

    /// Hands each block of a scan to `add`, with what is remembered from block to block and the
    /// index of its component in the scan.
    fn add_blocks(
        &mut self,
        scan: &Scan,
        data: &ScanData,
        mut add: impl FnMut(&mut Block, &mut Bits<'_>, &mut State, usize) -> Option<()>,
    ) -> Result<()> {
        let total = scan.columns * scan.rows;
        let interval = if scan.restart_interval == 0 { total } else { scan.restart_interval };
        let mut mcus = (0..scan.rows).flat_map(|y| (0..scan.columns).map(move |x| (x, y)));
        for mut bits in data.runs(total.div_ceil(interval))? {
            let mut state = State::default();
            for (column, row) in mcus.by_ref().take(interval) {
                for (part, component) in scan.components.iter().enumerate() {
                    let grid = &mut self.0[component.index];
                    for y in row * component.down..(row + 1) * component.down {
                        for x in column * component.across..(column + 1) * component.across {
                            let block = &mut grid.blocks[y * grid.stride + x];
                            add(block, &mut bits, &mut state, part).ok_or_else(|| bits.fault())?;
                        }
                    }
                }
            }
            bits.check_end()?;
            if state.blocks_without > 0 {
                return Err(Damage::Early.into());
            }
        }
        Ok(())
    }

    /// The component, column and row of each block that belongs to the picture, and the block.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (usize, (usize, usize), &Block)> {
        self.0.iter().enumerate().flat_map(|(component, grid)| {
            let rows = grid.blocks.chunks_exact(grid.stride).take(grid.rows).enumerate();
            rows.flat_map(move |(y, row)| {
                let blocks = row.iter().take(grid.columns).enumerate();
                blocks.map(move |(x, block)| (component, (x, y), block))
            })
        })
    }
}

/// What is remembered from block to block.
#[derive(Default)]
struct State {
    predictions: [i32; 4],
    /// How many of the next blocks have no (further) coefficient in this band.
    blocks_without: u32,
}

/// One more than the largest frequency of a block, in either direction.
#[inline(always)]
pub(super) fn limit(block: &Block) -> usize {
    let (mut columns, mut rows) = ([0; 8], 0);
    for (at, row) in block.as_chunks::<8>().0.iter().enumerate() {
        let mut any = 0;
        for lane in 0..8 {
            columns[lane] |= row[lane];
            any |= row[lane];
        }
        if any != 0 {
            rows = at + 1;
        }
    }
    columns.iter().rposition(|column| *column != 0).map_or(0, |last| rows.max(last + 1))
}

/// The first bits of a band (G.1.2.2).
fn read_band(
    block: &mut Block,
    band: Band,
    table: &SymbolTable,
    bits: &mut Bits<'_>,
    blocks_without: &mut u32,
) -> Option<()> {
    if *blocks_without > 0 {
        *blocks_without -= 1;
        return Some(());
    }
    let mut at = band.first;
    while at <= band.last {
        bits.refill();
        let symbol = table.decode(bits)?;
        let (zeros, size) = (symbol >> 4, u32::from(symbol & 15));
        at += usize::from(zeros);
        match (zeros, size) {
            (15, 0) => {}
            (_, 0) => {
                *blocks_without = band_ends(zeros, bits) - 1;
                return Some(());
            }
            _ if at > band.last => return None,
            _ => block[position(at)] = (extend(bits.take(size), size) << band.low) as i16,
        }
        at += 1;
    }
    (at == band.last + 1).then_some(())
}

/// One more bit of a band (G.1.2.3).
fn refine_band(
    block: &mut Block,
    band: Band,
    table: &SymbolTable,
    bits: &mut Bits<'_>,
    blocks_without: &mut u32,
) -> Option<()> {
    let one = 1 << band.low;
    let mut at = band.first;
    while at <= band.last && *blocks_without == 0 {
        bits.refill();
        let symbol = table.decode(bits)?;
        let (mut zeros, size) = (symbol >> 4, symbol & 15);
        let new = match size {
            0 if zeros < 15 => {
                *blocks_without = band_ends(zeros, bits);
                break;
            }
            0 => 0,
            1 => {
                if bits.take(1) == 1 {
                    one
                } else {
                    -one
                }
            }
            _ => return None,
        };
        // Coefficients that are known get their bit, the zeros between them are counted.
        loop {
            if at > band.last {
                return None;
            }
            let coefficient = &mut block[position(at)];
            if *coefficient != 0 {
                refine(coefficient, one, bits);
            } else if zeros == 0 {
                *coefficient = new;
                break;
            } else {
                zeros -= 1;
            }
            at += 1;
        }
        at += 1;
    }
    if *blocks_without > 0 {
        *blocks_without -= 1;
        for at in at..=band.last {
            let coefficient = &mut block[position(at)];
            if *coefficient != 0 {
                refine(coefficient, one, bits);
            }
        }
    }
    Some(())
}

/// Reads one more bit of a coefficient that is not zero.
fn refine(coefficient: &mut i16, one: i16, bits: &mut Bits<'_>) {
    bits.refill();
    if bits.take(1) == 1 {
        *coefficient = coefficient.wrapping_add(if *coefficient > 0 { one } else { -one });
    }
}

/// For how many blocks, from this one on, the band ends here.
fn band_ends(size: u8, bits: &mut Bits<'_>) -> u32 {
    (1 << size) + bits.take(size.into())
}

fn position(at: usize) -> usize {
    ZIGZAG[at % 64].into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_that_of_the_largest_frequency() {
        let mut block = [0; 64];
        assert_eq!(limit(&block), 0);
        block[0] = -1;
        assert_eq!(limit(&block), 1);
        block[2 * 8 + 1] = 5;
        assert_eq!(limit(&block), 3);
        block[6] = 1;
        assert_eq!(limit(&block), 7);
    }
}
