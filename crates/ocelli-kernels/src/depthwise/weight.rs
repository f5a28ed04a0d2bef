//! The sum over pixels of output gradient times input, for a block of image rows.

#![expect(unsafe_code, reason = "the inner loops run on checked-once pointers")]

use super::taps::{Meeting, Span, Table};
use crate::rows::Rows;
use crate::simd::{Kernel, Part, Simd};
use std::ops::Range;

/// Adds to `sums` (`[taps, channels]`) the products of the image rows `lines`, counted over the
/// whole batch.
pub(super) struct SumProducts<'a> {
    pub(super) x: Rows<'a>,
    pub(super) dy: Rows<'a>,
    pub(super) rows: &'a Table,
    pub(super) columns: &'a Table,
    pub(super) lines: Range<usize>,
    pub(super) sums: &'a mut [f32],
}

/// One image row at one vector of channels.
#[derive(Clone, Copy)]
struct Line {
    x: *const f32,
    x_row: usize,
    x_pixel: usize,
    /// By how much the input moves from one output to the next.
    x_step: usize,
    dy: *const f32,
    dy_pixel: usize,
    sums: *mut f32,
    sums_row: usize,
    sums_tap: usize,
}

impl Kernel for SumProducts<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let channels = self.x.channels();
        let (width, height) = (self.columns.targets(), self.rows.targets());
        let image = self.rows.sources() * self.columns.sources();
        let sums = self.sums.as_mut_ptr();
        for channel in (0..channels).step_by(S::LANES) {
            let part = simd.part(channels - channel);
            for line in self.lines.clone() {
                let base = line / height * image * self.x.stride();
                let strip = Line {
                    x: self.x.as_ptr().wrapping_add(base + channel),
                    x_row: self.columns.sources() * self.x.stride(),
                    x_pixel: self.x.stride(),
                    x_step: self.columns.source_step * self.x.stride(),
                    dy: self.dy.as_ptr().wrapping_add(line * width * self.dy.stride() + channel),
                    dy_pixel: self.dy.stride(),
                    sums: sums.wrapping_add(channel),
                    sums_row: self.columns.taps() * channels,
                    sums_tap: channels,
                };
                let rows = self.rows.meetings(line % height);
                for span in &self.columns.spans {
                    // SAFETY: the tables hold only pixels within the image and taps within the
                    // kernel, and `Depthwise` checked the matrices and the sums' length.
                    unsafe { add_span(simd, strip, rows, span, part) }
                }
            }
        }
    }
}

/// # Safety
/// The line must describe readable memory (the sums: writable) for every pixel and tap.
#[inline(always)]
unsafe fn add_span<S: Simd>(simd: S, line: Line, rows: &[Meeting], span: &Span, part: Part<S>) {
    let columns = &span.meetings[..];
    // SAFETY: the caller vouches for all pixels and taps; each block is of as many rows and taps
    // as its slices hold.
    unsafe {
        match (rows.len(), columns.len()) {
            (3, 3) => block::<S, 3, 3>(simd, line, rows, columns, span, part),
            (5, 5) if S::LANES == 16 => block::<S, 5, 5>(simd, line, rows, columns, span, part),
            (_, 3) => {
                rows.chunks(1).for_each(|r| block::<S, 1, 3>(simd, line, r, columns, span, part));
            }
            (_, 5) => {
                rows.chunks(1).for_each(|r| block::<S, 1, 5>(simd, line, r, columns, span, part));
            }
            _ => rows.chunks(1).for_each(|row| {
                for column in columns.chunks(1) {
                    block::<S, 1, 1>(simd, line, row, column, span, part);
                }
            }),
        }
    }
}

/// # Safety
/// As for [`add_span`]; `rows` and `columns` hold `ROWS` and `COLUMNS` meetings.
#[inline(always)]
unsafe fn block<S: Simd, const ROWS: usize, const COLUMNS: usize>(
    simd: S,
    line: Line,
    rows: &[Meeting],
    columns: &[Meeting],
    span: &Span,
    part: Part<S>,
) {
    let mut sums = [[simd.splat(0.0); COLUMNS]; ROWS];
    // SAFETY: the caller vouches for all pixels and taps.
    unsafe {
        let at = |row: usize, column: usize| {
            rows[row].source * line.x_row + columns[column].source * line.x_pixel
        };
        let x: [[*const f32; COLUMNS]; ROWS] =
            std::array::from_fn(|row| std::array::from_fn(|column| line.x.add(at(row, column))));
        for target in 0..span.count {
            let dy = line.dy.add((span.first + target) * line.dy_pixel);
            let dy = simd.load_part(dy, part);
            for (sums, x) in sums.iter_mut().zip(&x) {
                for (sum, x) in sums.iter_mut().zip(x) {
                    let x = simd.load_part(x.add(target * line.x_step), part);
                    *sum = simd.mul_add(x, dy, *sum);
                }
            }
        }
        for (row, sums) in rows.iter().zip(sums) {
            for (column, sum) in columns.iter().zip(sums) {
                let to = line.sums.add(row.tap * line.sums_row + column.tap * line.sums_tap);
                simd.store_part(to, part, simd.add(simd.load_part(to, part), sum));
            }
        }
    }
}
