//! Each channel several times side by side: what a depthwise convolution with several outputs per
//! input channel reads.

use crate::blocks::rows_per_block;
use crate::elementwise::Write;
use crate::rows::{Rows, RowsMut};
use rayon::prelude::*;

/// `y[p, c · M + m] = x[p, c]`
///
/// # Shapes
/// - `x`: `[pixels, channels]`, `y`: `[pixels, channels · M]`
///
/// # Panics
/// When a shape differs from these.
pub fn repeat_channels(x: Rows<'_>, y: RowsMut<'_>) {
    let times = times((x.count(), x.channels()), (y.count(), y.channels()));
    let block = rows_per_block(y.channels());
    y.blocks(block).enumerate().for_each(|(index, mut y)| {
        for row in 0..y.count() {
            let x = x.row(index * block + row);
            for (copies, x) in y.row_mut(row).chunks_exact_mut(times).zip(x) {
                copies.fill(*x);
            }
        }
    });
}

/// The gradient of [`repeat_channels`]'s input, or added to `dx`: the sum over the copies.
///
/// # Shapes
/// As for [`repeat_channels`], with `dy` for `y` and `dx` for `x`.
///
/// # Panics
/// When a shape differs.
pub fn repeat_channels_gradient(dy: Rows<'_>, dx: RowsMut<'_>, write: Write) {
    let times = times((dx.count(), dx.channels()), (dy.count(), dy.channels()));
    let block = rows_per_block(dy.channels());
    dx.blocks(block).enumerate().for_each(|(index, mut dx)| {
        for row in 0..dx.count() {
            let dy = dy.row(index * block + row);
            for (dx, copies) in dx.row_mut(row).iter_mut().zip(dy.chunks_exact(times)) {
                let sum: f32 = copies.iter().sum();
                *dx = if write == Write::Add { *dx + sum } else { sum };
            }
        }
    });
}

/// How many copies of each channel there are.
fn times((pixels, channels): (usize, usize), (copied_pixels, copies): (usize, usize)) -> usize {
    assert_eq!(pixels, copied_pixels, "pixels of repeated channels");
    assert!(copies.is_multiple_of(channels), "{copies} copies of {channels} channels");
    (copies / channels.max(1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, values};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ocelli_testkit::cases(256))]
        #[test]
        fn copies_and_their_sums_equal_the_formula(
            pixels in 1_usize..30, channels in 1_usize..20, times in 1_usize..5, gap in 0_usize..3,
        ) {
            let stride = channels + gap;
            let (x, old) = (values(pixels * stride, 1), values(pixels * channels, 2));
            let x_rows = Rows::strided(&x, pixels, channels, stride);
            let mut y = vec![9.0; pixels * channels * times];
            repeat_channels(x_rows, RowsMut::dense(&mut y, channels * times));
            let position = |i: usize| (i / times / channels, i / times % channels);
            for (i, value) in y.iter().enumerate() {
                let (pixel, channel) = position(i);
                prop_assert_eq!(*value, x[pixel * stride + channel]);
            }
            let dy = values(y.len(), 3);
            let mut expected: Vec<f64> = old.iter().map(|old| f64::from(*old)).collect();
            for (i, value) in dy.iter().enumerate() {
                let (pixel, channel) = position(i);
                expected[pixel * channels + channel] += f64::from(*value);
            }
            let mut dx = old;
            let to = RowsMut::dense(&mut dx, channels);
            repeat_channels_gradient(Rows::dense(&dy, channels * times), to, Write::Add);
            assert_close(&dx, &expected);
        }
    }
}
