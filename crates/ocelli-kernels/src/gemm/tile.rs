//! The innermost loops: a tile of C in registers.

#![expect(unsafe_code, reason = "the tile reads and writes through checked-once pointers")]

use super::WIDTH;
use crate::simd::Simd;
use std::hint::black_box;

/// How A lies in memory, which the innermost loop has to know.
pub(crate) trait Order {
    /// Steps of the depth per turn of the loop.
    const UNROLL: usize;
    /// Whether the addresses of two dozen rows fit in registers.
    const TALL: bool;

    /// Rows of A that are found from one pointer.
    fn span(height: usize) -> usize;

    /// From one row and from one step of the depth to the next.
    fn strides(tile: &Tile) -> [usize; 2];

    /// From one step to the next, in B.
    fn b_step(tile: &Tile) -> usize;
}

/// The depth runs along rows of A, and B is packed.
pub(crate) struct AlongRows;

/// Rows of A lie side by side: A is turned round. B lies where it is.
pub(crate) struct AcrossRows;

impl Order for AlongRows {
    const UNROLL: usize = 4;
    const TALL: bool = false;

    /// A load's address can say one and two distances.
    #[inline(always)]
    fn span(_: usize) -> usize {
        3
    }

    #[inline(always)]
    fn strides(tile: &Tile) -> [usize; 2] {
        [tile.a_stride, 1]
    }

    #[inline(always)]
    fn b_step(_: &Tile) -> usize {
        WIDTH
    }
}

impl Order for AcrossRows {
    const UNROLL: usize = 1;
    const TALL: bool = true;

    #[inline(always)]
    fn span(height: usize) -> usize {
        height
    }

    #[inline(always)]
    fn strides(tile: &Tile) -> [usize; 2] {
        [1, tile.a_stride]
    }

    #[inline(always)]
    fn b_step(tile: &Tile) -> usize {
        tile.b_step
    }
}

/// A column strip of C, one or two vectors wide, and the strips of A and B that make it.
#[derive(Clone, Copy)]
pub(crate) struct Tile {
    /// How many products of a run each number of C sums.
    pub(crate) depth: usize,
    /// A at its first row and step.
    pub(crate) a: *const f32,
    /// From one row of A to the next or from one step to the next, whichever do not lie side by side.
    pub(crate) a_stride: usize,
    /// In how many runs the products come.
    pub(crate) runs: usize,
    /// From one run to the next, in A.
    pub(crate) a_run: usize,
    /// B at its first step.
    pub(crate) b: *const f32,
    /// From one step of the depth to the next, in B where it is not packed.
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
pub(crate) unsafe fn tiles<S: Simd, O: Order>(simd: S, tile: &Tile, rows: usize, columns: usize) {
    let lanes = S::LANES;
    // SAFETY: the caller vouches for the memory; each call touches no more columns than there are.
    unsafe {
        if columns >= 2 * lanes {
            strip::<S, O, 2, false>(simd, tile, rows, lanes);
        } else if columns > lanes {
            strip::<S, O, 2, true>(simd, tile, rows, columns - lanes);
        } else if columns == lanes {
            strip::<S, O, 1, false>(simd, tile, rows, lanes);
        } else {
            strip::<S, O, 1, true>(simd, tile, rows, columns);
        }
    }
}

/// # Safety
/// As for [`tiles`]; the last of the `VECTORS` vectors has `last` columns.
#[inline(always)]
unsafe fn strip<S: Simd, O: Order, const VECTORS: usize, const TAIL: bool>(
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
                    a: tile.a.wrapping_add(row * O::strides(tile)[0]),
                    c: tile.c.wrapping_add(row * tile.c_row),
                    ..*tile
                };
                // SAFETY: rows row..row + height are among those the caller vouches for.
                unsafe { block::<S, O, $height, VECTORS, TAIL>(simd, &part, last) }
                row += $height;
            }
        };
    }
    // Sixteen registers hold no more than a tile of six rows; thirty-two hold one of twelve, or of
    // twice that if it is a vector wide.
    if S::LANES == 16 {
        if VECTORS == 1 && O::TALL {
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
unsafe fn block<S: Simd, O: Order, const HEIGHT: usize, const VECTORS: usize, const TAIL: bool>(
    simd: S,
    tile: &Tile,
    last: usize,
) {
    let mask = simd.mask(last);
    let mut sums = [[simd.splat(0.0); VECTORS]; HEIGHT];
    // SAFETY: the caller vouches for `depth` steps of A and B and for the rows and columns of C;
    // the mask keeps partial vectors within the columns.
    unsafe {
        for run in 0..tile.runs {
            let mut a = Cursor::<HEIGHT>::new::<O>(tile, run);
            let mut b = tile.b.wrapping_add(run * tile.b_run);
            for _ in 0..tile.depth / O::UNROLL {
                for ahead in 0..O::UNROLL {
                    let b = b.wrapping_add(ahead * O::b_step(tile));
                    step::<S, O, HEIGHT, VECTORS, TAIL>(simd, &a, ahead, b, mask, &mut sums);
                }
                a.advance::<O>(O::UNROLL);
                b = b.wrapping_add(O::UNROLL * O::b_step(tile));
            }
            for _ in 0..tile.depth % O::UNROLL {
                step::<S, O, HEIGHT, VECTORS, TAIL>(simd, &a, 0, b, mask, &mut sums);
                a.advance::<O>(1);
                b = b.wrapping_add(O::b_step(tile));
            }
        }
        for (row, sums) in sums.into_iter().enumerate() {
            for (vector, mut sum) in sums.into_iter().enumerate() {
                let to = tile.c.add(row * tile.c_row + vector * S::LANES);
                if TAIL && vector + 1 == VECTORS {
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

/// Adds the products of one step of the depth, `ahead` of the cursor.
///
/// # Safety
/// A's rows at that step and B's vectors, the last of them under the mask, must be readable.
#[inline(always)]
unsafe fn step<S, O, const HEIGHT: usize, const VECTORS: usize, const TAIL: bool>(
    simd: S,
    a: &Cursor<HEIGHT>,
    ahead: usize,
    b: *const f32,
    mask: S::Mask,
    sums: &mut [[S::Vector; VECTORS]; HEIGHT],
) where
    S: Simd,
    O: Order,
{
    // SAFETY: the caller vouches for all that is read.
    unsafe {
        let b_vectors: [S::Vector; VECTORS] = std::array::from_fn(
            #[inline(always)]
            |vector| {
                let from = b.add(vector * S::LANES);
                if TAIL && vector + 1 == VECTORS {
                    simd.load_first(from, mask)
                } else {
                    simd.load(from)
                }
            },
        );
        for (row, sums) in sums.iter_mut().enumerate() {
            let factor = simd.splat(*a.at::<O>(row, ahead));
            for (sum, b) in sums.iter_mut().zip(b_vectors) {
                *sum = simd.mul_add(factor, b, *sum);
            }
        }
    }
}

/// Where the rows of a tile stand in A, at the current step.
///
/// Some processors add addresses with the units that multiply, so a step must not compute any.
struct Cursor<const HEIGHT: usize> {
    /// The first of every [`Order::span`] rows.
    bases: [*const f32; HEIGHT],
    strides: [usize; 2],
}

impl<const HEIGHT: usize> Cursor<HEIGHT> {
    #[inline(always)]
    fn new<O: Order>(tile: &Tile, run: usize) -> Self {
        let strides = O::strides(tile);
        let first = tile.a.wrapping_add(run * tile.a_run);
        let mut bases = [first; HEIGHT];
        for row in (0..HEIGHT).step_by(O::span(HEIGHT)) {
            // Opaque, as the compiler would otherwise compute one from the other at each step.
            bases[row] = black_box(first.wrapping_add(row * strides[0]));
        }
        Self { bases, strides }
    }

    /// The number of a row, some steps ahead.
    #[inline(always)]
    fn at<O: Order>(&self, row: usize, ahead: usize) -> *const f32 {
        let after = row % O::span(HEIGHT);
        let [row_stride, step_stride] = self.strides;
        self.bases[row - after].wrapping_add(after * row_stride).wrapping_add(ahead * step_stride)
    }

    #[inline(always)]
    fn advance<O: Order>(&mut self, steps: usize) {
        for row in (0..HEIGHT).step_by(O::span(HEIGHT)) {
            self.bases[row] = self.bases[row].wrapping_add(steps * self.strides[1]);
        }
    }
}
