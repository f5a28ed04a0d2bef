//! What a scan consists of, first recorded, then written with the tables made for it.

use super::huffman::Definition;
use super::plan::{JpegPlan, Scan, Tables};
use super::samples::Grid;
use ocelli_random::ChaCha8Rng;

/// A piece of a scan.
enum Piece {
    /// A symbol of one of the tables, then that many extra bits.
    Symbol {
        slot: usize,
        symbol: u8,
        extra: u32,
        count: u32,
    },
    Bits {
        bits: u32,
        count: u32,
    },
    Restart,
}

/// Two tables for DC, then two for AC.
pub(super) type Definitions = [Option<Definition>; 4];

/// Keeps the pieces of a scan.
pub(super) struct Recorder {
    pieces: Vec<Piece>,
    counts: [[u32; 256]; 4],
}

impl Recorder {
    pub(super) fn new() -> Self {
        Self { pieces: Vec::new(), counts: [[0; 256]; 4] }
    }

    pub(super) fn symbol(&mut self, slot: usize, symbol: u8, extra: u32, count: u32) {
        self.counts[slot][usize::from(symbol)] += 1;
        self.pieces.push(Piece::Symbol { slot, symbol, extra, count });
    }

    pub(super) fn bits(&mut self, bits: u32, count: u32) {
        self.pieces.push(Piece::Bits { bits, count });
    }

    pub(super) fn restart(&mut self) {
        self.pieces.push(Piece::Restart);
    }

    pub(super) fn definitions(&self, tables: Tables, random: &mut ChaCha8Rng) -> Definitions {
        if tables != Tables::Own {
            return Definition::standard().map(Some);
        }
        self.counts.map(|counts| {
            counts.iter().any(|count| *count > 0).then(|| Definition::from_counts(&counts, random))
        })
    }

    pub(super) fn write(&self, definitions: &Definitions, file: &mut Vec<u8>) {
        let (mut buffer, mut filled) = (0_u64, 0);
        let mut restarts = 0;
        let mut put = |file: &mut Vec<u8>, bits: u32, count: u32| {
            buffer = buffer << count | u64::from(bits) & ((1 << count) - 1);
            filled += count;
            while filled >= 8 {
                filled -= 8;
                let byte = (buffer >> filled) as u8;
                file.push(byte);
                if byte == 0xff {
                    file.push(0);
                }
            }
            filled
        };
        for piece in &self.pieces {
            match *piece {
                Piece::Symbol { slot, symbol, extra, count } => {
                    if let Some(definition) = &definitions[slot] {
                        let (code, length) = definition.code(symbol);
                        put(file, code, length);
                        put(file, extra, count);
                    }
                }
                Piece::Bits { bits, count } => {
                    put(file, bits, count);
                }
                Piece::Restart => {
                    let filled = put(file, 0, 0);
                    put(file, u32::MAX, (8 - filled) % 8);
                    file.extend([0xff, 0xd0 + restarts % 8]);
                    restarts = (restarts + 1) % 8;
                }
            }
        }
        let filled = put(file, 0, 0);
        put(file, u32::MAX, (8 - filled) % 8);
    }
}

/// A block of a scan: the index of its component in the scan, and its coefficients.
pub(super) type Block<'a> = (usize, &'a [i32; 64]);

/// The blocks of a scan between restart markers (T.81, A.2).
pub(super) fn runs<'a>(plan: &JpegPlan, scan: &Scan, grids: &'a [Grid]) -> Vec<Vec<Block<'a>>> {
    let mcus: Vec<Vec<Block<'_>>> = if let [single] = scan.components[..] {
        let grid = &grids[single];
        let positions = (0..grid.rows).flat_map(|y| (0..grid.columns).map(move |x| (x, y)));
        positions.map(|(x, y)| vec![(0, &grid.blocks[y * grid.stride + x])]).collect()
    } else {
        let (across, down) = plan.largest_sampling();
        let columns = usize::from(plan.width).div_ceil(8 * usize::from(across));
        let rows = usize::from(plan.height).div_ceil(8 * usize::from(down));
        let positions = (0..rows).flat_map(|y| (0..columns).map(move |x| (x, y)));
        positions
            .map(|(column, row)| {
                let mut mcu = Vec::new();
                for (part, index) in scan.components.iter().enumerate() {
                    let (component, grid) = (&plan.components[*index], &grids[*index]);
                    let (across, down) =
                        (usize::from(component.across), usize::from(component.down));
                    for y in row * down..(row + 1) * down {
                        for x in column * across..(column + 1) * across {
                            mcu.push((part, &grid.blocks[y * grid.stride + x]));
                        }
                    }
                }
                mcu
            })
            .collect()
    };
    let interval =
        if plan.restart_interval == 0 { mcus.len() } else { plan.restart_interval.into() };
    mcus.chunks(interval).map(<[_]>::concat).collect()
}

/// The bits that `value` takes, and how many they are (T.81, F.1.2.1).
pub(super) fn magnitude(value: i32) -> (u32, u32) {
    let count = 32 - value.unsigned_abs().leading_zeros();
    let bits = if value < 0 { value - 1 } else { value };
    (bits as u32 & ((1_u32 << count) - 1), count)
}
