//! Operations on single codes: between codes and values, from one grid to another, and sums.

#![expect(unsafe_code, reason = "the inner loops run on checked-once pointers")]

use super::ByteGrid;
use super::finish::code;
use super::simd::{InstructionSet, Integer, Kernel};
use super::threads::{for_each_task, shares_wanted};
use crate::quantize::Grid;
use crate::rows::{Rows, RowsMut};

/// The code of each value, as [`Grid::code`] gives it.
///
/// # Shapes
/// - both: `[pixels, channels]`
///
/// # Panics
/// When the shapes differ.
pub fn quantize(x: Rows<'_>, grid: ByteGrid, y: RowsMut<'_, u8>) {
    quantize_with(InstructionSet::fastest(), x, grid, y);
}

pub(super) fn quantize_with(set: InstructionSet, x: Rows<'_>, grid: ByteGrid, y: RowsMut<'_, u8>) {
    let grid = grid.grid();
    check((x.count(), x.channels()), &y);
    in_blocks(y, |first, y| set.dispatch(Quantize { x: x.range(first, y.count()), grid, y }));
}

/// The value of each code: `step · (code − zero)`.
///
/// # Shapes
/// - both: `[pixels, channels]`
///
/// # Panics
/// When the shapes differ.
pub fn dequantize(x: Rows<'_, u8>, grid: ByteGrid, y: RowsMut<'_>) {
    dequantize_with(InstructionSet::fastest(), x, grid, y);
}

pub(super) fn dequantize_with(
    set: InstructionSet,
    x: Rows<'_, u8>,
    grid: ByteGrid,
    y: RowsMut<'_>,
) {
    check((x.count(), x.channels()), &y);
    in_blocks(y, |first, y| set.dispatch(Dequantize { x: x.range(first, y.count()), grid, y }));
}

/// The codes of the sum of two values, between `range`, and of one value if `b` is `None`.
///
/// # Shapes
/// - all: `[pixels, channels]`
///
/// # Panics
/// When the shapes differ.
pub fn add_codes(
    a: (Rows<'_, u8>, ByteGrid),
    b: Option<(Rows<'_, u8>, ByteGrid)>,
    range: [f32; 2],
    y: (RowsMut<'_, u8>, ByteGrid),
) {
    add_codes_with(InstructionSet::fastest(), a, b, range, y);
}

pub(super) fn add_codes_with(
    set: InstructionSet,
    (a, a_grid): (Rows<'_, u8>, ByteGrid),
    b: Option<(Rows<'_, u8>, ByteGrid)>,
    range: [f32; 2],
    (y, grid): (RowsMut<'_, u8>, ByteGrid),
) {
    let shape = (a.count(), a.channels());
    check(shape, &y);
    let (other, b_grid) = b.unwrap_or((a, a_grid));
    assert_eq!((other.count(), other.channels()), shape, "shape of what is added");
    let (step, zero) = (grid.step(), f32::from(grid.zero()));
    let ends = range.map(|end| end / step + zero);
    let [low, high] = [ends[0].max(0.0), ends[1].min(grid.top().into())];
    if b.is_none() && a_grid == grid && low <= 0.0 && high >= grid.top().into() {
        return copy_codes(a, y);
    }
    let [factor, b_factor] = [a_grid, b_grid].map(|from| from.step() / step);
    let mut taken_off = factor * f32::from(a_grid.zero());
    if b.is_some() {
        taken_off += b_factor * f32::from(b_grid.zero());
    }
    let add = zero - taken_off;
    in_blocks(y, |first, y| {
        let a = a.range(first, y.count());
        let b = b.map(|(b, _)| (b.range(first, y.count()), b_factor));
        set.dispatch(Sum { a, factor, b, add, range: [low, high], y });
    });
}

/// Copies codes whose grids agree.
///
/// # Shapes
/// - both: `[pixels, channels]`
///
/// # Panics
/// When the shapes differ.
pub fn copy_codes(x: Rows<'_, u8>, mut y: RowsMut<'_, u8>) {
    check((x.count(), x.channels()), &y);
    for row in 0..y.count() {
        y.row_mut(row).copy_from_slice(x.row(row));
    }
}

/// The entry of a table for each code: any function of one value between two grids.
///
/// # Shapes
/// - both: `[pixels, channels]`
///
/// # Panics
/// When the shapes differ.
pub fn look_up(x: Rows<'_, u8>, table: &[u8; 256], y: RowsMut<'_, u8>) {
    check((x.count(), x.channels()), &y);
    in_blocks(y, |first, mut y| {
        for row in 0..y.count() {
            let codes = x.row(first + row).iter();
            y.row_mut(row).iter_mut().zip(codes).for_each(|(to, code)| *to = table[*code as usize]);
        }
    });
}

/// The table of a function of values with the levels `from`, its results with the levels `to`.
pub fn table(from: ByteGrid, to: Grid, function: impl Fn(f32) -> f32) -> [u8; 256] {
    std::array::from_fn(|code| {
        let code = (code as i32).min(from.top().into());
        let value = from.step() * (code - i32::from(from.zero())) as f32;
        to.code(function(value)).min(Grid::TOP) as u8
    })
}

fn check<T: Copy>(x: (usize, usize), y: &RowsMut<'_, T>) {
    assert_eq!(x, (y.count(), y.channels()), "shape of an operation on codes");
}

/// Calls `work` with the first row and the rows of every block.
fn in_blocks<T: Copy + Send + Sync>(
    y: RowsMut<'_, T>,
    work: impl Fn(usize, RowsMut<'_, T>) + Sync + Send,
) {
    /// What a code costs, in products.
    const EFFORT: usize = 16;
    let (count, channels) = (y.count(), y.channels());
    let effort = count * channels * EFFORT;
    let block = count.div_ceil(shares_wanted(effort)).max(1);
    let ends: Vec<usize> =
        (1..=count.div_ceil(block)).map(|index| (index * block).min(count)).collect();
    let tasks: Vec<_> = y.split_rows(&ends).into_iter().enumerate().collect();
    for_each_task(tasks, effort, |(index, y)| work(index * block, y));
}

/// Calls `visit` with row, first channel and how many channels, for each vector.
#[inline(always)]
fn for_each_vector<S: Integer>(
    [count, channels]: [usize; 2],
    mut visit: impl FnMut(usize, usize, usize),
) {
    for row in 0..count {
        let mut channel = 0;
        while channel + S::LANES <= channels {
            visit(row, channel, S::LANES);
            channel += S::LANES;
        }
        if channel < channels {
            visit(row, channel, channels - channel);
        }
    }
}

struct Quantize<'a> {
    x: Rows<'a>,
    grid: Grid,
    y: RowsMut<'a, u8>,
}

impl Kernel for Quantize<'_> {
    #[inline(always)]
    fn run<S: Integer>(mut self, simd: S) {
        let (from, to) = (self.x.as_ptr(), self.y.as_mut_ptr());
        let (x_stride, y_stride) = (self.x.stride(), self.y.stride());
        for_each_vector::<S>(
            [self.y.count(), self.y.channels()],
            #[inline(always)]
            |row, channel, count| {
                // SAFETY: both were found to have the row and the channels.
                unsafe {
                    let value = simd.floats(from.add(row * x_stride + channel), count);
                    let code = code(simd, value, self.grid);
                    simd.store_bytes(to.add(row * y_stride + channel), code, count);
                }
            },
        );
    }
}

struct Dequantize<'a> {
    x: Rows<'a, u8>,
    grid: ByteGrid,
    y: RowsMut<'a>,
}

impl Kernel for Dequantize<'_> {
    #[inline(always)]
    fn run<S: Integer>(mut self, simd: S) {
        let (zero, step) = (simd.splat(self.grid.zero().into()), simd.splat(self.grid.step()));
        let (from, to) = (self.x.as_ptr(), self.y.as_mut_ptr());
        let (x_stride, y_stride) = (self.x.stride(), self.y.stride());
        for_each_vector::<S>(
            [self.y.count(), self.y.channels()],
            #[inline(always)]
            |row, channel, count| {
                // SAFETY: both were found to have the row and the channels.
                unsafe {
                    let code = simd.bytes(from.add(row * x_stride + channel), count);
                    let value = simd.mul(simd.sub(simd.to_floats(code), zero), step);
                    simd.store_floats(to.add(row * y_stride + channel), value, count);
                }
            },
        );
    }
}

struct Sum<'a> {
    a: Rows<'a, u8>,
    factor: f32,
    b: Option<(Rows<'a, u8>, f32)>,
    add: f32,
    range: [f32; 2],
    y: RowsMut<'a, u8>,
}

impl Kernel for Sum<'_> {
    #[inline(always)]
    fn run<S: Integer>(mut self, simd: S) {
        let [low, high] = self.range.map(|end| simd.splat(end));
        let (factor, add) = (simd.splat(self.factor), simd.splat(self.add));
        let (from, to) = (self.a.as_ptr(), self.y.as_mut_ptr());
        let (x_stride, y_stride) = (self.a.stride(), self.y.stride());
        let b = self.b.map(|(rows, factor)| (rows.as_ptr(), rows.stride(), simd.splat(factor)));
        for_each_vector::<S>(
            [self.y.count(), self.y.channels()],
            #[inline(always)]
            |row, channel, count| {
                // SAFETY: all were found to have the row and the channels.
                unsafe {
                    let mut value = add;
                    if let Some((from, stride, factor)) = b {
                        let code = simd.bytes(from.add(row * stride + channel), count);
                        value = simd.mul_add(simd.to_floats(code), factor, value);
                    }
                    let code = simd.bytes(from.add(row * x_stride + channel), count);
                    let value = simd.mul_add(simd.to_floats(code), factor, value);
                    let value = simd.clamp(value, low, high);
                    let to = to.add(row * y_stride + channel);
                    simd.store_bytes(to, simd.round(value), count);
                }
            },
        );
    }
}
