//! Products whose left factor consists of windows that stand anywhere.

#![expect(unsafe_code, reason = "tiles are handed pointers into checked matrices")]

use super::{Panels, WIDTH};
use crate::rows::RowsMut;
use crate::simd::{Kernel, Simd, dispatch};

/// A row of A: where its first window line starts, and how far apart the lines are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    pub(crate) at: usize,
    pub(crate) line_distance: usize,
}

/// Windows of images: each row of A consists of `lines · runs` runs of memory.
pub(crate) struct Scattered<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) starts: &'a [Start],
    /// Lines of a window, runs per line, and elements per run.
    pub(crate) lines: usize,
    pub(crate) runs: usize,
    pub(crate) run: usize,
    /// From one run of a line to the next.
    pub(crate) run_distance: usize,
}

/// `C = A · B` for the rows of one block, on one thread.
///
/// # Shapes
/// - `b`: `[lines · runs · run, columns]` in panels, `c`: `[starts, columns]`
pub(crate) fn multiply_scattered(a: &Scattered<'_>, b: Panels<'_>, c: RowsMut<'_>) {
    assert_eq!(a.lines * a.runs * a.run, b.depth(), "depth of windows and B");
    assert_eq!((a.starts.len(), b.columns()), (c.count(), c.channels()), "shape of C");
    if b.depth() > 0 {
        let line = (a.runs - 1) * a.run_distance + a.run;
        for Start { at, line_distance } in a.starts {
            let end = at + (a.lines - 1) * line_distance + line;
            assert!(end <= a.data.len(), "a window ends at {end} of {}", a.data.len());
        }
    }
    dispatch(MultiplyScattered { a, b, c });
}

struct MultiplyScattered<'a> {
    a: &'a Scattered<'a>,
    b: Panels<'a>,
    c: RowsMut<'a>,
}

/// A strip of C and what makes it.
#[derive(Clone, Copy)]
struct Strip<'a> {
    a: &'a Scattered<'a>,
    b: *const f32,
    c: *mut f32,
    c_row: usize,
}

impl Kernel for MultiplyScattered<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let (rows, columns, lanes) = (self.c.count(), self.b.columns(), S::LANES);
        let (c, c_row) = (self.c.as_mut_ptr(), self.c.stride());
        if self.b.depth() == 0 {
            return (0..rows).for_each(|row| self.c.row_mut(row).fill(0.0));
        }
        for column in (0..columns).step_by(2 * lanes) {
            let b = self.b.at(0, column);
            let strip = Strip { a: self.a, b, c: c.wrapping_add(column), c_row };
            let left = columns - column;
            // SAFETY: `multiply_scattered` checked where each window ends, that B has a row for
            // each of its elements, and that C has a row for each window; no call touches more than
            // the `left` columns.
            unsafe {
                if left >= 2 * lanes {
                    rows_of::<S, 2, false>(simd, strip, rows, lanes);
                } else if left > lanes {
                    rows_of::<S, 2, true>(simd, strip, rows, left - lanes);
                } else if left == lanes {
                    rows_of::<S, 1, false>(simd, strip, rows, lanes);
                } else {
                    rows_of::<S, 1, true>(simd, strip, rows, left);
                }
            }
        }
    }
}

/// # Safety
/// The windows and `rows` rows of C must be readable and writable; the last of the `VECTORS`
/// vectors has `last` columns.
#[inline(always)]
unsafe fn rows_of<S: Simd, const VECTORS: usize, const TAIL: bool>(
    simd: S,
    strip: Strip<'_>,
    rows: usize,
    last: usize,
) {
    let mut row = 0;
    macro_rules! step {
        ($height:literal) => {
            while rows - row >= $height {
                // SAFETY: rows row..row + height are among those the caller vouches for.
                unsafe { block::<S, $height, VECTORS, TAIL>(simd, strip, row, last) }
                row += $height;
            }
        };
    }
    if S::LANES == 16 {
        step!(12);
        step!(8);
    } else {
        step!(6);
    }
    step!(4);
    step!(2);
    step!(1);
}

/// # Safety
/// As for [`rows_of`], for `HEIGHT` rows from `first` on.
#[inline(always)]
unsafe fn block<S: Simd, const HEIGHT: usize, const VECTORS: usize, const TAIL: bool>(
    simd: S,
    strip: Strip<'_>,
    first: usize,
    last: usize,
) {
    let mask = simd.mask(last);
    let is_partial = |vector: usize| TAIL && vector + 1 == VECTORS;
    let Strip { a, mut b, c, c_row } = strip;
    let starts = &a.starts[first..first + HEIGHT];
    let mut sums = [[simd.splat(0.0); VECTORS]; HEIGHT];
    // SAFETY: the caller vouches for the windows, as many rows of B as they have elements, and the
    // rows and columns of C; the mask keeps partial vectors within the columns.
    unsafe {
        for line in 0..a.lines {
            for run in 0..a.runs {
                let rows: [*const f32; HEIGHT] = std::array::from_fn(
                    #[inline(always)]
                    |row| {
                        let Start { at, line_distance } = starts[row];
                        let offset = at + line * line_distance + run * a.run_distance;
                        a.data.as_ptr().add(offset)
                    },
                );
                for step in 0..a.run {
                    let b_vectors: [S::Vector; VECTORS] = std::array::from_fn(
                        #[inline(always)]
                        |vector| {
                            let from = b.add(vector * S::LANES);
                            if is_partial(vector) {
                                simd.load_first(from, mask)
                            } else {
                                simd.load(from)
                            }
                        },
                    );
                    for (row, sums) in rows.iter().zip(sums.iter_mut()) {
                        let factor = simd.splat(*row.add(step));
                        for (sum, b) in sums.iter_mut().zip(b_vectors) {
                            *sum = simd.mul_add(factor, b, *sum);
                        }
                    }
                    b = b.wrapping_add(WIDTH);
                }
            }
        }
        for (row, sums) in sums.into_iter().enumerate() {
            for (vector, sum) in sums.into_iter().enumerate() {
                let to = c.add((first + row) * c_row + vector * S::LANES);
                if is_partial(vector) {
                    simd.store_first(to, mask, sum);
                } else {
                    simd.store(to, sum);
                }
            }
        }
    }
}
