//! One factor per image and channel: the squeeze-and-excitation of Hu et al., CVPR 2018
//! (<https://arxiv.org/abs/1709.01507>), and what shares its form.
//!
//! ```text
//! y[n, p, c] = x[n, p, c] · s[n, c]                                 excitation
//! dx[n, p, c] = dy[n, p, c] · s[n, c]     ds[n, c] = Σ_p dy[n, p, c] · x[n, p, c]
//! z[n, c] = Σ_p x[n, p, c] / P                                      squeeze
//! dx[n, p, c] = dz[n, c] / P
//! ```

#![expect(unsafe_code, reason = "the inner loops run on checked-once pointers")]

use crate::blocks::rows_per_block;
use crate::elementwise::Write;
use crate::rows::{Rows, RowsMut};
use crate::simd::{Kernel, Simd, dispatch};
use rayon::prelude::*;

/// `y = x · gate` or `y += x · gate`: the excitation, and its data gradient with `dy` for `x`.
///
/// # Shapes
/// - `x`, `y`: `[images · pixels, channels]`, `gate`: `[images, channels]`
///
/// # Panics
/// When the shapes do not fit, or there are images without pixels.
pub fn scale(x: Rows<'_>, gate: Rows<'_>, y: RowsMut<'_>, write: Write) {
    assert_eq!((x.count(), x.channels()), (y.count(), y.channels()), "shape of scaled values");
    let pixels = pixels_per_image(x, gate);
    let block = rows_per_block(x.channels());
    y.blocks(pixels).enumerate().for_each(|(image, y)| {
        let gate = gate.row(image);
        y.blocks(block).enumerate().for_each(|(index, y)| {
            let x = x.range(image * pixels + index * block, y.count());
            dispatch(Scale { x, gate, y, write });
        });
    });
}

/// The gradient of the gate.
///
/// # Shapes
/// - `x`, `dy`: `[images · pixels, channels]`, `dgate`: `[images, channels]`
///
/// # Panics
/// When the shapes do not fit, or there are images without pixels.
pub fn gate_gradient(x: Rows<'_>, dy: Rows<'_>, dgate: RowsMut<'_>) {
    assert_eq!((x.count(), x.channels()), (dy.count(), dy.channels()), "shape of scaled values");
    let pixels = pixels_per_image(x, dgate.as_rows());
    dgate.blocks(1).enumerate().for_each(|(image, mut dgate)| {
        let (x, dy) = (x.range(image * pixels, pixels), dy.range(image * pixels, pixels));
        dispatch(Products { x, dy: Some(dy), factor: 1.0, sums: dgate.row_mut(0) });
    });
}

/// The mean over each image's pixels.
///
/// # Shapes
/// - `x`: `[images · pixels, channels]`, `y`: `[images, channels]`
///
/// # Panics
/// When the shapes do not fit, or there are images without pixels.
pub fn mean(x: Rows<'_>, y: RowsMut<'_>) {
    let pixels = pixels_per_image(x, y.as_rows());
    y.blocks(1).enumerate().for_each(|(image, mut y)| {
        let x = x.range(image * pixels, pixels);
        let factor = 1.0 / pixels as f32;
        dispatch(Products { x, dy: None, factor, sums: y.row_mut(0) });
    });
}

/// The gradient of the mean's input, or added to `dx`.
///
/// # Shapes
/// - `dy`: `[images, channels]`, `dx`: `[images · pixels, channels]`
///
/// # Panics
/// When the shapes do not fit, or there are images without pixels.
pub fn mean_gradient(dy: Rows<'_>, dx: RowsMut<'_>, write: Write) {
    let pixels = pixels_per_image(dx.as_rows(), dy);
    let share = vec![1.0 / pixels as f32; dy.channels()];
    dx.blocks(pixels).enumerate().for_each(|(image, dx)| {
        let x = Rows::repeated(dy.row(image), dx.count());
        dispatch(Scale { x, gate: &share, y: dx, write });
    });
}

fn pixels_per_image(x: Rows<'_>, gate: Rows<'_>) -> usize {
    let images = gate.count().max(1);
    assert_eq!(x.channels(), gate.channels(), "channels of values and gate");
    assert!(x.count() > 0 || gate.count() == 0, "{images} images without pixels");
    assert!(x.count().is_multiple_of(images), "{} pixels of {images} images", x.count());
    (x.count() / images).max(1)
}

struct Scale<'a> {
    x: Rows<'a>,
    gate: &'a [f32],
    y: RowsMut<'a>,
    write: Write,
}

impl Kernel for Scale<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let (count, channels) = (self.y.count(), self.y.channels());
        let (x_stride, y_stride) = (self.x.stride(), self.y.stride());
        let (x, y, gate) = (self.x.as_ptr(), self.y.as_mut_ptr(), self.gate.as_ptr());
        for row in 0..count {
            for c in (0..channels).step_by(S::LANES) {
                let part = simd.part(channels - c);
                // SAFETY: the callers checked that x, y and the gate have the same channels and
                // x and y the same rows.
                unsafe {
                    let x = simd.load_part(x.add(row * x_stride + c), part);
                    let gate = simd.load_part(gate.add(c), part);
                    let y = y.add(row * y_stride + c);
                    let value = match self.write {
                        Write::Replace => simd.mul(x, gate),
                        Write::Add => simd.mul_add(x, gate, simd.load_part(y, part)),
                    };
                    simd.store_part(y, part, value);
                }
            }
        }
    }
}

/// `factor · Σ x · dy` per channel, or `factor · Σ x`.
struct Products<'a> {
    x: Rows<'a>,
    dy: Option<Rows<'a>>,
    factor: f32,
    sums: &'a mut [f32],
}

impl Kernel for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (count, channels) = (self.x.count(), self.x.channels());
        for c in (0..channels).step_by(S::LANES) {
            let part = simd.part(channels - c);
            let mut sum = simd.splat(0.0);
            // SAFETY: the callers checked that x, dy and the sums have the same channels and x
            // and dy the same rows.
            unsafe {
                for row in 0..count {
                    let x = simd.load_part(self.x.as_ptr().add(row * self.x.stride() + c), part);
                    sum = match self.dy {
                        Some(dy) => {
                            let dy = dy.as_ptr().add(row * dy.stride() + c);
                            simd.mul_add(x, simd.load_part(dy, part), sum)
                        }
                        None => simd.add(sum, x),
                    };
                }
                let sum = simd.mul(sum, simd.splat(self.factor));
                simd.store_part(self.sums.as_mut_ptr().add(c), part, sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, values};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ocelli_testkit::cases(256))]
        #[test]
        fn squeeze_and_excitation_equal_the_formulas(
            images in 1_usize..4, pixels in 1_usize..20, channels in 1_usize..40,
        ) {
            let length = images * pixels * channels;
            let (x, dy, old) = (values(length, 1), values(length, 2), values(length, 3));
            let gate = values(images * channels, 4);
            let gate_of = |i: usize| i / channels / pixels * channels + i % channels;
            let (x_rows, dy_rows) = (Rows::dense(&x, channels), Rows::dense(&dy, channels));
            let gate_rows = Rows::dense(&gate, channels);

            let mut y = old.clone();
            scale(x_rows, gate_rows, RowsMut::dense(&mut y, channels), Write::Add);
            let product = |i: usize| f64::from(x[i]) * f64::from(gate[gate_of(i)]);
            let expected: Vec<f64> = (0..length).map(|i| product(i) + f64::from(old[i])).collect();
            assert_close(&y, &expected);

            let (mut products, mut means) = (vec![0.0; gate.len()], vec![0.0; gate.len()]);
            for i in 0..length {
                products[gate_of(i)] += f64::from(x[i]) * f64::from(dy[i]);
                means[gate_of(i)] += f64::from(x[i]) / pixels as f64;
            }
            let mut result = vec![9.0; gate.len()];
            gate_gradient(x_rows, dy_rows, RowsMut::dense(&mut result, channels));
            assert_close(&result, &products);
            mean(x_rows, RowsMut::dense(&mut result, channels));
            assert_close(&result, &means);

            mean_gradient(gate_rows, RowsMut::dense(&mut y, channels), Write::Replace);
            let share = |i: usize| f64::from(gate[gate_of(i)]) / pixels as f64;
            assert_close(&y, &(0..length).map(share).collect::<Vec<f64>>());
        }
    }

    #[test]
    #[should_panic(expected = "3 images without pixels")]
    fn images_without_pixels_have_no_mean() {
        mean(Rows::dense(&[], 4), RowsMut::dense(&mut [0.0; 12], 4));
    }

    #[test]
    #[should_panic(expected = "3 images without pixels")]
    fn images_without_pixels_have_no_gate() {
        let none = Rows::dense(&[], 4);
        gate_gradient(none, none, RowsMut::dense(&mut [0.0; 12], 4));
    }

    #[test]
    fn no_images_have_no_means() {
        mean(Rows::dense(&[], 4), RowsMut::dense(&mut [], 4));
    }
}
