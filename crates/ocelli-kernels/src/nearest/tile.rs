//! The innermost loops: the t of a few centroids with a panel's points, in registers.

#![expect(unsafe_code, reason = "tiles are read through checked-once pointers")]

use super::panel::{PANEL, Panel, TILE};
use crate::simd::{Kernel, Simd};

/// What a search has found for each point of a panel.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// The largest t.
    pub best: [f32; PANEL],
    /// The largest of the others.
    pub second: [f32; PANEL],
    /// At which slot of the index the largest stands, a whole number.
    pub(super) slot: [f32; PANEL],
}

impl Default for Found {
    fn default() -> Self {
        let nothing = [f32::NEG_INFINITY; PANEL];
        Self { best: nothing, second: nothing, slot: [0.0; PANEL] }
    }
}

/// Tiles of an index, `[tiles, width, TILE]`, with −‖c‖² / 2 of each slot.
#[derive(Clone, Copy)]
pub(super) struct Tiles<'a> {
    pub(super) centroids: &'a [f32],
    pub(super) offsets: &'a [f32],
    pub(super) width: usize,
    /// The slot of the first.
    pub(super) first: usize,
}

/// Folds the t of all slots into what was found before.
pub(super) struct Search<'a> {
    pub(super) panel: &'a Panel,
    pub(super) tiles: Tiles<'a>,
    pub(super) found: &'a mut Found,
}

/// Writes the t of one tile, `[TILE, PANEL]`.
pub(super) struct Scores<'a> {
    pub(super) panel: &'a Panel,
    pub(super) tiles: Tiles<'a>,
    pub(super) to: &'a mut [f32; TILE * PANEL],
}

impl Kernel for Search<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for lane in (0..PANEL).step_by(2 * S::LANES) {
            // Sixteen registers hold no more than six centroids by two vectors.
            if S::LANES == 16 {
                search_strip::<S, 12>(simd, self.panel, self.tiles, lane, self.found);
            } else {
                search_strip::<S, 6>(simd, self.panel, self.tiles, lane, self.found);
            }
        }
    }
}

impl Kernel for Scores<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for lane in (0..PANEL).step_by(2 * S::LANES) {
            for row in (0..TILE).step_by(6) {
                let sums = block::<S, 6>(simd, self.panel, self.tiles, 0, row, lane);
                for (centroid, sums) in sums.into_iter().enumerate() {
                    let to = &mut self.to[(row + centroid) * PANEL + lane..][..2 * S::LANES];
                    // SAFETY: the slice has room for two vectors.
                    unsafe {
                        simd.store(to.as_mut_ptr(), sums[0]);
                        simd.store(to.as_mut_ptr().add(S::LANES), sums[1]);
                    }
                }
            }
        }
    }
}

/// All centroids with the points of two vectors.
#[inline(always)]
fn search_strip<S: Simd, const HEIGHT: usize>(
    simd: S,
    panel: &Panel,
    tiles: Tiles<'_>,
    lane: usize,
    found: &mut Found,
) {
    let at = |array: &[f32; PANEL], vector: usize| {
        let from = &array[lane + vector * S::LANES..][..S::LANES];
        // SAFETY: the slice has as many numbers as a vector.
        unsafe { simd.load(from.as_ptr()) }
    };
    let mut best = [at(&found.best, 0), at(&found.best, 1)];
    let mut second = [at(&found.second, 0), at(&found.second, 1)];
    let mut slot = [at(&found.slot, 0), at(&found.slot, 1)];
    for tile in 0..tiles.offsets.len() / TILE {
        for row in (0..TILE).step_by(HEIGHT) {
            let sums = block::<S, HEIGHT>(simd, panel, tiles, tile, row, lane);
            for (centroid, sums) in sums.into_iter().enumerate() {
                let here = simd.splat((tiles.first + tile * TILE + row + centroid) as f32);
                for vector in 0..2 {
                    let t = sums[vector];
                    slot[vector] = simd.where_greater(t, best[vector], here, slot[vector]);
                    // What is not a number is as good as the best: it has to be looked at.
                    second[vector] = simd.max(second[vector], simd.min(t, best[vector]));
                    best[vector] = simd.max(t, best[vector]);
                }
            }
        }
    }
    let put = |array: &mut [f32; PANEL], vectors: [S::Vector; 2]| {
        for (vector, value) in vectors.into_iter().enumerate() {
            let to = &mut array[lane + vector * S::LANES..][..S::LANES];
            // SAFETY: the slice has as many numbers as a vector.
            unsafe { simd.store(to.as_mut_ptr(), value) }
        }
    };
    put(&mut found.best, best);
    put(&mut found.second, second);
    put(&mut found.slot, slot);
}

/// The t of `HEIGHT` centroids of a tile, from `row` on, with the points of two vectors.
#[inline(always)]
fn block<S: Simd, const HEIGHT: usize>(
    simd: S,
    panel: &Panel,
    tiles: Tiles<'_>,
    tile: usize,
    row: usize,
    lane: usize,
) -> [[S::Vector; 2]; HEIGHT] {
    let width = panel.width();
    assert!(tiles.width == width && row + HEIGHT <= TILE && lane + 2 * S::LANES <= PANEL);
    let centroids = &tiles.centroids[tile * TILE * width..][..TILE * width];
    let offsets = &tiles.offsets[tile * TILE + row..][..HEIGHT];
    let mut sums: [[S::Vector; 2]; HEIGHT] = std::array::from_fn(
        #[inline(always)]
        |centroid| [simd.splat(offsets[centroid]); 2],
    );
    let mut a = centroids.as_ptr().wrapping_add(row);
    let mut b = panel.as_ptr().wrapping_add(lane);
    for _ in 0..width {
        // SAFETY: of the `width` steps each reads `HEIGHT` of a tile's twelve numbers, from `row` on, and
        // two vectors of a panel's 32, from `lane` on; both were checked above.
        unsafe {
            let points = [simd.load(b), simd.load(b.add(S::LANES))];
            for (centroid, sums) in sums.iter_mut().enumerate() {
                let factor = simd.splat(*a.add(centroid));
                sums[0] = simd.mul_add(factor, points[0], sums[0]);
                sums[1] = simd.mul_add(factor, points[1], sums[1]);
            }
        }
        a = a.wrapping_add(TILE);
        b = b.wrapping_add(PANEL);
    }
    sums
}
