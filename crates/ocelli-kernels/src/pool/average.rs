//! Means over windows.

use super::{check, image_rows, sources};
use crate::elementwise::Write;
use crate::geometry::Geometry;
use crate::patches::Patches;
use crate::rows::{Rows, RowsMut};
use crate::simd::{Kernel, Simd, dispatch};
use rayon::prelude::*;

/// The mean over each window; padding counts in none, and a window of padding alone has mean zero.
///
/// # Shapes
/// - `x`: `[input pixels, channels]`, `y`: `[output pixels, channels]`
///
/// # Panics
/// When a shape differs from these.
pub fn avg_pool(geometry: Geometry, x: Rows<'_>, y: RowsMut<'_>) {
    check(geometry, x.count(), y.count());
    assert_eq!(x.channels(), y.channels(), "channels of a pooling");
    let pixels = geometry.output_pixels() / geometry.batch.max(1);
    y.blocks(pixels.max(1)).enumerate().for_each(|(image, y)| {
        let x = image_rows(x, geometry, image);
        dispatch(AvgPool { geometry, x, y });
    });
}

/// The mean over each window of patches, on one thread. Padding in them must be zero.
///
/// # Shapes
/// - `shares`: one for each output, 1 / how many of its taps are no padding
/// - `y`: `[outputs of all patches, channels]`
///
/// # Panics
/// When a shape differs.
pub fn avg_pool_patches(patches: &Patches<'_>, shares: &[f32], y: RowsMut<'_>) {
    let shape = (patches.output_pixels(), patches.channels);
    assert_eq!((y.count(), y.channels()), shape, "output of a pooling");
    assert_eq!(shares.len(), y.count(), "shares of a pooling");
    dispatch(AvgPoolPatches { patches: *patches, shares, y });
}

/// The gradient of the input, or added to `dx`: each tap has an equal share.
///
/// # Shapes
/// As for [`avg_pool`], with `dy` for `y` and `dx` for `x`.
///
/// # Panics
/// When a shape differs.
pub fn avg_pool_gradient(geometry: Geometry, dy: Rows<'_>, dx: RowsMut<'_>, write: Write) {
    check(geometry, dx.count(), dy.count());
    assert_eq!(dx.channels(), dy.channels(), "channels of a pooling");
    let inputs = geometry.input_pixels() / geometry.batch.max(1);
    let outputs = geometry.output_pixels() / geometry.batch.max(1);
    dx.blocks(inputs.max(1)).enumerate().for_each(|(image, mut dx)| {
        if write == Write::Replace {
            (0..dx.count()).for_each(|row| dx.row_mut(row).fill(0.0));
        }
        let dy = dy.range(image * outputs, outputs);
        dispatch(AvgPoolGradient { geometry, dy, dx });
    });
}

/// The share of each tap of one image's output pixel.
#[inline(always)]
fn share(geometry: Geometry, output: usize) -> f32 {
    1.0 / sources(geometry, output).count().max(1) as f32
}

struct AvgPool<'a> {
    geometry: Geometry,
    x: Rows<'a>,
    y: RowsMut<'a>,
}

impl Kernel for AvgPool<'_> {
    type Output = ();

    /// Plain loops, which the compiler turns into vectors of the dispatcher's instruction set.
    #[inline(always)]
    fn run<S: Simd>(mut self, _: S) {
        for output in 0..self.y.count() {
            let share = share(self.geometry, output);
            let y = self.y.row_mut(output);
            y.fill(0.0);
            for source in sources(self.geometry, output) {
                for (y, x) in y.iter_mut().zip(self.x.row(source)) {
                    *y += *x;
                }
            }
            for y in y {
                *y *= share;
            }
        }
    }
}

struct AvgPoolPatches<'a> {
    patches: Patches<'a>,
    shares: &'a [f32],
    y: RowsMut<'a>,
}

impl Kernel for AvgPoolPatches<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, _: S) {
        let Patches { data, channels, .. } = self.patches;
        for (output, (window, share)) in self.patches.windows().zip(self.shares).enumerate() {
            let y = self.y.row_mut(output);
            y.fill(0.0);
            for source in window.taps() {
                for (y, x) in y.iter_mut().zip(&data[source..source + channels]) {
                    *y += *x;
                }
            }
            for y in y {
                *y *= *share;
            }
        }
    }
}

struct AvgPoolGradient<'a> {
    geometry: Geometry,
    dy: Rows<'a>,
    dx: RowsMut<'a>,
}

impl Kernel for AvgPoolGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, _: S) {
        for output in 0..self.dy.count() {
            let share = share(self.geometry, output);
            let dy = self.dy.row(output);
            for source in sources(self.geometry, output) {
                for (dx, dy) in self.dx.row_mut(source).iter_mut().zip(dy) {
                    *dx += *dy * share;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{any_geometry, assert_close, for_each_tap, values};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ocelli_testkit::cases(256))]
        #[test]
        fn means_and_their_shares_equal_the_naive_sums(
            geometry in any_geometry(), channels in 1_usize..20,
        ) {
            let x = values(geometry.input_pixels() * channels, 1);
            let dy = values(geometry.output_pixels() * channels, 2);
            let old = values(x.len(), 3);
            let mut taps = vec![0.0; geometry.output_pixels()];
            for_each_tap(geometry, |target, _, _| taps[target] += 1.0);
            let mut y_expected = vec![0.0; dy.len()];
            let mut dx_expected: Vec<f64> = old.iter().map(|old| f64::from(*old)).collect();
            for_each_tap(geometry, |target, source, _| {
                for c in 0..channels {
                    let (at_y, at_x) = (target * channels + c, source * channels + c);
                    y_expected[at_y] += f64::from(x[at_x]) / taps[target];
                    dx_expected[at_x] += f64::from(dy[at_y]) / taps[target];
                }
            });
            let (mut y, mut dx) = (vec![9.0; dy.len()], old);
            avg_pool(geometry, Rows::dense(&x, channels), RowsMut::dense(&mut y, channels));
            assert_close(&y, &y_expected);
            let to = RowsMut::dense(&mut dx, channels);
            avg_pool_gradient(geometry, Rows::dense(&dy, channels), to, Write::Add);
            assert_close(&dx, &dx_expected);
        }
    }
}
