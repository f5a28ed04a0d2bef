//! The sum over pixels of output gradient times input, for a block of image rows.

#![expect(unsafe_code, reason = "the inner loops run on checked-once pointers")]

use super::taps::{Meeting, Span, Table};
use crate::rows::Rows;
use crate::simd::{Kernel, Lanes, Simd, with_lanes};
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
    /// Whether that is one pixel.
    is_dense: bool,
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
                    is_dense: self.columns.source_step == 1,
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
                    unsafe {
                        with_lanes!(part, lanes => add_span(simd, strip, rows, span, lanes));
                    }
                }
            }
        }
    }
}

/// # Safety
/// The line must describe readable memory (the sums: writable) for every pixel and tap.
#[inline(always)]
unsafe fn add_span<S: Simd, L: Lanes<S>>(
    simd: S,
    line: Line,
    rows: &[Meeting],
    span: &Span,
    lanes: L,
) {
    let overlaps = line.is_dense && span.count >= TARGETS && span.is_contiguous();
    let taps = span.meetings.len();
    // SAFETY: the caller vouches for all pixels and taps; each block is of as many rows and taps
    // as its slices hold.
    unsafe {
        match (rows.len(), taps) {
            (3, 3) if overlaps => window::<S, L, 3, 3>(simd, line, rows, span, lanes),
            (5, 5) if overlaps && S::LANES == 16 => {
                window::<S, L, 5, 5>(simd, line, rows, span, lanes);
            }
            (_, 3) if overlaps => {
                rows.chunks(1).for_each(|r| window::<S, L, 1, 3>(simd, line, r, span, lanes));
            }
            (_, 5) if overlaps => {
                rows.chunks(1).for_each(|r| window::<S, L, 1, 5>(simd, line, r, span, lanes));
            }
            (3, 3) => apart::<S, L, 3, 3>(simd, line, rows, span, 0..3, lanes),
            (_, 3) => {
                rows.chunks(1).for_each(|r| apart::<S, L, 1, 3>(simd, line, r, span, 0..3, lanes));
            }
            (_, 5) => {
                rows.chunks(1).for_each(|r| apart::<S, L, 1, 5>(simd, line, r, span, 0..5, lanes));
            }
            _ => rows.chunks(1).for_each(|row| {
                for tap in 0..taps {
                    apart::<S, L, 1, 1>(simd, line, row, span, tap..tap + 1, lanes);
                }
            }),
        }
    }
}

/// Targets that share the loads of their sources.
const TARGETS: usize = 4;

/// Targets whose `TAPS` sources stand side by side and overlap: each is loaded once for four.
///
/// # Safety
/// As for [`add_span`]; `rows` and the span hold `ROWS` and `TAPS` meetings.
#[inline(always)]
unsafe fn window<S: Simd, L: Lanes<S>, const ROWS: usize, const TAPS: usize>(
    simd: S,
    line: Line,
    rows: &[Meeting],
    span: &Span,
    lanes: L,
) {
    let mut sums = [[simd.splat(0.0); TAPS]; ROWS];
    let start = span.meetings[0].source * line.x_pixel;
    let whole = span.count / TARGETS * TARGETS;
    // SAFETY: the caller vouches for all pixels and taps.
    unsafe {
        let x: [*const f32; ROWS] =
            std::array::from_fn(|row| line.x.add(rows[row].source * line.x_row + start));
        let dy = line.dy.add(span.first * line.dy_pixel);
        for first in (0..whole).step_by(TARGETS) {
            let dy: [S::Vector; TARGETS] = std::array::from_fn(
                #[inline(always)]
                |target| lanes.load(simd, dy.add((first + target) * line.dy_pixel)),
            );
            for (x, sums) in x.iter().zip(&mut sums) {
                let x = x.add(first * line.x_pixel);
                for source in 0..TARGETS + TAPS - 1 {
                    let value = lanes.load(simd, x.add(source * line.x_pixel));
                    for (tap, sum) in sums.iter_mut().enumerate() {
                        if source >= tap && source - tap < TARGETS {
                            *sum = simd.mul_add(value, dy[source - tap], *sum);
                        }
                    }
                }
            }
        }
        for target in whole..span.count {
            let dy = lanes.load(simd, dy.add(target * line.dy_pixel));
            for (x, sums) in x.iter().zip(&mut sums) {
                for (tap, sum) in sums.iter_mut().enumerate() {
                    let value = lanes.load(simd, x.add((target + tap) * line.x_pixel));
                    *sum = simd.mul_add(value, dy, *sum);
                }
            }
        }
        add_sums::<S, L, ROWS, TAPS>(simd, line, rows, &span.meetings, sums, lanes);
    }
}

/// Targets whose sources are loaded one by one, for some of the span's taps.
///
/// # Safety
/// As for [`add_span`]; `rows` and `taps` hold `ROWS` and `TAPS` meetings.
#[inline(always)]
unsafe fn apart<S: Simd, L: Lanes<S>, const ROWS: usize, const TAPS: usize>(
    simd: S,
    line: Line,
    rows: &[Meeting],
    span: &Span,
    taps: Range<usize>,
    lanes: L,
) {
    let columns = &span.meetings[taps];
    let mut sums = [[simd.splat(0.0); TAPS]; ROWS];
    // SAFETY: the caller vouches for all pixels and taps.
    unsafe {
        let at = |row: usize, column: usize| {
            rows[row].source * line.x_row + columns[column].source * line.x_pixel
        };
        let x: [[*const f32; TAPS]; ROWS] =
            std::array::from_fn(|row| std::array::from_fn(|column| line.x.add(at(row, column))));
        for target in 0..span.count {
            let dy = line.dy.add((span.first + target) * line.dy_pixel);
            let dy = lanes.load(simd, dy);
            for (sums, x) in sums.iter_mut().zip(&x) {
                for (sum, x) in sums.iter_mut().zip(x) {
                    let x = lanes.load(simd, x.add(target * line.x_step));
                    *sum = simd.mul_add(x, dy, *sum);
                }
            }
        }
        add_sums::<S, L, ROWS, TAPS>(simd, line, rows, columns, sums, lanes);
    }
}

/// # Safety
/// As for [`add_span`]; `rows` and `columns` hold `ROWS` and `TAPS` meetings.
#[inline(always)]
unsafe fn add_sums<S: Simd, L: Lanes<S>, const ROWS: usize, const TAPS: usize>(
    simd: S,
    line: Line,
    rows: &[Meeting],
    columns: &[Meeting],
    sums: [[S::Vector; TAPS]; ROWS],
    lanes: L,
) {
    for (row, sums) in rows.iter().zip(sums) {
        for (column, sum) in columns.iter().zip(sums) {
            // SAFETY: the caller vouches for every tap's sum.
            unsafe {
                let to = line.sums.add(row.tap * line.sums_row + column.tap * line.sums_tap);
                lanes.store(simd, to, simd.add(lanes.load(simd, to), sum));
            }
        }
    }
}
