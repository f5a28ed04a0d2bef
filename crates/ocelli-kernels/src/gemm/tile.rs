//! The innermost loops: a tile of C in registers.

#![expect(unsafe_code, reason = "the tile reads and writes through checked-once pointers")]

use crate::simd::Simd;

/// A column strip of C, one or two vectors wide, and the strips of A and B that make it.
#[derive(Clone, Copy)]
pub(crate) struct Tile {
    /// How many products of a run each number of C sums.
    pub(crate) depth: usize,
    /// A at its first row and step.
    pub(crate) a: *const f32,
    /// From one row of A to the next.
    pub(crate) a_row: usize,
    /// From one step of the depth to the next, in A.
    pub(crate) a_step: usize,
    /// In how many runs the products come.
    pub(crate) runs: usize,
    /// From one run to the next, in A.
    pub(crate) a_run: usize,
    /// B at its first step.
    pub(crate) b: *const f32,
    /// From one step of the depth to the next, in B.
    pub(crate) b_step: usize,
    /// From one run to the next, in B.
    pub(crate) b_run: usize,
    /// C at its first row.
    pub(crate) c: *mut f32,
    /// From one row of C to the next.
    pub(crate) c_row: usize,
    /// Whether C's old values stay in the sum.
    pub(crate) accumulate: bool,
}

/// Computes `rows` rows of the strip, of which at most two vectors and at most `columns` columns
/// are touched.
///
/// # Safety
/// All that the tile describes must be readable (C: writable) for `rows` rows, `runs` times
/// `depth` steps and `min(columns, two vectors)` columns.
#[inline(always)]
pub(crate) unsafe fn tiles<S: Simd>(simd: S, tile: &Tile, rows: usize, columns: usize) {
    let lanes = S::LANES;
    // SAFETY: the caller vouches for the memory; each call touches no more columns than there are.
    unsafe {
        if columns >= 2 * lanes {
            strip::<S, 2, false>(simd, tile, rows, lanes);
        } else if columns > lanes {
            strip::<S, 2, true>(simd, tile, rows, columns - lanes);
        } else if columns == lanes {
            strip::<S, 1, false>(simd, tile, rows, lanes);
        } else {
            strip::<S, 1, true>(simd, tile, rows, columns);
        }
    }
}

/// # Safety
/// As for [`tiles`]; the last of the `VECTORS` vectors has `last` columns.
#[inline(always)]
unsafe fn strip<S: Simd, const VECTORS: usize, const TAIL: bool>(
    simd: S,
    tile: &Tile,
    rows: usize,
    last: usize,
) {
    let mut row = 0;
    macro_rules! step {
        ($height:literal) => {
            while rows - row >= $height {
                let part = Tile {
                    a: tile.a.wrapping_add(row * tile.a_row),
                    c: tile.c.wrapping_add(row * tile.c_row),
                    ..*tile
                };
                // SAFETY: rows row..row + height are among those the caller vouches for.
                unsafe { block::<S, $height, VECTORS, TAIL>(simd, &part, last) }
                row += $height;
            }
        };
    }
    // Sixteen registers hold no more than a tile of six rows; thirty-two hold one of twelve, or of
    // twice that if it is a vector wide.
    if S::LANES == 16 {
        if VECTORS == 1 {
            step!(24);
        }
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
/// As for [`strip`], for `HEIGHT` rows.
#[inline(always)]
unsafe fn block<S: Simd, const HEIGHT: usize, const VECTORS: usize, const TAIL: bool>(
    simd: S,
    tile: &Tile,
    last: usize,
) {
    let mask = simd.mask(last);
    let is_partial = |vector: usize| TAIL && vector + 1 == VECTORS;
    let mut sums = [[simd.splat(0.0); VECTORS]; HEIGHT];
    // SAFETY: the caller vouches for `depth` steps of A and B and for the rows and columns of C;
    // the mask keeps partial vectors within the columns.
    unsafe {
        for run in 0..tile.runs {
            let mut a = tile.a.wrapping_add(run * tile.a_run);
            let mut b = tile.b.wrapping_add(run * tile.b_run);
            for _ in 0..tile.depth {
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
                for (row, sums) in sums.iter_mut().enumerate() {
                    let factor = simd.splat(*a.add(row * tile.a_row));
                    for (sum, b) in sums.iter_mut().zip(b_vectors) {
                        *sum = simd.mul_add(factor, b, *sum);
                    }
                }
                a = a.wrapping_add(tile.a_step);
                b = b.wrapping_add(tile.b_step);
            }
        }
        for (row, sums) in sums.into_iter().enumerate() {
            for (vector, mut sum) in sums.into_iter().enumerate() {
                let to = tile.c.add(row * tile.c_row + vector * S::LANES);
                if is_partial(vector) {
                    if tile.accumulate {
                        sum = simd.add(simd.load_first(to, mask), sum);
                    }
                    simd.store_first(to, mask, sum);
                } else {
                    if tile.accumulate {
                        sum = simd.add(simd.load(to), sum);
                    }
                    simd.store(to, sum);
                }
            }
        }
    }
}
