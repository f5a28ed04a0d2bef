//! Dropout by bits: one for each element says whether it is kept.

use crate::blocks::rows_per_block;
use crate::elementwise::Write;
use crate::rows::{Rows, RowsMut};
use crate::simd::{Kernel, Simd, dispatch};
use rayon::prelude::*;

/// `y = factor · x` where the element's bit is set and zero elsewhere; or that added to `y`.
///
/// # Shapes
/// - `x`, `y`: `[pixels, channels]`
/// - `bits`: `[pixels, ⌈channels / 8⌉]`, the lowest bit of a byte first
///
/// # Panics
/// When the shapes differ.
pub fn keep(x: Rows<'_>, bits: Rows<'_, u8>, factor: f32, y: RowsMut<'_>, write: Write) {
    let (count, channels) = (y.count(), y.channels());
    assert_eq!((x.count(), x.channels()), (count, channels), "shape of kept elements");
    assert_eq!((bits.count(), bits.channels()), (count, channels.div_ceil(8)), "shape of the bits");
    let block = rows_per_block(channels);
    y.blocks(block).enumerate().for_each(|(index, y)| {
        let (x, bits) = (x.range(index * block, y.count()), bits.range(index * block, y.count()));
        dispatch(Keep { x, bits, factor, y, write });
    });
}

struct Keep<'a> {
    x: Rows<'a>,
    bits: Rows<'a, u8>,
    factor: f32,
    y: RowsMut<'a>,
    write: Write,
}

impl Kernel for Keep<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, _: S) {
        for row in 0..self.y.count() {
            let (x, bits) = (self.x.row(row).chunks(8), self.bits.row(row));
            for ((x, bits), y) in x.zip(bits).zip(self.y.row_mut(row).chunks_mut(8)) {
                for (bit, (x, y)) in x.iter().zip(y).enumerate() {
                    let kept = f32::from(bits >> bit & 1) * self.factor * x;
                    *y = if self.write == Write::Add { *y + kept } else { kept };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::values;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ocelli_testkit::cases(128))]

        #[test]
        fn a_bit_keeps_its_element(
            count in 1_usize..30, channels in 1_usize..40, seed: u64, adds: bool,
        ) {
            let width = channels.div_ceil(8);
            let byte = |index: u64| (seed.wrapping_mul(2 * index + 1) >> 32) as u8;
            let bits: Vec<u8> = (0..(count * width) as u64).map(byte).collect();
            let (x, old) = (values(count * channels, 1), values(count * channels, 2));
            let mut y = old.clone();
            let write = if adds { Write::Add } else { Write::Replace };
            let to = RowsMut::dense(&mut y, channels);
            keep(Rows::dense(&x, channels), Rows::dense(&bits, width), 1.25, to, write);
            for (index, y) in y.iter().enumerate() {
                let (row, channel) = (index / channels, index % channels);
                let is_kept = bits[row * width + channel / 8] >> (channel % 8) & 1 == 1;
                let kept = if is_kept { 1.25 * x[index] } else { 0.0 };
                let expected = if adds { old[index] + kept } else { kept };
                prop_assert!((y - expected).abs() < 1e-6, "{index}: {y}, expected {expected}");
            }
        }
    }
}
