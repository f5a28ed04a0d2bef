//! The contrastive loss of normalised rows, without the matrix of all pairs.
//!
//! Papers: Chen et al., *A Simple Framework for Contrastive Learning of Visual Representations*, ICML
//! 2020 (<https://arxiv.org/abs/2002.05709>), equation 1 (NT-Xent: [`nt_xent`]); Pham et al.,
//! *Combined Scaling for Zero-shot Transfer Learning* (<https://arxiv.org/abs/2111.10050>), section 3,
//! and Radford et al. 2021 (<https://arxiv.org/abs/2103.00020>), figure 3 ([`two_towers`]).
//!
//! Each of m queries is to be told from n keys by the one that belongs to it, p(i):
//!
//! ```text
//! S[i, j] = s · q[i] · k[j]      L[i] = ln Σ_j exp S[i, j] − S[i, p(i)]       s = 1 / temperature
//! G[i, j] = exp(S[i, j] − ln Σ_j exp S[i, j]) + exp(S[i, j] − ln Σ_i exp S[i, j]) − 2 · [j = p(i)]
//! dq = s · w · G · k       ∂(Σ L) / ∂(ln s) = Σ_i (Σ_j P[i, j] · S[i, j] − S[i, p(i)])
//! ```
//!
//! G has a query as itself and as a key of the others: both losses, of rows and of columns, in one
//! product. NT-Xent is the case in which queries and keys are the same rows, two neighbours belong to
//! each other, and no row is compared with itself; two towers are images and texts, each asked for
//! the other.
//!
//! A first sweep over tiles of S finds the sums of rows, less their maximum, a second one computes the
//! tiles again. Working memory is a tile for each thread, a tile of keys (packed twice), and a few
//! elements for each row: O(rows + tile · channels), and nothing of rows².

mod partner;
mod sweep;

#[cfg(test)]
mod tests;

pub use partner::Partner;

use crate::elementwise::Write;
use crate::gemm::{Panels, multiply, pack_panels, pack_transposed, packed_len};
use crate::rows::{Rows, RowsMut};
use crate::scratch::with_scratch;
use crate::simd::dispatch;
use partner::Columns;
use rayon::prelude::*;
use sweep::{Accumulate, RowSums, Slopes};

/// A comparison of queries, which may be some rows of a larger set, with all keys.
#[derive(Clone, Copy, Debug)]
pub struct Contrast<'a> {
    /// The rows that are asked, `[queries, channels]`, each of length 1.
    pub queries: Rows<'a>,
    /// Where they begin in the set that the keys belong to: not 0 where processes share it out.
    pub first_query: usize,
    /// The rows that they are compared with, `[keys, channels]`, each of length 1.
    pub keys: Rows<'a>,
    /// Which key belongs to each query.
    pub partner: Partner,
    /// The group of each row of the set, of which queries are compared only with those of others, beside
    /// their partners; empty where all are compared. Queries are rows of the same set then.
    pub groups: &'a [u32],
    /// s: one over the temperature.
    pub scale: f32,
}

/// What a forward pass finds.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// `ln Σ_j exp S[i, j]` for each query.
    pub log_sums: Vec<f32>,
    /// The sum over the queries of `−ln softmax` at their partners.
    pub loss: f64,
    /// The derivative of that sum by the logarithm of the scale.
    pub log_scale_gradient: f64,
}

/// How S is cut; it decides in which order sums are formed.
#[derive(Clone, Copy, Debug)]
struct Tile {
    queries: usize,
    keys: usize,
}

/// A tile of scores of 48 KiB, and 256 packed keys beside it, stay in the second cache.
const TILE: Tile = Tile { queries: 48, keys: 256 };

impl Contrast<'_> {
    /// Computes the loss of the queries.
    ///
    /// # Panics
    /// When queries and keys differ in width, a query or its partner is beyond the keys, or the scale is not
    /// positive.
    pub fn forward(&self) -> Comparison {
        self.forward_in(TILE)
    }

    fn forward_in(&self, tile: Tile) -> Comparison {
        self.check();
        let mut rows = vec![RowSums::default(); self.queries.count()];
        self.for_each_tile(tile, |first, keys, _| {
            rows.par_chunks_mut(tile.queries).enumerate().for_each(|(block, rows)| {
                self.with_scores(block * tile.queries, rows.len(), keys, |scores, stride| {
                    let query = self.first_query + block * tile.queries;
                    let row = |row: usize| self.columns(query + row, [first, keys.columns()]);
                    dispatch(Accumulate {
                        scores,
                        stride,
                        keys: keys.columns(),
                        columns: &row,
                        scale: self.scale,
                        rows,
                    });
                });
            });
        });
        let scale = f64::from(self.scale);
        Comparison {
            log_sums: rows.iter().map(|row| row.log_sum(scale) as f32).collect(),
            loss: rows.iter().map(|row| row.loss(scale)).sum(),
            log_scale_gradient: rows.iter().map(|row| row.log_scale_gradient(scale)).sum(),
        }
    }

    /// Writes or adds the gradient of the queries, which are keys of the others as well: of `weight`
    /// times the losses of all rows and all columns. `log_sums` are those of these queries, and
    /// `key_log_sums` those that the keys have as queries.
    ///
    /// # Shapes
    /// - `log_sums`: `[queries]`, `key_log_sums`: `[keys]`, `gradient`: `[queries, channels]`
    ///
    /// # Panics
    /// As [`forward`](Self::forward), and when the shapes differ.
    pub fn gradient(
        &self,
        log_sums: &[f32],
        key_log_sums: &[f32],
        weight: f64,
        gradient: RowsMut<'_>,
        write: Write,
    ) {
        self.gradient_in(TILE, [log_sums, key_log_sums], weight, gradient, write);
    }

    fn gradient_in(
        &self,
        tile: Tile,
        [log_sums, key_log_sums]: [&[f32]; 2],
        weight: f64,
        mut gradient: RowsMut<'_>,
        write: Write,
    ) {
        self.check();
        assert_eq!(log_sums.len(), self.queries.count(), "log-sums of queries");
        assert_eq!(key_log_sums.len(), self.keys.count(), "log-sums of keys");
        let shape = (self.queries.count(), self.queries.channels());
        assert_eq!((gradient.count(), gradient.channels()), shape, "shape of a gradient");
        let factor = (f64::from(self.scale) * weight) as f32;
        self.for_each_tile(tile, |first, keys, key_rows| {
            let accumulate = write == Write::Add || first > 0;
            let key_log_sums = &key_log_sums[first..][..keys.columns()];
            gradient.reborrow().blocks(tile.queries).enumerate().for_each(|(block, gradient)| {
                let (from, count) = (block * tile.queries, gradient.count());
                self.with_scores(from, count, keys, |scores, stride| {
                    let query = self.first_query + from;
                    let row = |row: usize| self.columns(query + row, [first, keys.columns()]);
                    let log_sums = &log_sums[from..][..count];
                    dispatch(Slopes {
                        scores: &mut *scores,
                        stride,
                        columns: &row,
                        scale: self.scale,
                        factor,
                        log_sums,
                        key_log_sums,
                    });
                    let slopes = Rows::strided(scores, count, keys.columns(), stride);
                    multiply(slopes, key_rows, gradient, accumulate);
                });
            });
        });
    }

    fn columns(&self, query: usize, keys: [usize; 2]) -> Columns<'_> {
        Columns::new(self.partner, query, keys, [self.groups; 2])
    }

    fn check(&self) {
        let (queries, keys) = (self.queries, self.keys);
        let grouped = [0, keys.count()].contains(&self.groups.len());
        assert!(grouped, "{} groups of {} keys", self.groups.len(), keys.count());
        assert_eq!(queries.channels(), keys.channels(), "width of queries and keys");
        let end = self.first_query.checked_add(queries.count());
        let fits = end.is_some_and(|end| end <= keys.count());
        assert!(
            fits,
            "{} queries from {} on of {}",
            queries.count(),
            self.first_query,
            keys.count()
        );
        let paired = self.partner != Partner::Neighbour || keys.count().is_multiple_of(2);
        assert!(paired, "{} rows do not stand in pairs", keys.count());
        assert!(self.scale.is_nan() || self.scale > 0.0, "scale {}", self.scale);
    }

    /// Calls `work` with the first key of each tile and the tile's keys, packed as columns and as rows.
    fn for_each_tile(&self, tile: Tile, mut work: impl FnMut(usize, Panels<'_>, Panels<'_>)) {
        let channels = self.keys.channels();
        let widest = tile.keys.min(self.keys.count());
        let mut columns = vec![0.0; packed_len(channels, widest)];
        let mut rows = vec![0.0; packed_len(widest, channels)];
        for first in (0..self.keys.count()).step_by(tile.keys) {
            let keys = self.keys.range(first, tile.keys);
            let columns = &mut columns[..packed_len(channels, keys.count())];
            let rows = &mut rows[..packed_len(keys.count(), channels)];
            let columns = pack_transposed(keys, columns);
            let rows = pack_panels(keys.count(), channels, rows, |range, part| {
                for key in 0..keys.count() {
                    part.row_mut(key).copy_from_slice(&keys.row(key)[range.clone()]);
                }
            });
            work(first, columns, rows);
        }
    }

    /// Hands `use_it` the products of `count` queries with a tile of keys, and the distance of their rows,
    /// which leaves room for whole vectors.
    fn with_scores(
        &self,
        first: usize,
        count: usize,
        keys: Panels<'_>,
        use_it: impl FnOnce(&mut [f32], usize),
    ) {
        let stride = keys.columns().next_multiple_of(sweep::PADDING);
        with_scratch(count * stride, |scores| {
            let products = RowsMut::strided(scores, count, keys.columns(), stride);
            multiply(self.queries.range(first, count), keys, products, false);
            use_it(scores, stride);
        });
    }
}

/// A contrastive loss of a whole batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ContrastiveLoss {
    /// The mean over all rows, in both directions where there are two.
    pub loss: f64,
    /// Its derivative by the logarithm of the scale: that by the logarithm of the temperature is its
    /// negative.
    pub log_scale_gradient: f64,
}

/// NT-Xent of two views, which stand side by side, with its gradient.
///
/// # Shapes
/// - both: `[2 · images, channels]`, each row of length 1
///
/// # Panics
/// When the shapes differ, the number of rows is odd, or the scale is not positive.
pub fn nt_xent(rows: Rows<'_>, scale: f64, gradient: RowsMut<'_>) -> ContrastiveLoss {
    nt_xent_in(TILE, rows, &[], scale, gradient)
}

/// [`nt_xent`] where rows of one group are no negatives of each other: they are left out of the sums. (An
/// extension; the paper has none.)
///
/// # Shapes
/// - `rows`, `gradient`: as there, `groups`: `[2 · images]`
///
/// # Panics
/// As there.
pub fn nt_xent_masked(
    rows: Rows<'_>,
    groups: &[u32],
    scale: f64,
    gradient: RowsMut<'_>,
) -> ContrastiveLoss {
    nt_xent_in(TILE, rows, groups, scale, gradient)
}

fn nt_xent_in(
    tile: Tile,
    rows: Rows<'_>,
    groups: &[u32],
    scale: f64,
    gradient: RowsMut<'_>,
) -> ContrastiveLoss {
    let (partner, scale) = (Partner::Neighbour, scale as f32);
    let contrast = Contrast { queries: rows, first_query: 0, keys: rows, partner, groups, scale };
    let weight = 1.0 / rows.count().max(1) as f64;
    let found = contrast.forward_in(tile);
    let sums = [&*found.log_sums; 2];
    contrast.gradient_in(tile, sums, weight, gradient, Write::Replace);
    ContrastiveLoss {
        loss: found.loss * weight,
        log_scale_gradient: found.log_scale_gradient * weight,
    }
}

/// The loss of images and texts, of which those at the same row belong together, with its gradients:
/// half the mean of finding each image's text, half that of finding each text's image.
///
/// # Shapes
/// - all: `[pairs, channels]`, each row of length 1
///
/// # Panics
/// When the shapes differ or the scale is not positive.
pub fn two_towers(
    towers: [Rows<'_>; 2],
    scale: f64,
    gradients: [RowsMut<'_>; 2],
) -> ContrastiveLoss {
    two_towers_in(TILE, towers, scale, gradients)
}

fn two_towers_in(
    tile: Tile,
    [images, texts]: [Rows<'_>; 2],
    scale: f64,
    [d_images, d_texts]: [RowsMut<'_>; 2],
) -> ContrastiveLoss {
    assert_eq!(images.count(), texts.count(), "images and texts");
    let ask = |queries, keys| {
        let (partner, scale) = (Partner::SameRow, scale as f32);
        Contrast { queries, first_query: 0, keys, partner, groups: &[], scale }
    };
    let (of_images, of_texts) = (ask(images, texts), ask(texts, images));
    let weight = 0.5 / images.count().max(1) as f64;
    let [by_image, by_text] = [of_images, of_texts].map(|contrast| contrast.forward_in(tile));
    let (image_sums, text_sums) = (&*by_image.log_sums, &*by_text.log_sums);
    of_images.gradient_in(tile, [image_sums, text_sums], weight, d_images, Write::Replace);
    of_texts.gradient_in(tile, [text_sums, image_sums], weight, d_texts, Write::Replace);
    ContrastiveLoss {
        loss: (by_image.loss + by_text.loss) * weight,
        log_scale_gradient: (by_image.log_scale_gradient + by_text.log_scale_gradient) * weight,
    }
}
