//! The inverse DCT, as two products with the 8×8 matrix of cosines, in floating point.
//!
//! Fast transforms need fewer operations for a full block, but most blocks hold little more than
//! a corner of low frequencies, and a product can leave out the rest. Its inner loop is the same
//! eight lanes in both directions, without a transposition between them, which compilers turn
//! into vector instructions. No operation is fused or reordered: all processors give the same
//! bytes.

use std::f64::consts::{FRAC_1_SQRT_2, PI};
use std::sync::LazyLock;

pub(super) type Row = [f32; 8];

/// For each frequency, its wave over the pixels of a block.
#[derive(Debug)]
pub(super) struct Waves([Row; 8]);

/// Waves for blocks that are drawn 8, 4, 2 and 1 pixels wide.
pub(super) static WAVES: LazyLock<[Waves; 4]> =
    LazyLock::new(|| [Waves::new(8), Waves::new(4), Waves::new(2), Waves::new(1)]);

impl Waves {
    /// `c(u) / 2 · cos((2x + 1) u π / 16)` (T.81, A.3.3), averaged over as many neighbouring pixels
    /// as it takes to make the block `side` pixels wide.
    fn new(side: usize) -> Self {
        let wave = |frequency: usize, pixel: usize| {
            let norm = if frequency == 0 { FRAC_1_SQRT_2 } else { 1.0 };
            let angle = (2 * pixel + 1) as f64 * frequency as f64 * PI / 16.0;
            norm / 2.0 * angle.cos()
        };
        let merged = 8 / side;
        Self(std::array::from_fn(|frequency| {
            std::array::from_fn(|pixel| {
                let pixels = pixel * merged..(pixel + 1) * merged;
                let sum: f64 = pixels.filter(|at| *at < 8).map(|at| wave(frequency, at)).sum();
                (sum / merged as f64) as f32
            })
        }))
    }
}

/// Quantisation steps, column by column (a row for each horizontal frequency).
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps(pub(super) [Row; 8]);

impl Steps {
    /// From the steps row by row, a row for each vertical frequency.
    pub(super) fn of_rows(quantisation: &[u16; 64]) -> Self {
        Self(std::array::from_fn(|across| {
            std::array::from_fn(|down| f32::from(quantisation[8 * down + across]))
        }))
    }
}

/// The pixels of a block that is drawn `SIDE` pixels wide, column by column (of each the first
/// `SIDE` count), from its coefficients, column by column, of which those of frequency `limit` and
/// above, in either direction, are zero. `waves` are those for this width.
#[inline(always)]
pub(super) fn inverse<const SIDE: usize>(
    coefficients: &[i16; 64],
    limit: usize,
    steps: &Steps,
    waves: &Waves,
) -> [[u8; 8]; SIDE] {
    let mut across = [[0.0; 8]; SIDE];
    let columns = coefficients.as_chunks::<8>().0.iter();
    for ((values, steps), wave) in columns.zip(&steps.0).zip(&waves.0).take(limit) {
        let mut column = [0.0; 8];
        for lane in 0..8 {
            column[lane] = f32::from(values[lane]) * steps[lane];
        }
        for (sum, factor) in across.iter_mut().zip(wave) {
            add_product(sum, *factor, &column);
        }
    }
    let mut pixels = [[128.0; 8]; SIDE];
    for (frequency, wave) in waves.0.iter().enumerate().take(limit) {
        for (sum, column) in pixels.iter_mut().zip(&across) {
            add_product(sum, column[frequency], wave);
        }
    }
    let mut bytes = [[0; 8]; SIDE];
    for (bytes, column) in bytes.iter_mut().zip(&pixels) {
        for lane in 0..8 {
            bytes[lane] = to_byte(column[lane]);
        }
    }
    bytes
}

/// All pixels of a block that has no other coefficient than this.
#[inline(always)]
pub(super) fn inverse_flat(coefficient: i16, steps: &Steps) -> u8 {
    to_byte(f32::from(coefficient) * steps.0[0][0] / 8.0 + 128.0)
}

#[inline(always)]
fn add_product(sum: &mut Row, factor: f32, row: &Row) {
    *sum = std::array::from_fn(|lane| sum[lane] + factor * row[lane]);
}

/// Rounds, and cuts off at 0 and 255.
#[inline(always)]
fn to_byte(value: f32) -> u8 {
    // Above 2²³ a float has no fraction: adding it rounds, and leaves the integer in the low bits.
    const INTEGER: f32 = 8_388_608.0;
    (value.clamp(0.0, 255.0) + INTEGER).to_bits() as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition (T.81, A.3.3), in f64.
    fn defined(coefficients: &[i16; 64], quantisation: &[u16; 64]) -> [[f64; 8]; 8] {
        let norm = |frequency| if frequency == 0 { 0.5_f64.sqrt() } else { 1.0 };
        let wave = |at: usize, frequency: usize| {
            ((2 * at + 1) as f64 * frequency as f64 * PI / 16.0).cos()
        };
        std::array::from_fn(|y| {
            std::array::from_fn(|x| {
                let sum: f64 = (0..64)
                    .map(|at| {
                        let (v, u) = (at / 8, at % 8);
                        let value = f64::from(coefficients[at]) * f64::from(quantisation[at]);
                        norm(u) * norm(v) * value * wave(x, u) * wave(y, v)
                    })
                    .sum();
                (sum / 4.0 + 128.0).clamp(0.0, 255.0)
            })
        })
    }

    fn transposed(block: &[i16; 64]) -> [i16; 64] {
        std::array::from_fn(|at| block[at % 8 * 8 + at / 8])
    }

    proptest! {
        #![proptest_config(ocelli_testkit::cases(256))]
        #[test]
        fn pixels_are_those_of_the_definition(
            values in prop::collection::vec((0_usize..64, -60_i16..60), 1..20),
            step in 1_u16..12,
        ) {
            let mut block = [0; 64];
            for (at, value) in values {
                block[at] = value;
            }
            let quantisation = std::array::from_fn(|at| step + at as u16 / 4);
            let limit = (0..64).filter(|at| block[*at] != 0).map(|at| (at / 8).max(at % 8) + 1);
            let limit = limit.max().unwrap_or(0);
            let steps = Steps::of_rows(&quantisation);
            let transposed = transposed(&block);
            let columns = inverse::<8>(&transposed, limit, &steps, &WAVES[0]);
            for (y, row) in defined(&block, &quantisation).iter().enumerate() {
                for (column, expected) in columns.iter().zip(row) {
                    let pixel = column[y];
                    prop_assert!((f64::from(pixel) - expected).abs() < 0.51, "{pixel} {expected}");
                }
            }
        }
    }

    #[test]
    fn a_smaller_block_holds_averages() {
        let block = std::array::from_fn(|at| if at % 7 == 0 { 40 - at as i16 } else { 3 });
        let steps = Steps::of_rows(&[2; 64]);
        let full = inverse::<8>(&block, 8, &steps, &WAVES[0]);
        let half = inverse::<4>(&block, 8, &steps, &WAVES[1]);
        let one = inverse::<1>(&block, 8, &steps, &WAVES[3]);
        let mean = |x: usize, y: usize, len: usize| {
            let pixels = full[x..x + len].iter().flat_map(|column| &column[y..y + len]);
            pixels.map(|pixel| f64::from(*pixel)).sum::<f64>() / (len * len) as f64
        };
        for (x, y) in (0..4).flat_map(|x| (0..4).map(move |y| (x, y))) {
            assert!((f64::from(half[x][y]) - mean(2 * x, 2 * y, 2)).abs() <= 1.0);
        }
        assert!((f64::from(one[0][0]) - mean(0, 0, 8)).abs() <= 1.0);
    }

    #[test]
    fn a_flat_block_is_the_same_either_way() {
        let steps = Steps::of_rows(&[16; 64]);
        for value in [-100, -3, 0, 7, 100] {
            let mut block = [0; 64];
            block[0] = value;
            let pixels = inverse::<8>(&block, 1, &steps, &WAVES[0]);
            assert_eq!(pixels, [[inverse_flat(value, &steps); 8]; 8]);
        }
    }
}
