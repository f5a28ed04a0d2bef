//! The innermost loops of products: a tile of sums in registers.
//!
//! Per step of the depth, two vectors of weights, up to twelve times four codes and 24 instructions of
//! four products per lane. Rows stand anywhere, so windows are read where they are, without a copy for
//! each tap.

#![expect(unsafe_code, reason = "the tile reads and writes through checked-once pointers")]

use super::finish::Finish;
use super::panels::{Panels, STEP_BYTES};
use super::simd::{Integer, Kernel, STEP};

/// Steps between two updates of addresses.
const UNROLL: usize = 4;

/// Products of some rows with some panels.
pub(super) struct Multiply<'a> {
    /// The codes that rows consist of.
    pub(super) codes: *const u8,
    /// Where each row begins.
    pub(super) rows: &'a [usize],
    /// Where each run of a row begins.
    pub(super) runs: &'a [usize],
    /// Steps of a run.
    pub(super) steps: usize,
    pub(super) weight: &'a Panels,
    /// The first channel of the output, and how many.
    pub(super) channels: [usize; 2],
    /// The sum of each row's codes, if they are needed.
    pub(super) windows: Option<&'a [i32]>,
    pub(super) finish: Finish<'a>,
}

impl Kernel for Multiply<'_> {
    #[inline(always)]
    fn run<S: Integer>(self, simd: S) {
        let [_, vectors] = S::TILE;
        let [_, channels] = self.channels;
        let mut column = 0;
        while column < channels {
            let left = channels - column;
            if vectors == 2 && left > S::LANES {
                self.strip::<S, 2>(simd, column);
                column += 2 * S::LANES;
            } else {
                self.strip::<S, 1>(simd, column);
                column += S::LANES;
            }
        }
    }
}

impl Multiply<'_> {
    /// Sums the `run` codes of each run of each row, beginning with `start`.
    pub(super) fn sum_windows(&self, run: usize, start: i32, windows: &mut [i32]) {
        assert!(run <= self.steps * STEP, "{run} codes in {} steps", self.steps);
        for (row, sum) in self.rows.iter().zip(windows) {
            *sum = self.runs.iter().fold(start, |sum, from| {
                let from = self.codes.wrapping_add(row + from);
                // SAFETY: whoever makes a `Multiply` vouches that each run of each row is readable.
                let codes = unsafe { std::slice::from_raw_parts(from, run) };
                sum + codes.iter().map(|code| i32::from(*code)).sum::<i32>()
            });
        }
    }

    #[inline(always)]
    fn strip<S: Integer, const VECTORS: usize>(&self, simd: S, column: usize) {
        let weight = self.weight.at(self.channels[0] + column);
        let mut row = 0;
        macro_rules! tiles {
            ($height:literal) => {
                while S::TILE[0] >= $height && self.rows.len() - row >= $height {
                    // SAFETY: whoever makes a `Multiply` vouches that each run of each row is readable,
                    // that the panels have its steps, and that the finish has its rows and channels.
                    unsafe { self.tile::<S, $height, VECTORS>(simd, weight, row, column) }
                    row += $height;
                }
            };
        }
        tiles!(12);
        tiles!(6);
        tiles!(4);
        tiles!(2);
        tiles!(1);
    }

    /// # Safety
    /// The rows and channels of the tile must be there.
    #[inline(always)]
    unsafe fn tile<S: Integer, const HEIGHT: usize, const VECTORS: usize>(
        &self,
        simd: S,
        mut weight: *const i8,
        row: usize,
        column: usize,
    ) {
        // SAFETY: the caller vouches for rows and channels.
        unsafe {
            let rows: [*const u8; HEIGHT] = std::array::from_fn(
                #[inline(always)]
                |index| self.codes.wrapping_add(*self.rows.get_unchecked(row + index)),
            );
            let starts: [S::Ints; VECTORS] = std::array::from_fn(
                #[inline(always)]
                |vector| self.finish.start(simd, column + vector * S::LANES),
            );
            let mut sums = [starts.map(
                #[inline(always)]
                |start| simd.begin(start),
            ); HEIGHT];
            for run in self.runs {
                let mut at = *run;
                for _ in 0..self.steps / UNROLL {
                    for ahead in 0..UNROLL {
                        let weight = weight.wrapping_add(ahead * STEP_BYTES);
                        step(simd, &rows, at + ahead * STEP, weight, &mut sums);
                    }
                    at += UNROLL * STEP;
                    weight = weight.wrapping_add(UNROLL * STEP_BYTES);
                }
                for _ in 0..self.steps % UNROLL {
                    step(simd, &rows, at, weight, &mut sums);
                    at += STEP;
                    weight = weight.wrapping_add(STEP_BYTES);
                }
            }
            // A copy, so that only this is indexed by loops, and the sums above stay in registers.
            let sums: [[S::Ints; VECTORS]; HEIGHT] = std::array::from_fn(
                #[inline(always)]
                |row| {
                    std::array::from_fn(
                        #[inline(always)]
                        |vector| simd.end(sums[row][vector], starts[vector]),
                    )
                },
            );
            let is_whole = self.channels[1] - column >= VECTORS * S::LANES;
            let in_fours = (HEIGHT * VECTORS).is_multiple_of(4);
            if in_fours && is_whole && self.windows.is_none() && self.finish.is_of_codes() {
                return self.store_codes(simd, [row, column], sums);
            }
            for vector in 0..VECTORS {
                let column = column + vector * S::LANES;
                let count = (self.channels[1] - column).min(S::LANES);
                let line = self.finish.line(simd, column);
                for (index, sums) in sums.iter().enumerate() {
                    let sum = sums[vector];
                    #[expect(clippy::manual_map, reason = "closures are not sure to be inlined")]
                    let window = match self.windows {
                        Some(windows) => Some(simd.splat_int(*windows.get_unchecked(row + index))),
                        None => None,
                    };
                    self.finish.store(simd, [row + index, column, count], line, sum, window);
                }
            }
        }
    }

    /// Stores the codes of a tile of whole vectors.
    ///
    /// # Safety
    /// As for [`Self::tile`], and the finish must be of codes.
    #[inline(always)]
    unsafe fn store_codes<S: Integer, const HEIGHT: usize, const VECTORS: usize>(
        &self,
        simd: S,
        [row, column]: [usize; 2],
        sums: [[S::Ints; VECTORS]; HEIGHT],
    ) {
        // SAFETY: the caller vouches for rows and channels.
        unsafe {
            let last = VECTORS - 1;
            let lines =
                [self.finish.line(simd, column), self.finish.line(simd, column + last * S::LANES)];
            let mut first = 0;
            while first + 4 <= HEIGHT * VECTORS {
                // Arrays are written out: what takes a closure need not be inlined, and is slow where it is not.
                macro_rules! all_four {
                    ($name:ident => $value:expr) => {{
                        let [a, b, c, d] = [first, first + 1, first + 2, first + 3];
                        [
                            {
                                let $name = a;
                                $value
                            },
                            {
                                let $name = b;
                                $value
                            },
                            {
                                let $name = c;
                                $value
                            },
                            {
                                let $name = d;
                                $value
                            },
                        ]
                    }};
                }
                let places = all_four!(at => [
                    row + at / VECTORS,
                    column + at % VECTORS * S::LANES,
                ]);
                let of_line = all_four!(at => lines[at % VECTORS]);
                let of_sum = all_four!(at => sums[at / VECTORS][at % VECTORS]);
                self.finish.store_codes(simd, places, of_line, of_sum);
                first += 4;
            }
        }
    }
}

/// Adds the products of one step of the depth.
///
/// # Safety
/// [`STEP`] codes of each row, and of as many vectors of weights, must be readable.
#[inline(always)]
unsafe fn step<S: Integer, const HEIGHT: usize, const VECTORS: usize>(
    simd: S,
    rows: &[*const u8; HEIGHT],
    at: usize,
    weight: *const i8,
    sums: &mut [[S::Sums; VECTORS]; HEIGHT],
) {
    // SAFETY: the caller vouches for all that is read.
    unsafe {
        let weights: [S::Weights; VECTORS] = std::array::from_fn(
            #[inline(always)]
            |vector| simd.weights(weight.add(vector * S::LANES * STEP)),
        );
        for (row, sums) in rows.iter().zip(sums) {
            let codes = simd.spread(row.add(at).cast::<u32>().read_unaligned().to_le());
            for (sum, weights) in sums.iter_mut().zip(weights) {
                *sum = simd.dot(*sum, codes, weights);
            }
        }
    }
}
