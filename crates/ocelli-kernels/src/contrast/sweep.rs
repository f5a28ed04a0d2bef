//! What is done with a tile of scores: sums in the first sweep, slopes in the second.

#![expect(unsafe_code, reason = "the inner loops run on checked-once pointers")]

use super::partner::Columns;
use crate::simd::{Kernel, Simd};

/// Rows of scores are a multiple of this apart, so that every vector of them is whole.
pub(super) const PADDING: usize = 16;

/// The score of what is not compared. Its exponential is the least normal number, and no product
/// with it overflows.
const NOT_COMPARED: f32 = -1e9;

/// What the first sweep knows of a query after some of the keys. Scores are without the scale.
#[derive(Clone, Copy)]
pub(super) struct RowSums {
    /// The largest score.
    most: f32,
    /// The score of the partner.
    partner: f32,
    /// Σ exp(s · (score − most))
    sum: f64,
    /// The same sum with each term times its score.
    weighted: f64,
}

impl Default for RowSums {
    fn default() -> Self {
        Self { most: f32::NEG_INFINITY, partner: 0.0, sum: 0.0, weighted: 0.0 }
    }
}

impl RowSums {
    pub(super) fn log_sum(&self, scale: f64) -> f64 {
        scale * f64::from(self.most) + self.sum.ln()
    }

    /// The difference of the scores is taken first: what is large in both goes without rounding.
    pub(super) fn loss(&self, scale: f64) -> f64 {
        scale * (f64::from(self.most) - f64::from(self.partner)) + self.sum.ln()
    }

    pub(super) fn log_scale_gradient(&self, scale: f64) -> f64 {
        scale * (self.weighted / self.sum - f64::from(self.partner))
    }

    /// Makes `most` the origin of the exponentials.
    fn move_to(&mut self, most: f32, scale: f32) {
        if most > self.most {
            let factor = (f64::from(scale) * (f64::from(self.most) - f64::from(most))).exp();
            self.sum *= factor;
            self.weighted *= factor;
            self.most = most;
        }
    }
}

/// Adds a tile of scores to the sums of its queries.
pub(super) struct Accumulate<'a> {
    /// `[rows, stride]`, of which `keys` columns are scores.
    pub(super) scores: &'a mut [f32],
    pub(super) stride: usize,
    pub(super) keys: usize,
    pub(super) columns: &'a (dyn Fn(usize) -> Columns<'a> + Sync),
    pub(super) scale: f32,
    pub(super) rows: &'a mut [RowSums],
}

impl Kernel for Accumulate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let scale = simd.splat(self.scale);
        let rows = self.scores.chunks_exact_mut(self.stride).zip(self.rows);
        for (row, (scores, sums)) in rows.enumerate() {
            let columns = (self.columns)(row);
            if let Some(partner) = columns.partner {
                sums.partner = scores[partner];
            }
            scores[self.keys..].fill(NOT_COMPARED);
            columns.fill_excluded(scores, NOT_COMPARED);
            let mut most = simd.splat(f32::NEG_INFINITY);
            for_each(simd, scores, |vector| most = simd.max(most, vector));
            let most = lanes(simd, most).fold(f32::NEG_INFINITY, f32::max);
            sums.move_to(most, self.scale);
            let most = simd.splat(sums.most);
            let (mut sum, mut weighted) = (simd.splat(0.0), simd.splat(0.0));
            for_each(simd, scores, |score| {
                let term = simd.exp(simd.mul(simd.sub(score, most), scale));
                sum = simd.add(sum, term);
                weighted = simd.mul_add(term, score, weighted);
            });
            sums.sum += lanes(simd, sum).map(f64::from).sum::<f64>();
            sums.weighted += lanes(simd, weighted).map(f64::from).sum::<f64>();
        }
    }
}

/// Turns a tile of scores into G times the factor.
pub(super) struct Slopes<'a> {
    /// `[rows, stride]`
    pub(super) scores: &'a mut [f32],
    pub(super) stride: usize,
    pub(super) columns: &'a (dyn Fn(usize) -> Columns<'a> + Sync),
    pub(super) scale: f32,
    pub(super) factor: f32,
    /// `[rows]`
    pub(super) log_sums: &'a [f32],
    /// As many as there are keys in the tile.
    pub(super) key_log_sums: &'a [f32],
}

impl Kernel for Slopes<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (scale, factor) = (simd.splat(self.scale), simd.splat(self.factor));
        let keys = self.key_log_sums.len();
        let rows = self.scores.chunks_exact_mut(self.stride).zip(self.log_sums);
        for (row, (scores, log_sum)) in rows.enumerate() {
            let minus_log_sum = simd.splat(-log_sum);
            for column in (0..keys).step_by(S::LANES) {
                let part = simd.part(keys - column);
                let at = scores[column..keys].as_mut_ptr();
                let key_log_sums = self.key_log_sums[column..].as_ptr();
                // SAFETY: the part ends with the keys, of which there are as many scores and sums.
                unsafe {
                    let score = simd.load_part(at, part);
                    let of_row = simd.exp(simd.mul_add(score, scale, minus_log_sum));
                    let key_log_sum = simd.load_part(key_log_sums, part);
                    let minus_key_log_sum = simd.sub(simd.splat(0.0), key_log_sum);
                    let of_column = simd.exp(simd.mul_add(score, scale, minus_key_log_sum));
                    simd.store_part(at, part, simd.mul(factor, simd.add(of_row, of_column)));
                }
            }
            let columns = (self.columns)(row);
            if let Some(partner) = columns.partner {
                scores[partner] -= 2.0 * self.factor;
            }
            columns.fill_excluded(scores, 0.0);
        }
    }
}

/// Calls `visit` with every vector of a row, whose length is a multiple of [`PADDING`].
#[inline(always)]
fn for_each<S: Simd>(simd: S, row: &[f32], mut visit: impl FnMut(S::Vector)) {
    for vector in row.chunks_exact(S::LANES) {
        // SAFETY: the chunk has as many elements as a vector.
        visit(unsafe { simd.load(vector.as_ptr()) });
    }
}

/// The elements of a vector.
#[inline(always)]
fn lanes<S: Simd>(simd: S, vector: S::Vector) -> impl Iterator<Item = f32> {
    const { assert!(PADDING.is_multiple_of(S::LANES), "rows of whole vectors") };
    let mut all = [0.0; PADDING];
    // SAFETY: the widest vector has `PADDING` elements.
    unsafe { simd.store(all.as_mut_ptr(), vector) };
    all.into_iter().take(S::LANES)
}
