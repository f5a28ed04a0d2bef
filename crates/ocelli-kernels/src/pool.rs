//! Maxima and means over windows, and the subsampling of parameter-free shortcuts.

mod average;

pub use average::{avg_pool, avg_pool_gradient, avg_pool_patches};

use crate::elementwise::Write;
use crate::geometry::Geometry;
use crate::patches::Patches;
use crate::rows::{Rows, RowsMut};
use crate::simd::{Kernel, Simd, dispatch};
use rayon::prelude::*;

/// The maximum over each window; padding never is one, and a NaN always is.
///
/// # Shapes
/// - `x`: `[input pixels, channels]`, `y`: `[output pixels, channels]`
///
/// # Panics
/// When a shape differs from these.
pub fn max_pool(geometry: Geometry, x: Rows<'_>, y: RowsMut<'_>) {
    check(geometry, x.count(), y.count());
    assert_eq!(x.channels(), y.channels(), "channels of a pooling");
    let pixels = geometry.output_pixels() / geometry.batch.max(1);
    y.blocks(pixels.max(1)).enumerate().for_each(|(image, y)| {
        let x = image_rows(x, geometry, image);
        dispatch(MaxPool { geometry, x, y });
    });
}

/// The maximum over each window of patches, on one thread. Padding in them must be −∞.
///
/// # Shapes
/// - `y`: `[outputs of all patches, channels]`
///
/// # Panics
/// When the shape differs.
pub fn max_pool_patches(patches: &Patches<'_>, y: RowsMut<'_>) {
    let shape = (patches.output_pixels(), patches.channels);
    assert_eq!((y.count(), y.channels()), shape, "output of a pooling");
    dispatch(MaxPoolPatches { patches: *patches, y });
}

/// The gradient of the input, or added to `dx`: it goes to the first tap that is the maximum.
///
/// # Shapes
/// As for [`max_pool`], with `dy` like `y` and `dx` like `x`.
///
/// # Panics
/// When a shape differs.
pub fn max_pool_gradient(
    geometry: Geometry,
    [x, y, dy]: [Rows<'_>; 3],
    dx: RowsMut<'_>,
    write: Write,
) {
    check(geometry, x.count(), y.count());
    check(geometry, dx.count(), dy.count());
    let channels = [x.channels(), y.channels(), dy.channels()];
    assert_eq!(channels, [dx.channels(); 3], "channels of a pooling");
    let inputs = geometry.input_pixels() / geometry.batch.max(1);
    let outputs = geometry.output_pixels() / geometry.batch.max(1);
    dx.blocks(inputs.max(1)).enumerate().for_each(|(image, mut dx)| {
        if write == Write::Replace {
            (0..dx.count()).for_each(|row| dx.row_mut(row).fill(0.0));
        }
        let x = image_rows(x, geometry, image);
        let [y, dy] = [y, dy].map(|rows| rows.range(image * outputs, outputs));
        dispatch(MaxPoolGradient { geometry, x, y, dy, dx });
    });
}

/// Every so-many-th row and column, with zero channels before and after: "option A" of He et al.
/// 2016, section 4.2. The strides of `geometry` say how many; its window is one pixel.
///
/// # Shapes
/// - `x`: `[input pixels, channels]`, `y`: `[output pixels, more channels]`
///
/// # Panics
/// When a shape differs from these.
pub fn pad_shortcut(geometry: Geometry, x: Rows<'_>, mut y: RowsMut<'_>) {
    check(geometry, x.count(), y.count());
    let before = (y.channels() - x.channels()) / 2;
    for_each_sample(geometry, |input, output| {
        let to = y.row_mut(output);
        to.fill(0.0);
        to[before..before + x.channels()].copy_from_slice(x.row(input));
    });
}

/// [`pad_shortcut`] on patches.
///
/// # Shapes
/// - `y`: `[outputs of all patches, more channels]`
///
/// # Panics
/// When the number of outputs differs.
pub fn pad_shortcut_patches(patches: &Patches<'_>, mut y: RowsMut<'_>) {
    assert_eq!(y.count(), patches.output_pixels(), "output of a shortcut");
    let channels = patches.channels;
    let before = (y.channels() - channels) / 2;
    for (output, window) in patches.windows().enumerate() {
        let to = y.row_mut(output);
        to.fill(0.0);
        to[before..before + channels].copy_from_slice(&patches.data[window.start..][..channels]);
    }
}

/// The gradient of [`pad_shortcut`]'s input, or added to `dx`.
///
/// # Shapes
/// As for [`pad_shortcut`], with `dy` for `y` and `dx` for `x`.
///
/// # Panics
/// When a shape differs.
pub fn pad_shortcut_gradient(geometry: Geometry, dy: Rows<'_>, mut dx: RowsMut<'_>, write: Write) {
    check(geometry, dx.count(), dy.count());
    let channels = dx.channels();
    let before = (dy.channels() - channels) / 2;
    if write == Write::Replace {
        (0..dx.count()).for_each(|row| dx.row_mut(row).fill(0.0));
    }
    for_each_sample(geometry, |input, output| {
        let from = &dy.row(output)[before..before + channels];
        dx.row_mut(input).iter_mut().zip(from).for_each(|(to, from)| *to += from);
    });
}

fn check(geometry: Geometry, inputs: usize, outputs: usize) {
    geometry.check(1, 1);
    let expected = (geometry.input_pixels(), geometry.output_pixels());
    assert_eq!((inputs, outputs), expected, "pixels of a pooling");
}

fn image_rows(x: Rows<'_>, geometry: Geometry, image: usize) -> Rows<'_> {
    let pixels = geometry.input_pixels() / geometry.batch.max(1);
    x.range(image * pixels, pixels)
}

/// Calls `visit` with the input pixel of tap 0 and the output pixel.
fn for_each_sample(geometry: Geometry, mut visit: impl FnMut(usize, usize)) {
    let (rows, columns) = (geometry.rows, geometry.columns);
    for output in 0..geometry.output_pixels() {
        let line = output / columns.output;
        let (image, row, column) =
            (line / rows.output, line % rows.output, output % columns.output);
        if let (Some(row), Some(column)) = (rows.source(row, 0), columns.source(column, 0)) {
            visit((image * rows.input + row) * columns.input + column, output);
        }
    }
}

/// The input pixels of one image's output pixel.
#[inline(always)]
fn sources(geometry: Geometry, output: usize) -> impl Iterator<Item = usize> {
    let (rows, columns) = (geometry.rows, geometry.columns);
    let (row, column) = (output / columns.output, output % columns.output);
    (0..rows.window.kernel).filter_map(move |tap| rows.source(row, tap)).flat_map(move |row| {
        (0..columns.window.kernel)
            .filter_map(move |tap| columns.source(column, tap))
            .map(move |column| row * columns.input + column)
    })
}

/// The larger of two values, or the one that is NaN. Without branches, for vectors.
#[inline(always)]
fn larger(x: f32, y: f32) -> f32 {
    if (x > y) | x.is_nan() { x } else { y }
}

struct MaxPool<'a> {
    geometry: Geometry,
    x: Rows<'a>,
    y: RowsMut<'a>,
}

impl Kernel for MaxPool<'_> {
    type Output = ();

    /// Plain loops, which the compiler turns into vectors of the dispatcher's instruction set.
    #[inline(always)]
    fn run<S: Simd>(mut self, _: S) {
        for output in 0..self.y.count() {
            let y = self.y.row_mut(output);
            y.fill(f32::NEG_INFINITY);
            for source in sources(self.geometry, output) {
                for (y, x) in y.iter_mut().zip(self.x.row(source)) {
                    *y = larger(*x, *y);
                }
            }
        }
    }
}

struct MaxPoolPatches<'a> {
    patches: Patches<'a>,
    y: RowsMut<'a>,
}

impl Kernel for MaxPoolPatches<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, _: S) {
        let Patches { data, channels, .. } = self.patches;
        for (output, window) in self.patches.windows().enumerate() {
            let y = self.y.row_mut(output);
            y.fill(f32::NEG_INFINITY);
            for source in window.taps() {
                for (y, x) in y.iter_mut().zip(&data[source..source + channels]) {
                    *y = larger(*x, *y);
                }
            }
        }
    }
}

struct MaxPoolGradient<'a> {
    geometry: Geometry,
    x: Rows<'a>,
    y: Rows<'a>,
    dy: Rows<'a>,
    dx: RowsMut<'a>,
}

impl Kernel for MaxPoolGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, _: S) {
        let mut left = vec![0.0; self.dy.channels()];
        for output in 0..self.y.count() {
            left.copy_from_slice(self.dy.row(output));
            let y = self.y.row(output);
            for source in sources(self.geometry, output) {
                let (x, dx) = (self.x.row(source), self.dx.row_mut(source));
                for (((dx, left), x), y) in dx.iter_mut().zip(&mut left).zip(x).zip(y) {
                    let is_maximum = (*x == *y) | x.is_nan();
                    *dx += if is_maximum { *left } else { 0.0 };
                    *left = if is_maximum { 0.0 } else { *left };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{any_geometry, assert_close, for_each_tap, values};
    use crate::{Axis, Window};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ocelli_testkit::cases(256))]
        #[test]
        fn maxima_and_where_they_come_from(geometry in any_geometry(), channels in 1_usize..20) {
            let x = values(geometry.input_pixels() * channels, 1);
            let dy = values(geometry.output_pixels() * channels, 2);
            let mut best: Vec<Option<usize>> = vec![None; dy.len()];
            for_each_tap(geometry, |target, source, _| {
                for c in 0..channels {
                    let index = source * channels + c;
                    let best = &mut best[target * channels + c];
                    if best.is_none_or(|best| x[index] > x[best]) {
                        *best = Some(index);
                    }
                }
            });
            // A window that lies in the padding alone has no maximum.
            prop_assume!(best.iter().all(Option::is_some));
            let (mut y_expected, mut dx_expected) = (vec![0.0; dy.len()], vec![0.0; x.len()]);
            for (index, best) in best.into_iter().enumerate() {
                let best = best.unwrap_or_default();
                y_expected[index] = f64::from(x[best]);
                dx_expected[best] += f64::from(dy[index]);
            }
            let (mut y, mut dx) = (vec![9.0; dy.len()], vec![9.0; x.len()]);
            max_pool(geometry, Rows::dense(&x, channels), RowsMut::dense(&mut y, channels));
            assert_close(&y, &y_expected);
            let inputs = [&x, &y, &dy].map(|values| Rows::dense(values, channels));
            let to = RowsMut::dense(&mut dx, channels);
            max_pool_gradient(geometry, inputs, to, Write::Replace);
            assert_close(&dx, &dx_expected);
        }
    }

    #[test]
    fn a_padded_shortcut_takes_every_second_pixel() {
        let window = Window { kernel: 1, stride: 2, dilation: 1, before: 0 };
        let rows = Axis { window, input: 1, output: 1 };
        let columns = Axis { window, input: 3, output: 2 };
        let geometry = Geometry { batch: 1, rows, columns };
        let mut y = [9.0; 6];
        pad_shortcut(geometry, Rows::dense(&[1.0, 2.0, 3.0], 1), RowsMut::dense(&mut y, 3));
        assert_eq!(y, [0.0, 1.0, 0.0, 0.0, 3.0, 0.0]);
        let mut dx = [1.0; 3];
        pad_shortcut_gradient(geometry, Rows::dense(&y, 3), RowsMut::dense(&mut dx, 1), Write::Add);
        assert_eq!(dx, [2.0, 1.0, 4.0]);
    }

    #[test]
    fn a_window_that_sees_no_number_has_none_as_its_maximum() {
        let window = Window { kernel: 2, stride: 1, dilation: 1, before: 0 };
        let rows = Axis { window: Window { kernel: 1, ..window }, input: 1, output: 1 };
        let columns = Axis { window, input: 4, output: 3 };
        let geometry = Geometry { batch: 1, rows, columns };
        let x = [1.0, f32::NAN, 2.0, 3.0];
        let mut y = [9.0; 3];
        max_pool(geometry, Rows::dense(&x, 1), RowsMut::dense(&mut y, 1));
        assert!(y[0].is_nan() && y[1].is_nan(), "{y:?}");
        assert_eq!(y[2], 3.0);

        let mut dx = [9.0; 4];
        let inputs = [&x[..], &y, &[1.0, 10.0, 100.0]].map(|values| Rows::dense(values, 1));
        max_pool_gradient(geometry, inputs, RowsMut::dense(&mut dx, 1), Write::Replace);
        assert_eq!(dx, [0.0, 11.0, 0.0, 100.0]);

        let patches = Patches::new(geometry, 1, &[[1, 3]], &x);
        let mut y = [9.0; 3];
        max_pool_patches(&patches, RowsMut::dense(&mut y, 1));
        assert!(y[0].is_nan() && y[1].is_nan(), "{y:?}");
        assert_eq!(y[2], 3.0);
    }
}
