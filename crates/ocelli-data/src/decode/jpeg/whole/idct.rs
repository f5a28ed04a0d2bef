//! The inverse DCT in whole numbers, with the results of libjpeg's accurate one to the bit.
//!
//! That one is the fast transform of Loeffler, Ligtenberg and Moschytz (ICASSP 1989) with
//! constants of 13 fractional bits, first down, then across. It rounds only at the end of each
//! direction. Between, it is a sum of products of whole numbers, and in which order these are added
//! makes no difference; so it is done here as the product with a matrix, which leaves out the
//! frequencies that a block does not have and needs no transposition.

/// A row of eight lanes.
type Row = [i32; 8];

/// Quantisation steps, row by row.
#[derive(Clone, Debug)]
pub(super) struct Steps([[i16; 8]; 8]);

impl Steps {
    /// From the steps in the order of the file.
    pub(super) fn new(quantisation: &[u16; 64]) -> Self {
        let mut steps = [[0; 8]; 8];
        for (step, position) in quantisation.iter().zip(super::super::reader::ZIGZAG) {
            steps[usize::from(position) / 8][usize::from(position) % 8] = *step as i16;
        }
        Self(steps)
    }
}

/// Fractional bits of the constants.
const CONSTANT_BITS: u32 = 13;
/// Fractional bits that are kept between the two directions.
const KEPT_BITS: u32 = 2;

/// For each frequency, what it adds to each of the eight samples.
const WAVES: [Row; 8] = {
    let mut waves = [[0; 8]; 8];
    let mut frequency = 0;
    while frequency < 8 {
        let mut input = [0; 8];
        input[frequency] = 1;
        waves[frequency] = transformed(input);
        frequency += 1;
    }
    waves
};

/// The fast transform in one direction, without rounding. Its constants are sums and differences
/// of √2 · cos(k π / 16), rounded.
const fn transformed(input: Row) -> Row {
    let [in0, in1, in2, in3, in4, in5, in6, in7] = input;
    // The even frequencies: a rotation by 6 π / 16.
    let turned = 4_433 * (in2 + in6);
    let (near, far) = (turned + 6_270 * in2, turned - 15_137 * in6);
    let (sum, difference) = ((in0 + in4) << CONSTANT_BITS, (in0 - in4) << CONSTANT_BITS);
    let even = [sum + near, difference + far, difference - far, sum - near];
    // The odd frequencies.
    let shared = 9_633 * (in7 + in3 + in5 + in1);
    let outer = -7_373 * (in7 + in1);
    let inner = -20_995 * (in5 + in3);
    let left = shared - 16_069 * (in7 + in3);
    let right = shared - 3_196 * (in5 + in1);
    let odd = [
        12_299 * in1 + outer + right,
        25_172 * in3 + inner + left,
        16_819 * in5 + inner + right,
        2_446 * in7 + outer + left,
    ];
    [
        even[0] + odd[0],
        even[1] + odd[1],
        even[2] + odd[2],
        even[3] + odd[3],
        even[3] - odd[3],
        even[2] - odd[2],
        even[1] - odd[1],
        even[0] - odd[0],
    ]
}

/// The samples of a block, row by row, from its coefficients, row by row, of which those of
/// frequency `limit` and above, in either direction, are zero.
#[inline(always)]
pub(super) fn inverse(coefficients: &[i16; 64], limit: usize, steps: &Steps) -> [[u8; 8]; 8] {
    let mut down = [[0; 8]; 8];
    let rows = coefficients.as_chunks::<8>().0.iter();
    for ((values, steps), wave) in rows.zip(&steps.0).zip(&WAVES).take(limit) {
        let row = dequantised(values, steps);
        for (sum, factor) in down.iter_mut().zip(wave) {
            add_product(sum, *factor, &row);
        }
    }
    for row in &mut down {
        *row = row.map(kept);
    }
    let mut sums = [[0; 8]; 8];
    for (frequency, wave) in WAVES.iter().enumerate().take(limit) {
        for (sum, row) in sums.iter_mut().zip(&down) {
            add_product(sum, row[frequency], wave);
        }
    }
    let mut samples = [[0; 8]; 8];
    for (samples, sums) in samples.iter_mut().zip(&sums) {
        *samples = sums.map(sample);
    }
    samples
}

/// All samples of a block that has no other coefficient than this.
#[inline(always)]
pub(super) fn inverse_flat(coefficient: i16, steps: &Steps) -> u8 {
    let value = i32::from(coefficient.wrapping_mul(steps.0[0][0]));
    (((value + 4) >> 3) + 128).clamp(0, 255) as u8
}

/// Values that do not fit 16 bits are in no file that was made from a picture. They wrap around,
/// as in decoders with vector instructions.
#[inline(always)]
fn dequantised(row: &[i16; 8], steps: &[i16; 8]) -> Row {
    std::array::from_fn(|lane| i32::from(row[lane].wrapping_mul(steps[lane])))
}

#[inline(always)]
fn add_product(sum: &mut Row, factor: i32, row: &Row) {
    *sum = std::array::from_fn(|lane| sum[lane].wrapping_add(factor.wrapping_mul(row[lane])));
}

/// What is kept of a value after the first direction.
#[inline(always)]
fn kept(value: i32) -> i32 {
    const BITS: u32 = CONSTANT_BITS - KEPT_BITS;
    let rounded = value.wrapping_add(1 << (BITS - 1)) >> BITS;
    rounded.clamp(i16::MIN.into(), i16::MAX.into())
}

/// A sample, from a value after the second direction, which is eight times too large.
#[inline(always)]
fn sample(value: i32) -> u8 {
    const BITS: u32 = CONSTANT_BITS + KEPT_BITS + 3;
    ((value.wrapping_add(1 << (BITS - 1)) >> BITS) + 128).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    /// The definition (T.81, A.3.3), in f64.
    fn defined(coefficients: &[i16; 64], step: f64) -> [[f64; 8]; 8] {
        let norm = |frequency| if frequency == 0 { 0.5_f64.sqrt() } else { 1.0 };
        let wave = |at: usize, frequency: usize| {
            ((2 * at + 1) as f64 * frequency as f64 * PI / 16.0).cos()
        };
        std::array::from_fn(|y| {
            std::array::from_fn(|x| {
                let sum: f64 = (0..64)
                    .map(|at| {
                        let (v, u) = (at / 8, at % 8);
                        let value = f64::from(coefficients[at]) * step;
                        norm(u) * norm(v) * value * wave(x, u) * wave(y, v)
                    })
                    .sum();
                (sum / 4.0 + 128.0).clamp(0.0, 255.0)
            })
        })
    }

    #[test]
    fn waves_are_those_of_the_definition() {
        for (frequency, row) in WAVES.iter().enumerate() {
            for (at, value) in row.iter().enumerate() {
                let norm = if frequency == 0 { 1.0 } else { 2.0_f64.sqrt() };
                let wave = ((2 * at + 1) as f64 * frequency as f64 * PI / 16.0).cos();
                let expected = 8192.0 * norm * wave;
                assert!((f64::from(*value) - expected).abs() < 2.0, "{frequency} {at}: {value}");
            }
        }
    }

    #[test]
    fn samples_are_those_of_the_definition() {
        let steps = Steps::new(&[3; 64]);
        for seed in 0_u32..200 {
            let limit = 1 + seed as usize % 8;
            let mut block = [0; 64];
            for at in 0..=seed as usize % 12 {
                let noise = (seed + 1).wrapping_mul(0x9e37_79b1).rotate_left(3 * at as u32) >> 8;
                let position = (noise as usize % limit) * 8 + noise as usize / 64 % limit;
                block[position] = (noise / 4096 % 41) as i16 - 20;
            }
            let samples = inverse(&block, limit, &steps);
            for (row, expected) in samples.iter().zip(defined(&block, 3.0)) {
                for (sample, expected) in row.iter().zip(expected) {
                    assert!((f64::from(*sample) - expected).abs() < 1.0, "{sample} {expected}");
                }
            }
        }
    }

    #[test]
    fn a_flat_block_is_the_same_either_way() {
        let steps = Steps::new(&[16; 64]);
        for value in [-200, -100, -3, 0, 7, 100] {
            let mut block = [0; 64];
            block[0] = value;
            assert_eq!(inverse(&block, 1, &steps), [[inverse_flat(value, &steps); 8]; 8]);
        }
    }

    #[test]
    fn absurd_coefficients_do_no_harm() {
        let steps = Steps::new(&[u16::MAX; 64]);
        for value in [i16::MIN, i16::MAX] {
            inverse(&[value; 64], 8, &steps);
            inverse_flat(value, &steps);
        }
    }
}
