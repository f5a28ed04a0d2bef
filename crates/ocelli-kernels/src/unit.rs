//! Rows divided by their lengths, as `torch.nn.functional.normalize` has it.
//!
//! ```text
//! y = x / max(‖x‖, ε)                                      forward
//! dx = (dy − y · Σ_c y[c] · dy[c]) / ‖x‖, or dy / ε where ‖x‖ < ε   backward
//! ```

#![expect(unsafe_code, reason = "the inner loops run on checked-once pointers")]

use crate::blocks::rows_per_block;
use crate::elementwise::Write;
use crate::rows::{Rows, RowsMut};
use crate::simd::{Kernel, Simd, dispatch};
use rayon::prelude::*;

/// Divides each row by its length, or by `epsilon` if it is shorter than that.
///
/// # Shapes
/// - both: `[pixels, channels]`
///
/// # Panics
/// When the shapes differ.
pub fn unit(x: Rows<'_>, epsilon: f32, y: RowsMut<'_>) {
    assert_eq!((x.count(), x.channels()), (y.count(), y.channels()), "shape of unit rows");
    let block = rows_per_block(y.channels());
    y.blocks(block).enumerate().for_each(|(index, y)| {
        dispatch(Forward { x: x.range(index * block, y.count()), epsilon, y });
    });
}

/// Computes the gradient of the input, or adds it to `dx`.
///
/// # Shapes
/// - all: `[pixels, channels]`
///
/// # Panics
/// When the shapes differ.
pub fn unit_gradient(x: Rows<'_>, dy: Rows<'_>, epsilon: f32, dx: RowsMut<'_>, write: Write) {
    let shape = (dx.count(), dx.channels());
    assert_eq!((x.count(), x.channels()), shape, "shape of unit rows");
    assert_eq!((dy.count(), dy.channels()), shape, "shape of the gradient of unit rows");
    let block = rows_per_block(2 * dx.channels());
    dx.blocks(block).enumerate().for_each(|(index, dx)| {
        let (x, dy) = (x.range(index * block, dx.count()), dy.range(index * block, dx.count()));
        dispatch(Backward { x, dy, epsilon, dx, write });
    });
}

struct Forward<'a> {
    x: Rows<'a>,
    epsilon: f32,
    y: RowsMut<'a>,
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        for row in 0..self.y.count() {
            let x = self.x.row(row);
            let factor = simd.splat((1.0 / length(simd, x).max(f64::from(self.epsilon))) as f32);
            let y = self.y.row_mut(row);
            for channel in (0..x.len()).step_by(S::LANES) {
                let part = simd.part(x.len() - channel);
                let (from, to) = (x[channel..].as_ptr(), y[channel..].as_mut_ptr());
                // SAFETY: the part ends with the rows, which are as long.
                unsafe { simd.store_part(to, part, simd.mul(factor, simd.load_part(from, part))) }
            }
        }
    }
}

struct Backward<'a> {
    x: Rows<'a>,
    dy: Rows<'a>,
    epsilon: f32,
    dx: RowsMut<'a>,
    write: Write,
}

impl Kernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        for row in 0..self.dx.count() {
            let (x, dy) = (self.x.row(row), self.dy.row(row));
            let (length, epsilon) = (length(simd, x), f64::from(self.epsilon));
            // dx = dy · factor + x · share
            let factor = 1.0 / length.max(epsilon);
            let share =
                if length < epsilon { 0.0 } else { -dot(simd, x, dy) * factor * factor * factor };
            let (factor, share) = (simd.splat(factor as f32), simd.splat(share as f32));
            let dx = self.dx.row_mut(row);
            for channel in (0..x.len()).step_by(S::LANES) {
                let part = simd.part(x.len() - channel);
                let (x, dy) = (x[channel..].as_ptr(), dy[channel..].as_ptr());
                let dx = dx[channel..].as_mut_ptr();
                // SAFETY: the part ends with the rows, all of which are as long.
                unsafe {
                    let mut value = simd.mul(share, simd.load_part(x, part));
                    value = simd.mul_add(factor, simd.load_part(dy, part), value);
                    if self.write == Write::Add {
                        value = simd.add(value, simd.load_part(dx, part));
                    }
                    simd.store_part(dx, part, value);
                }
            }
        }
    }
}

/// ‖x‖, in double precision where squares of single precision would vanish or overflow.
#[inline(always)]
fn length<S: Simd>(simd: S, x: &[f32]) -> f64 {
    let square = dot(simd, x, x);
    if (1e-20..1e20).contains(&square) {
        return square.sqrt();
    }
    x.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt()
}

/// Σ a · b
#[inline(always)]
fn dot<S: Simd>(simd: S, a: &[f32], b: &[f32]) -> f64 {
    const WIDEST: usize = 16;
    const { assert!(S::LANES <= WIDEST, "a vector that fits") };
    let mut sum = simd.splat(0.0);
    for channel in (0..a.len()).step_by(S::LANES) {
        let part = simd.part(a.len() - channel);
        let (a, b) = (a[channel..].as_ptr(), b[channel..a.len()].as_ptr());
        // SAFETY: the part ends with `a`, and `b` is at least as long.
        sum = unsafe { simd.mul_add(simd.load_part(a, part), simd.load_part(b, part), sum) };
    }
    let mut lanes = [0.0; WIDEST];
    // SAFETY: there is room for the widest vector.
    unsafe { simd.store(lanes.as_mut_ptr(), sum) };
    lanes.into_iter().map(f64::from).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, values};
    use proptest::prelude::*;

    const EPSILON: f32 = 1e-12;

    fn naive(x: &[f64]) -> Vec<f64> {
        let length = x.iter().map(|x| x * x).sum::<f64>().sqrt().max(f64::from(EPSILON));
        x.iter().map(|x| x / length).collect()
    }

    proptest! {
        #![proptest_config(ocelli_testkit::cases(256))]

        #[test]
        fn rows_have_length_one_and_gradients_are_their_differences(
            pixels in 1_usize..6, channels in 2_usize..70,
        ) {
            let (x, dy) = (values(pixels * channels, 1), values(pixels * channels, 2));
            let wide: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
            let mut y = vec![9.0; x.len()];
            unit(Rows::dense(&x, channels), EPSILON, RowsMut::dense(&mut y, channels));
            assert_close(&y, &wide.chunks(channels).flat_map(naive).collect::<Vec<_>>());

            let loss = |x: &[f64], row: usize| -> f64 {
                let dy = dy[row * channels..].iter().map(|dy| f64::from(*dy));
                naive(x).iter().zip(dy).map(|(y, dy)| y * dy).sum()
            };
            let slope = |index: usize| {
                let (row, h) = (index / channels, 1e-6);
                let mut x = wide[row * channels..][..channels].to_vec();
                x[index % channels] += h;
                let above = loss(&x, row);
                x[index % channels] -= 2.0 * h;
                (above - loss(&x, row)) / (2.0 * h) + 1.0
            };
            let mut dx = vec![1.0; x.len()];
            let [x_rows, dy_rows] = [&x, &dy].map(|values| Rows::dense(values, channels));
            unit_gradient(x_rows, dy_rows, EPSILON, RowsMut::dense(&mut dx, channels), Write::Add);
            assert_close(&dx, &(0..x.len()).map(slope).collect::<Vec<_>>());
        }
    }

    /// As PyTorch's `normalize`, whose length is ε there: gradients are divided by it.
    #[test]
    fn rows_of_zeros_stay_zeros() {
        let (mut y, mut dx) = ([9.0; 3], [9.0; 3]);
        let (x, dy) = ([0.0; 3], [1.0, -2.0, 0.0]);
        unit(Rows::dense(&x, 3), EPSILON, RowsMut::dense(&mut y, 3));
        assert_eq!(y, [0.0; 3]);
        let (x, dy) = (Rows::dense(&x, 3), Rows::dense(&dy, 3));
        unit_gradient(x, dy, EPSILON, RowsMut::dense(&mut dx, 3), Write::Replace);
        assert_eq!(dx, [1e12, -2e12, 0.0]);
    }

    /// Their squares are beyond single precision.
    #[test]
    fn rows_may_be_very_short_and_very_long() {
        for size in [1e-11, 1e-25_f32, 1e25] {
            let (x, mut y) = ([3.0 * size, -4.0 * size], [9.0; 2]);
            unit(Rows::dense(&x, 2), 1e-30, RowsMut::dense(&mut y, 2));
            assert_close(&y, &[0.6, -0.8]);
        }
    }
}
