//! Maxima and means of codes, and the subsampling of parameter-free shortcuts.

use super::ByteGrid;
use super::scratch::with_memory;
use super::simd::{InstructionSet, Integer, Kernel};
use super::threads::{for_each_task, shares_wanted};
use crate::geometry::Geometry;
use crate::rows::{Rows, RowsMut};

/// Where a mean goes.
#[derive(Debug)]
pub enum MeanOutput<'a> {
    /// Codes with these levels.
    Codes(RowsMut<'a, u8>, ByteGrid),
    /// Plain values.
    Values(RowsMut<'a>),
}

/// The maximum over each window; padding never is one. Input and output have the same levels.
///
/// # Shapes
/// - `x`: `[input pixels, channels]`, `y`: `[output pixels, channels]`
///
/// # Panics
/// When a shape differs from these.
pub fn max_pool(geometry: Geometry, x: Rows<'_, u8>, y: RowsMut<'_, u8>) {
    check(geometry, [x.count(), x.channels()], [y.count(), y.channels()]);
    for_each_block(y, geometry.taps(), |first, y| {
        InstructionSet::fastest().dispatch(Maxima { geometry, x, first, y });
    });
}

/// The maxima of some outputs, of which `first` is the first.
struct Maxima<'a> {
    geometry: Geometry,
    x: Rows<'a, u8>,
    first: usize,
    y: RowsMut<'a, u8>,
}

impl Kernel for Maxima<'_> {
    /// Plain loops, which the compiler writes with the instructions.
    #[inline(always)]
    fn run<S: Integer>(mut self, _: S) {
        for index in 0..self.y.count() {
            let to = self.y.row_mut(index);
            to.fill(0);
            sources(self.geometry, self.first + index, |source| {
                let codes = self.x.row(source);
                to.iter_mut().zip(codes).for_each(|(to, code)| *to = (*to).max(*code));
            });
        }
    }
}

/// The mean over each window; padding counts in none, and a window of padding alone has mean 0.
///
/// # Shapes
/// - `x`: `[input pixels, channels]`, `output`: `[output pixels, channels]`
///
/// # Panics
/// When a shape differs from these.
pub fn avg_pool(geometry: Geometry, x: Rows<'_, u8>, grid: ByteGrid, output: MeanOutput<'_>) {
    let shape = |count: usize, channels: usize| {
        check(geometry, [x.count(), x.channels()], [count, channels]);
    };
    let sum = |pixel: usize, sums: &mut [i32]| {
        sums.fill(0);
        let mut count = 0;
        sources(geometry, pixel, |source| {
            add_rows(x.range(source, 1), sums);
            count += 1;
        });
        count
    };
    match output {
        MeanOutput::Codes(y, to) => {
            shape(y.count(), y.channels());
            for_each_block(y, geometry.taps(), |first, y| code_means(first, y, [grid, to], sum));
        }
        MeanOutput::Values(y) => {
            shape(y.count(), y.channels());
            for_each_block(y, geometry.taps(), |first, y| value_means(first, y, grid, sum));
        }
    }
}

/// The mean over each image's pixels.
///
/// # Shapes
/// - `x`: `[images · pixels, channels]`, `output`: `[images, channels]`
///
/// # Panics
/// When the shapes do not fit.
pub fn mean(x: Rows<'_, u8>, grid: ByteGrid, output: MeanOutput<'_>) {
    /// More pixels than this could overflow a sum: 2³¹ / 255.
    const PIXELS: usize = 8_421_504;
    let (images, channels) = match &output {
        MeanOutput::Codes(y, _) => (y.count(), y.channels()),
        MeanOutput::Values(y) => (y.count(), y.channels()),
    };
    assert_eq!(x.channels(), channels, "channels of a mean");
    assert!(x.count().is_multiple_of(images.max(1)), "{} pixels of {images} images", x.count());
    let pixels = x.count().checked_div(images).unwrap_or_default();
    assert!(pixels <= PIXELS, "a mean of {pixels} pixels");
    let sum = |image: usize, sums: &mut [i32]| {
        sums.fill(0);
        add_rows(x.range(image * pixels, pixels), sums);
        pixels
    };
    match output {
        MeanOutput::Codes(y, to) => {
            for_each_block(y, pixels, |first, y| code_means(first, y, [grid, to], sum));
        }
        MeanOutput::Values(y) => {
            for_each_block(y, pixels, |first, y| value_means(first, y, grid, sum));
        }
    }
}

/// Every so-many-th row and column, with zero channels before and after: "option A" of He et al. 2016,
/// section 4.2. The strides of `geometry` say how many; its window is one pixel. Input and output have
/// the same levels, of which `zero` is 0.
///
/// # Shapes
/// - `x`: `[input pixels, channels]`, `y`: `[output pixels, more channels]`
///
/// # Panics
/// When a shape differs from these.
pub fn pad_shortcut(geometry: Geometry, x: Rows<'_, u8>, zero: u8, y: RowsMut<'_, u8>) {
    let channels = x.channels();
    assert!(y.channels() >= channels, "{} channels of {channels}", y.channels());
    check(geometry, [x.count(), channels], [y.count(), channels]);
    let before = (y.channels() - channels) / 2;
    for_each_block(y, 1, |first, mut y| {
        for index in 0..y.count() {
            let to = y.row_mut(index);
            to.fill(zero);
            sources(geometry, first + index, |source| {
                to[before..before + channels].copy_from_slice(x.row(source));
            });
        }
    });
}

fn check(geometry: Geometry, x: [usize; 2], y: [usize; 2]) {
    geometry.check(x[1], y[1]);
    let expected = [[geometry.input_pixels(), x[1]], [geometry.output_pixels(), x[1]]];
    assert_eq!([x, y], expected, "shapes of a pooling");
}

/// Visits the pixels of the input that an output reads.
#[inline(always)]
fn sources(geometry: Geometry, output: usize, mut visit: impl FnMut(usize)) {
    let Geometry { rows, columns, .. } = geometry;
    let line = output / columns.output;
    let (image, row, column) = (line / rows.output, line % rows.output, output % columns.output);
    for row in (0..rows.window.kernel).filter_map(|tap| rows.source(row, tap)) {
        let first = (image * rows.input + row) * columns.input;
        for tap in 0..columns.window.kernel {
            if let Some(column) = columns.source(column, tap) {
                visit(first + column);
            }
        }
    }
}

/// Calls `work` with the first row and the rows of every block; each value reads `taps` codes.
fn for_each_block<T: Copy + Send + Sync>(
    y: RowsMut<'_, T>,
    taps: usize,
    work: impl Fn(usize, RowsMut<'_, T>) + Sync + Send,
) {
    /// What a code costs, in products.
    const EFFORT: usize = 8;
    let count = y.count();
    let effort = count * y.channels() * taps.max(1) * EFFORT;
    let block = count.div_ceil(shares_wanted(effort)).max(1);
    let ends: Vec<usize> =
        (1..=count.div_ceil(block)).map(|index| (index * block).min(count)).collect();
    let tasks: Vec<_> = y.split_rows(&ends).into_iter().enumerate().collect();
    for_each_task(tasks, effort, |(index, y)| work(index * block, y));
}

/// Adds rows of codes up.
fn add_rows(codes: Rows<'_, u8>, sums: &mut [i32]) {
    InstructionSet::fastest().dispatch(Total { codes, sums });
}

struct Total<'a> {
    codes: Rows<'a, u8>,
    sums: &'a mut [i32],
}

impl Kernel for Total<'_> {
    /// Plain loops, which the compiler writes with the instructions.
    #[inline(always)]
    fn run<S: Integer>(self, _: S) {
        for row in 0..self.codes.count() {
            let codes = self.codes.row(row).iter();
            self.sums.iter_mut().zip(codes).for_each(|(sum, code)| *sum += i32::from(*code));
        }
    }
}

/// The codes of means; `sum` tells how many codes each of the sums has.
fn code_means(
    first: usize,
    mut y: RowsMut<'_, u8>,
    [from, to]: [ByteGrid; 2],
    sum: impl Fn(usize, &mut [i32]) -> usize,
) {
    let zero = f32::from(to.zero());
    let [low, high] = [-zero, f32::from(to.top()) - zero];
    with_memory(y.channels(), |sums: &mut [i32]| {
        for index in 0..y.count() {
            let count = sum(first + index, sums);
            let zeros = count as i32 * i32::from(from.zero());
            let factor = from.step() / (to.step() * count.max(1) as f32);
            for (code, sum) in y.row_mut(index).iter_mut().zip(sums.iter()) {
                let place = (*sum - zeros) as f32 * factor;
                *code = (place.clamp(low, high).round_ties_even() + zero) as u8;
            }
        }
    });
}

/// The same as plain values.
fn value_means(
    first: usize,
    mut y: RowsMut<'_>,
    from: ByteGrid,
    sum: impl Fn(usize, &mut [i32]) -> usize,
) {
    with_memory(y.channels(), |sums: &mut [i32]| {
        for index in 0..y.count() {
            let count = sum(first + index, sums);
            let zeros = count as i32 * i32::from(from.zero());
            let factor = (f64::from(from.step()) / count.max(1) as f64) as f32;
            for (to, sum) in y.row_mut(index).iter_mut().zip(sums.iter()) {
                *to = (*sum - zeros) as f32 * factor;
            }
        }
    });
}
