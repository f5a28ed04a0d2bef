//! Matrix products of tall, narrow matrices.
//!
//! In a channels-last network every convolution is a product with one long side, the pixels, and
//! two short ones, the channels. Libraries for square products copy both factors into blocks
//! first; with 8 to 100 channels that copying costs as much as the product. Here only the short
//! factor (the weights) is packed, and pixels are read where they stand.
//!
//! | product | used for |
//! | --- | --- |
//! | `C = A · B` ([`multiply`]) | forward (B = Wᵀ), data gradient (B = W) |
//! | the same, A being windows of an image ([`multiply_windows`]) | forward along lines |
//! | the same, A being windows that stand anywhere ([`multiply_scattered`]) | rectangles of outputs |
//! | `C = Aᵀ · B` ([`multiply_transposed`], and `tiles` in `conv::weight`) | weight gradient |
//!
//! All keep a tile of C of up to 12 rows and two vectors in registers (with AVX-512: 24 of 32)
//! and walk the depth once: per step two vectors of B, 12 single elements of A and 24 fused
//! multiply-adds, so arithmetic and not loading is the limit, nor the computing of addresses (`tile`).

#![expect(unsafe_code, reason = "tiles are handed pointers into checked matrices")]

mod panels;
mod scattered;
mod tile;

pub(crate) use panels::{Panels, WIDTH, pack_panels, pack_transposed, packed_len};
pub(crate) use scattered::{Scattered, Start, multiply_scattered};
pub(crate) use tile::{AcrossRows, AlongRows, Tile, tiles};

use crate::rows::{Rows, RowsMut};
use crate::simd::{Kernel, Simd, dispatch};

/// The depth that one visit of a tile covers, so that the panel of B stays in the second cache.
const DEPTH_BLOCK: usize = 1024;

/// `C = A · B` or `C += A · B` for the rows of one block, on one thread.
///
/// # Shapes
/// - `a`: `[rows, depth]`, `b`: `[depth, columns]` in panels, `c`: `[rows, columns]`
pub(crate) fn multiply(a: Rows<'_>, b: Panels<'_>, c: RowsMut<'_>, accumulate: bool) {
    assert_eq!(a.count(), c.count(), "rows of A and C");
    assert_eq!(a.channels(), b.depth(), "depth of A and B");
    assert_eq!(c.channels(), b.columns(), "columns of B and C");
    dispatch(Multiply { a, b, c, accumulate });
}

struct Multiply<'a> {
    a: Rows<'a>,
    b: Panels<'a>,
    c: RowsMut<'a>,
    accumulate: bool,
}

impl Kernel for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let (rows, depth, columns) = (self.a.count(), self.b.depth(), self.b.columns());
        let (c, c_stride) = (self.c.as_mut_ptr(), self.c.stride());
        if depth == 0 && !self.accumulate {
            (0..rows).for_each(|row| self.c.row_mut(row).fill(0.0));
        }
        for from in (0..depth).step_by(DEPTH_BLOCK) {
            let steps = DEPTH_BLOCK.min(depth - from);
            for column in (0..columns).step_by(2 * S::LANES) {
                let tile = Tile {
                    depth: steps,
                    a: self.a.as_ptr().wrapping_add(from),
                    a_stride: self.a.stride(),
                    runs: 1,
                    a_run: 0,
                    b: self.b.at(from, column),
                    b_step: WIDTH,
                    b_run: 0,
                    c: c.wrapping_add(column),
                    c_row: c_stride,
                    accumulate: self.accumulate || from > 0,
                };
                // SAFETY: the tile covers rows 0..rows and columns column..columns of C, which
                // lie in `self.c`; A has as many rows and `from + steps` ≤ depth columns; a panel
                // has room for two whole vectors.
                unsafe { tiles::<S, AlongRows>(simd, &tile, rows, columns - column) }
            }
        }
    }
}

/// `C = Aᵀ · B` or `C += Aᵀ · B`, on one thread.
///
/// # Shapes
/// - `a`: `[depth, rows]`, `b`: `[depth, columns]`, `c`: `[rows, columns]`
pub(crate) fn multiply_transposed(a: Rows<'_>, b: Rows<'_>, c: RowsMut<'_>, accumulate: bool) {
    assert_eq!(a.count(), b.count(), "depth of A and B");
    assert_eq!(a.channels(), c.count(), "rows of A and C");
    assert_eq!(c.channels(), b.channels(), "columns of B and C");
    dispatch(MultiplyTransposed { a, b, c, accumulate });
}

struct MultiplyTransposed<'a> {
    a: Rows<'a>,
    b: Rows<'a>,
    c: RowsMut<'a>,
    accumulate: bool,
}

impl Kernel for MultiplyTransposed<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        /// Steps after which two vectors of B no longer fit the first cache beside A.
        const STEPS: usize = 192;
        let (rows, columns, depth) = (self.c.count(), self.c.channels(), self.a.count());
        if depth == 0 && !self.accumulate {
            (0..rows).for_each(|row| self.c.row_mut(row).fill(0.0));
        }
        let (c, c_row) = (self.c.as_mut_ptr(), self.c.stride());
        for from in (0..depth).step_by(STEPS) {
            for column in (0..columns).step_by(2 * S::LANES) {
                let tile = Tile {
                    depth: STEPS.min(depth - from),
                    a: self.a.as_ptr().wrapping_add(from * self.a.stride()),
                    a_stride: self.a.stride(),
                    runs: 1,
                    a_run: 0,
                    b: self.b.as_ptr().wrapping_add(from * self.b.stride() + column),
                    b_step: self.b.stride(),
                    b_run: 0,
                    c: c.wrapping_add(column),
                    c_row,
                    accumulate: self.accumulate || from > 0,
                };
                // SAFETY: A, B and C were found to have `depth` rows, as many columns as C has rows, and
                // as many as it has columns; no tile touches columns beyond.
                unsafe { tiles::<S, AcrossRows>(simd, &tile, rows, columns - column) }
            }
        }
    }
}

/// Windows of an image: each row of A consists of `runs` runs of memory.
pub(crate) struct Windows<'a> {
    pub(crate) data: &'a [f32],
    /// Runs per window, and elements per run.
    pub(crate) runs: usize,
    pub(crate) run: usize,
    /// From the start of one run, window or line to that of the next.
    pub(crate) run_distance: usize,
    pub(crate) window_distance: usize,
    pub(crate) line_distance: usize,
    /// Windows per line.
    pub(crate) per_line: usize,
}

/// `C = A · B` or `C += A · B` for whole lines of windows, on one thread.
///
/// # Shapes
/// - `b`: `[runs · run, columns]` in panels, `c`: `[lines · per_line, columns]`
pub(crate) fn multiply_windows(a: &Windows<'_>, b: Panels<'_>, c: RowsMut<'_>, accumulate: bool) {
    assert_eq!(a.runs * a.run, b.depth(), "depth of windows and B");
    assert_eq!(c.channels(), b.columns(), "columns of B and C");
    assert!(c.count().is_multiple_of(a.per_line), "{} rows in lines of {}", c.count(), a.per_line);
    let lines = c.count() / a.per_line;
    if a.runs * a.run * lines > 0 {
        let last = (lines - 1) * a.line_distance
            + (a.per_line - 1) * a.window_distance
            + (a.runs - 1) * a.run_distance
            + a.run;
        assert!(last <= a.data.len(), "windows end at {last} of {}", a.data.len());
    }
    dispatch(MultiplyWindows { a, b, c, lines, accumulate });
}

struct MultiplyWindows<'a> {
    a: &'a Windows<'a>,
    b: Panels<'a>,
    c: RowsMut<'a>,
    lines: usize,
    accumulate: bool,
}

impl Kernel for MultiplyWindows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let (a, columns) = (self.a, self.b.columns());
        let (c, c_row) = (self.c.as_mut_ptr(), self.c.stride());
        for column in (0..columns).step_by(2 * S::LANES) {
            for line in 0..self.lines {
                let tile = Tile {
                    depth: a.run,
                    a: a.data.as_ptr().wrapping_add(line * a.line_distance),
                    a_stride: a.window_distance,
                    runs: a.runs,
                    a_run: a.run_distance,
                    b: self.b.at(0, column),
                    b_step: WIDTH,
                    b_run: a.run * WIDTH,
                    c: c.wrapping_add(line * a.per_line * c_row + column),
                    c_row,
                    accumulate: self.accumulate,
                };
                // SAFETY: `multiply_windows` checked where the last window ends, that B has a row
                // for each of its elements, and that C has a row for each window.
                unsafe { tiles::<S, AlongRows>(simd, &tile, a.per_line, columns - column) }
            }
        }
    }
}

#[cfg(test)]
mod tests;
