//! The sum over pixels of output gradient times input, for a block of image rows.

#![expect(unsafe_code, reason = "the inner loops run on checked-once pointers")]

use super::taps::{Table, TapSource, TargetSpan};
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

/// Image rows that meet the same taps, in one or several images, at one vector of channels.
#[derive(Clone, Copy)]
struct Lines {
    images: usize,
    /// Lines in each of them.
    count: usize,
    /// Image row 0 of the first image.
    x: *const f32,
    x_image: usize,
    /// From what one line meets to what the next does.
    x_line: usize,
    dy_line: usize,
    x_row: usize,
    x_pixel: usize,
    /// By how much the input moves from one output to the next.
    x_step: usize,
    /// Whether that is one pixel.
    is_dense: bool,
    /// The first line of the first image.
    dy: *const f32,
    dy_image: usize,
    dy_pixel: usize,
    sums: *mut f32,
    sums_row: usize,
    sums_tap: usize,
}

impl Lines {
    /// The lines' starts in x (of their images' row 0, moved on by the lines before) and in dy.
    #[inline(always)]
    fn starts(self) -> impl Iterator<Item = (*const f32, *const f32)> {
        (0..self.images).flat_map(move |image| {
            (0..self.count).map(move |line| {
                let x = self.x.wrapping_add(image * self.x_image + line * self.x_line);
                (x, self.dy.wrapping_add(image * self.dy_image + line * self.dy_line))
            })
        })
    }
}

impl Kernel for SumProducts<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let channels = self.x.channels();
        let (width, height) = (self.columns.targets(), self.rows.targets());
        let sums = self.sums.as_mut_ptr();
        let (x_row, dy_row) = (self.columns.sources() * self.x.stride(), width * self.dy.stride());
        for channel in (0..channels).step_by(S::LANES) {
            let part = simd.part(channels - channel);
            let mut line = self.lines.start;
            while line < self.lines.end {
                let (image, first) = (line / height, line % height);
                let left = self.lines.end - line;
                // The same rows of several whole images are summed in one go.
                let whole = if first == 0 { left / height } else { 0 };
                let (images, end) =
                    if whole > 0 { (whole, height) } else { (1, height.min(first + left)) };
                line += images * (end - first);
                let mut row = first;
                while row < end {
                    let count = self.rows.same(row).min(end - row);
                    let lines = Lines {
                        images,
                        count,
                        x: self
                            .x
                            .as_ptr()
                            .wrapping_add(image * self.rows.sources() * x_row + channel),
                        x_image: self.rows.sources() * x_row,
                        x_line: self.rows.source_step * x_row,
                        x_row,
                        x_pixel: self.x.stride(),
                        x_step: self.columns.source_step * self.x.stride(),
                        is_dense: self.columns.source_step == 1,
                        dy: self
                            .dy
                            .as_ptr()
                            .wrapping_add((image * height + row) * dy_row + channel),
                        dy_image: height * dy_row,
                        dy_line: dy_row,
                        dy_pixel: self.dy.stride(),
                        sums: sums.wrapping_add(channel),
                        sums_row: self.columns.taps() * channels,
                        sums_tap: channels,
                    };
                    let rows = self.rows.tap_sources(row);
                    for span in &self.columns.spans {
                        // SAFETY: the tables hold only pixels within the image and taps within the
                        // kernel, and `Depthwise` checked the matrices and the sums' length.
                        unsafe {
                            with_lanes!(part, lanes => add_span(simd, lines, rows, span, lanes));
                        }
                    }
                    row += count;
                }
            }
        }
    }
}

/// # Safety
/// The lines must describe readable memory (the sums: writable) for every pixel and tap.
#[inline(always)]
unsafe fn add_span<S: Simd, L: Lanes<S>>(
    simd: S,
    lines: Lines,
    rows: &[TapSource],
    span: &TargetSpan,
    lanes: L,
) {
    let overlaps = lines.is_dense && span.count >= TARGETS && span.is_contiguous();
    let taps = span.tap_sources.len();
    // SAFETY: the caller vouches for all pixels and taps; each block is of as many rows and taps
    // as its slices hold.
    unsafe {
        match (rows.len(), taps) {
            (3, 3) if overlaps => window::<S, L, 3, 3>(simd, lines, rows, span, lanes),
            (5, 5) if overlaps && S::LANES == 16 => {
                window::<S, L, 5, 5>(simd, lines, rows, span, lanes);
            }
            (_, 3) if overlaps => {
                rows.chunks(1).for_each(|r| window::<S, L, 1, 3>(simd, lines, r, span, lanes));
            }
            (_, 5) if overlaps => {
                rows.chunks(1).for_each(|r| window::<S, L, 1, 5>(simd, lines, r, span, lanes));
            }
            (3, 3) => non_contiguous::<S, L, 3, 3>(simd, lines, rows, span, 0..3, lanes),
            (3, 2) => non_contiguous::<S, L, 3, 2>(simd, lines, rows, span, 0..2, lanes),
            (_, 2) => {
                rows.chunks(1)
                    .for_each(|r| non_contiguous::<S, L, 1, 2>(simd, lines, r, span, 0..2, lanes));
            }
            (_, 4) => {
                rows.chunks(1)
                    .for_each(|r| non_contiguous::<S, L, 1, 4>(simd, lines, r, span, 0..4, lanes));
            }
            (_, 3) => {
                rows.chunks(1)
                    .for_each(|r| non_contiguous::<S, L, 1, 3>(simd, lines, r, span, 0..3, lanes));
            }
            (_, 5) => {
                rows.chunks(1)
                    .for_each(|r| non_contiguous::<S, L, 1, 5>(simd, lines, r, span, 0..5, lanes));
            }
            _ => rows.chunks(1).for_each(|row| {
                for tap in 0..taps {
                    non_contiguous::<S, L, 1, 1>(simd, lines, row, span, tap..tap + 1, lanes);
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
/// As for [`add_span`]; `rows` and the span hold `ROWS` and `TAPS` tap_sources.
#[inline(always)]
unsafe fn window<S: Simd, L: Lanes<S>, const ROWS: usize, const TAPS: usize>(
    simd: S,
    lines: Lines,
    rows: &[TapSource],
    span: &TargetSpan,
    lanes: L,
) {
    let mut sums = [[simd.splat(0.0); TAPS]; ROWS];
    let start = span.tap_sources[0].source * lines.x_pixel;
    let whole = span.count / TARGETS * TARGETS;
    // SAFETY: the caller vouches for all pixels and taps.
    unsafe {
        for (x, dy) in lines.starts() {
            let from = x.add(start);
            let x: [*const f32; ROWS] =
                std::array::from_fn(|row| from.add(rows[row].source * lines.x_row));
            let dy = dy.add(span.first * lines.dy_pixel);
            for first in (0..whole).step_by(TARGETS) {
                let dy: [S::Vector; TARGETS] = std::array::from_fn(
                    #[inline(always)]
                    |target| lanes.load(simd, dy.add((first + target) * lines.dy_pixel)),
                );
                for (x, sums) in x.iter().zip(&mut sums) {
                    let x = x.add(first * lines.x_pixel);
                    for source in 0..TARGETS + TAPS - 1 {
                        let value = lanes.load(simd, x.add(source * lines.x_pixel));
                        for (tap, sum) in sums.iter_mut().enumerate() {
                            if source >= tap && source - tap < TARGETS {
                                *sum = simd.mul_add(value, dy[source - tap], *sum);
                            }
                        }
                    }
                }
            }
            for target in whole..span.count {
                let dy = lanes.load(simd, dy.add(target * lines.dy_pixel));
                for (x, sums) in x.iter().zip(&mut sums) {
                    for (tap, sum) in sums.iter_mut().enumerate() {
                        let value = lanes.load(simd, x.add((target + tap) * lines.x_pixel));
                        *sum = simd.mul_add(value, dy, *sum);
                    }
                }
            }
        }
        add_sums::<S, L, ROWS, TAPS>(simd, lines, rows, &span.tap_sources, sums, lanes);
    }
}

/// Targets whose sources are loaded one by one, for some of the span's taps.
///
/// # Safety
/// As for [`add_span`]; `rows` and `taps` hold `ROWS` and `TAPS` tap_sources.
#[inline(always)]
unsafe fn non_contiguous<S: Simd, L: Lanes<S>, const ROWS: usize, const TAPS: usize>(
    simd: S,
    lines: Lines,
    rows: &[TapSource],
    span: &TargetSpan,
    taps: Range<usize>,
    lanes: L,
) {
    let columns = &span.tap_sources[taps];
    let mut sums = [[simd.splat(0.0); TAPS]; ROWS];
    // SAFETY: the caller vouches for all pixels and taps.
    unsafe {
        let at = |row: usize, column: usize| {
            rows[row].source * lines.x_row + columns[column].source * lines.x_pixel
        };
        let offsets: [[usize; TAPS]; ROWS] =
            std::array::from_fn(|row| std::array::from_fn(|column| at(row, column)));
        for (x, dy) in lines.starts() {
            let dy = dy.add(span.first * lines.dy_pixel);
            for target in 0..span.count {
                let dy = lanes.load(simd, dy.add(target * lines.dy_pixel));
                let x = x.add(target * lines.x_step);
                for (sums, offsets) in sums.iter_mut().zip(&offsets) {
                    for (sum, offset) in sums.iter_mut().zip(offsets) {
                        *sum = simd.mul_add(lanes.load(simd, x.add(*offset)), dy, *sum);
                    }
                }
            }
        }
        add_sums::<S, L, ROWS, TAPS>(simd, lines, rows, columns, sums, lanes);
    }
}

/// # Safety
/// As for [`add_span`]; `rows` and `columns` hold `ROWS` and `TAPS` tap_sources.
#[inline(always)]
unsafe fn add_sums<S: Simd, L: Lanes<S>, const ROWS: usize, const TAPS: usize>(
    simd: S,
    lines: Lines,
    rows: &[TapSource],
    columns: &[TapSource],
    sums: [[S::Vector; TAPS]; ROWS],
    lanes: L,
) {
    for (row, sums) in rows.iter().zip(sums) {
        for (column, sum) in columns.iter().zip(sums) {
            // SAFETY: the caller vouches for every tap's sum.
            unsafe {
                let to = lines.sums.add(row.tap * lines.sums_row + column.tap * lines.sums_tap);
                lanes.store(simd, to, simd.add(lanes.load(simd, to), sum));
            }
        }
    }
}
