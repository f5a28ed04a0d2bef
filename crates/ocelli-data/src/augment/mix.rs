//! Mixup (Zhang et al. 2018, arXiv 1710.09412), cutmix (Yun et al. 2019, arXiv 1905.04899) and
//! label smoothing, on whole batches, as in the released EfficientNetV2 code:
//!
//! - a mixup weight is drawn from Beta(α, α) for each sample, and the larger part is the sample's;
//! - a cutmix box has a uniform centre and sides of √(1 − Beta(α, α)) of the image's, cut off at
//!   the border; the label weight is the area that is left;
//! - if both are on, the first half of the batch is mixed and the second half is cut.
//!
//! Deviation: a sample's partner is its neighbour (positions `2k` and `2k + 1`) instead of the
//! one at the other end of the batch. In a shuffled epoch that is the same, and it lets every
//! rank mix its share alone with the same result at any number of ranks.

use crate::{Error, Result};
use ocelli_random::ChaCha8Rng;
use rand::RngExt;
use rand::distr::Distribution;
use rand_distr::Beta;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What happens to a batch and its labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mix {
    /// The α of mixup; 0 turns it off.
    pub mixup: f64,
    /// The α of cutmix; 0 turns it off.
    pub cutmix: f64,
    /// The probability that is spread evenly over all classes.
    pub label_smoothing: f32,
}

/// What one sample takes from its partner.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Share {
    /// This part of every pixel.
    Blend(f32),
    /// All pixels of a box.
    Box { rows: Range<usize>, columns: Range<usize> },
}

/// What the samples of one global batch take from their partners.
pub(crate) struct MixDraws {
    shares: Vec<Share>,
    label_smoothing: f32,
    width: usize,
    height: usize,
}

impl Mix {
    /// Whether labels stay hard.
    pub fn is_off(&self) -> bool {
        !self.mixes() && self.label_smoothing <= 0.0
    }

    fn mixes(&self) -> bool {
        self.mixup > 0.0 || self.cutmix > 0.0
    }

    pub(crate) fn check(&self) -> Result<()> {
        for (field, alpha) in [("mix.mixup", self.mixup), ("mix.cutmix", self.cutmix)] {
            if !(0.0..=1000.0).contains(&alpha) {
                let reason = format!("is {alpha}, expected 0 (off) to 1000");
                return Err(Error::setting(field, reason));
            }
        }
        if (0.0..1.0).contains(&self.label_smoothing) {
            return Ok(());
        }
        let reason = format!("is {}, expected 0 up to, but not including, 1", self.label_smoothing);
        Err(Error::setting("mix.label_smoothing", reason))
    }

    /// Draws for a batch of `samples` over all ranks; `random` is the stream
    /// `(seed, MIX, epoch, step)`.
    pub(crate) fn draw(
        &self,
        samples: usize,
        (height, width): (usize, usize),
        random: &mut ChaCha8Rng,
    ) -> MixDraws {
        // Whole pairs, so that partners are treated alike.
        let mixed = match (self.mixup > 0.0, self.cutmix > 0.0) {
            (true, true) => samples.div_ceil(2).next_multiple_of(2),
            (true, false) => samples,
            _ => 0,
        };
        let count = if self.mixes() { samples } else { 0 };
        let shares = (0..count)
            .map(|sample| {
                if sample < mixed {
                    let weight = beta(self.mixup, random);
                    Share::Blend((1.0 - weight.max(1.0 - weight)) as f32)
                } else {
                    let side = (1.0 - beta(self.cutmix, random)).max(0.0).sqrt();
                    let rows = span(height, side, random);
                    Share::Box { rows, columns: span(width, side, random) }
                }
            })
            .collect();
        MixDraws { shares, label_smoothing: self.label_smoothing, width, height }
    }
}

fn beta(alpha: f64, random: &mut ChaCha8Rng) -> f64 {
    // A very small α can give 0 / 0 inside the sampler; that is one of the ends.
    let drawn = Beta::new(alpha, alpha).map_or(1.0, |beta| beta.sample(random));
    if drawn.is_finite() { drawn } else { 1.0 }
}

/// `side` of `len`, around a random centre, cut off at the ends.
fn span(len: usize, side: f64, random: &mut ChaCha8Rng) -> Range<usize> {
    let half = (len as f64 * side / 2.0) as usize;
    let centre = random.random_range(0..len.max(1));
    centre.saturating_sub(half)..(centre + half).min(len)
}

impl MixDraws {
    /// Mixes the two samples at `position` (even) and `position + 1` of the global batch.
    pub(crate) fn mix_pair(&self, position: usize, first: &mut [f32], second: &mut [f32]) {
        let (Some(of_first), Some(of_second)) =
            (self.shares.get(position), self.shares.get(position + 1))
        else {
            return;
        };
        match (of_first, of_second) {
            (Share::Blend(from_second), Share::Blend(from_first)) => {
                for (a, b) in first.iter_mut().zip(second) {
                    (*a, *b) = (*a + from_second * (*b - *a), *b + from_first * (*a - *b));
                }
            }
            (Share::Box { .. }, Share::Box { .. }) => {
                let mut old = Vec::with_capacity(self.width);
                let rows =
                    first.chunks_exact_mut(self.width).zip(second.chunks_exact_mut(self.width));
                for (row, (a, b)) in rows.enumerate() {
                    let row = row % self.height;
                    old.clear();
                    old.extend_from_slice(a);
                    copy_inside(of_first, row, a, b);
                    copy_inside(of_second, row, b, &old);
                }
            }
            _ => {}
        }
    }

    /// The labels of the two samples, each a set of equally probable classes, at `position` (even)
    /// and `position + 1`, or of one that has no partner.
    pub(crate) fn label_pair(
        &self,
        position: usize,
        labels: &[&[u32]],
        classes: usize,
        rows: &mut Vec<f32>,
    ) {
        for (sample, own) in labels.iter().enumerate() {
            let start = rows.len();
            rows.resize(start + classes, self.label_smoothing / classes as f32);
            let row = &mut rows[start..];
            let partner = labels.get(1 - sample.min(1)).filter(|_| labels.len() == 2);
            let taken = partner.map_or(0.0, |_| self.taken(position + sample));
            let certain = 1.0 - self.label_smoothing;
            for (set, weight) in [(Some(own), 1.0 - taken), (partner, taken)] {
                let set = set.copied().unwrap_or_default();
                for class in set {
                    if let Some(entry) = row.get_mut(*class as usize) {
                        *entry += certain * weight / set.len() as f32;
                    }
                }
            }
        }
    }

    /// How much the sample at `position` takes from its partner.
    fn taken(&self, position: usize) -> f32 {
        match self.shares.get(position) {
            None => 0.0,
            Some(Share::Blend(weight)) => *weight,
            Some(Share::Box { rows, columns }) => {
                (rows.len() * columns.len()) as f32 / (self.width * self.height) as f32
            }
        }
    }
}

fn copy_inside(share: &Share, row: usize, target: &mut [f32], source: &[f32]) {
    if let Share::Box { rows, columns } = share
        && rows.contains(&row)
    {
        target[columns.clone()].copy_from_slice(&source[columns.clone()]);
    }
}

#[cfg(test)]
mod tests;
