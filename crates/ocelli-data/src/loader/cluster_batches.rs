//! Batches with few samples of one cluster.

use super::{Positions, Sampler};
use crate::{Error, Result};
use ocelli_random::{Purpose, Seed};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// What an epoch leaves out, and in which order clusters and batches come.
const EPOCH: Purpose = Purpose("cluster-batches");

/// How many samples of one cluster a batch may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterRule {
    /// As many as there must be: samples are dealt to the batches cluster by cluster, so that each
    /// batch has ⌊n/m⌋ or ⌈n/m⌉ of a cluster of n, in m batches. No other batches have fewer pairs
    /// of one cluster. Only what does not fill a batch is left out.
    Deal,
    /// So many at most. Samples of large clusters are left out where there are too many of them.
    AtMost(usize),
    /// What the public code of G-SimCLR does: the first samples of all clusters, then the second ones,
    /// and so on, cut into batches; every epoch alike. Late batches are of the largest clusters alone.
    Published,
}

/// Composes each batch of samples of many clusters.
///
/// An epoch has full batches only, as many as the rule allows; which samples are left out, the order
/// inside a batch and that of the batches are drawn by the epoch (but for
/// [`ClusterRule::Published`]).
///
/// Memory: 8 bytes for each sample, and 8 for each of an epoch that is being loaded.
#[derive(Clone, Debug)]
pub struct ClusterBatches {
    members: Arc<[Vec<u64>]>,
    rule: ClusterRule,
    batch_size: usize,
    batches: usize,
}

impl ClusterBatches {
    /// For a source whose sample `i` is of cluster `clusters[i]`.
    ///
    /// # Errors
    /// When not a single batch can be filled.
    pub fn new(clusters: &[u32], rule: ClusterRule, batch_size: usize) -> Result<Self> {
        let count = clusters.iter().max().map_or(0, |most| *most as usize + 1);
        let mut members = vec![Vec::new(); count];
        for (index, cluster) in clusters.iter().enumerate() {
            members[*cluster as usize].push(index as u64);
        }
        members.retain(|members: &Vec<u64>| !members.is_empty());
        let sizes: Vec<usize> = members.iter().map(Vec::len).collect();
        let batches = match rule {
            ClusterRule::Deal | ClusterRule::Published => clusters.len() / batch_size.max(1),
            ClusterRule::AtMost(most) => most_batches(&sizes, most, batch_size),
        };
        if batches == 0 || batch_size == 0 {
            return Err(none_is_full(&sizes, rule, batch_size));
        }
        Ok(Self { members: members.into(), rule, batch_size, batches })
    }

    /// How many batches an epoch has.
    pub fn batches(&self) -> usize {
        self.batches
    }

    /// The samples of an epoch that is drawn, batch after batch.
    fn drawn(&self, most: usize, mut rng: ChaCha8Rng) -> Vec<u64> {
        let batches = self.batches;
        let mut clusters: Vec<Vec<u64>> = self.members.to_vec();
        clusters.shuffle(&mut rng);
        for members in &mut clusters {
            members.shuffle(&mut rng);
            members.truncate(most.saturating_mul(batches));
        }
        let mut dealt: Vec<u64> = clusters.concat();
        leave_out(&mut dealt, batches * self.batch_size, &mut rng);
        let mut order: Vec<usize> = (0..batches).collect();
        order.shuffle(&mut rng);
        let of_batch = |batch: usize| dealt.iter().copied().skip(batch).step_by(batches);
        order.into_iter().flat_map(of_batch).collect()
    }

    /// The samples of every epoch as published.
    fn published(&self) -> Vec<u64> {
        let most = self.members.iter().map(Vec::len).max().unwrap_or_default();
        let of_rank = |rank| self.members.iter().filter_map(move |members| members.get(rank));
        (0..most).flat_map(of_rank).copied().take(self.batches * self.batch_size).collect()
    }
}

impl Sampler for ClusterBatches {
    fn epoch_len(&self, samples: u64) -> u64 {
        let _ = samples;
        (self.batches * self.batch_size) as u64
    }

    fn epoch(&self, samples: u64, seed: Seed, epoch: u64) -> Box<dyn Positions> {
        let _ = samples;
        let rng = seed.stream(EPOCH, epoch, 0);
        Box::new(Listed(match self.rule {
            ClusterRule::Deal => self.drawn(usize::MAX, rng),
            ClusterRule::AtMost(most) => self.drawn(most, rng),
            ClusterRule::Published => self.published(),
        }))
    }
}

struct Listed(Vec<u64>);

impl Positions for Listed {
    fn index(&self, position: u64) -> Option<u64> {
        self.0.get(usize::try_from(position).ok()?).copied()
    }
}

/// Keeps `kept` elements in their order, all subsets of them equally probable.
fn leave_out(elements: &mut Vec<u64>, kept: usize, rng: &mut ChaCha8Rng) {
    let mut stays: Vec<bool> = (0..elements.len()).map(|index| index < kept).collect();
    stays.shuffle(rng);
    let mut stays = stays.into_iter();
    elements.retain(|_| stays.next().unwrap_or(true));
}

/// The largest m with Σ min(n, most · m) ≥ m · `batch_size` over clusters of n: that many batches can be
/// filled, and no more.
fn most_batches(sizes: &[usize], most: usize, batch_size: usize) -> usize {
    let fills = |batches: usize| {
        let usable = sizes.iter().map(|size| most.saturating_mul(batches).min(*size));
        usable.sum::<usize>() >= batches * batch_size
    };
    // What fills m batches fills fewer, too: both sides are concave in m, zero at zero.
    let (mut low, mut high) = (0, sizes.iter().sum::<usize>() / batch_size.max(1));
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if fills(middle) { low = middle } else { high = middle - 1 }
    }
    low
}

fn none_is_full(sizes: &[usize], rule: ClusterRule, batch_size: usize) -> Error {
    let samples: usize = sizes.iter().sum();
    let reason = match rule {
        ClusterRule::AtMost(most) if samples >= batch_size => {
            let fit: usize = sizes.iter().map(|size| most.min(*size)).sum();
            format!(
                "is {batch_size}, expected 1 to {fit}: {} clusters give a batch at most {most} samples \
                 each (twice as many clusters as a batch has samples are usual)",
                sizes.len()
            )
        }
        _ => format!("is {batch_size}, expected 1 to {samples}, the number of samples"),
    };
    Error::setting("batch_size", reason)
}

#[cfg(test)]
mod tests;
