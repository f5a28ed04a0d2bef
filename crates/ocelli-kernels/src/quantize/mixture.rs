//! A weighted sum of quantizers, and its gradients, in one pass each.
//!
//! Paper: Boukli Hacene et al., *DNN Quantization with Attention*, 2021 (<https://arxiv.org/abs/2103.13322>),
//! section 3:
//!
//! ```text
//! q = Σ_k a_k · Q_k(w)
//! ∂L/∂w = G · Σ_k a_k · ∂Q_k/∂w     ∂L/∂a_k = Σ_i G_i · Q_k(w_i)     G = ∂L/∂q
//! ```
//!
//! The backward pass computes `Q_k` once more instead of reading what would be K tensors.

#![expect(unsafe_code, reason = "the inner loops run on checked-once pointers")]

use super::Branch;
use super::lane_math::sum_of_lanes;
use super::lanes::LevelLanes;
use super::levels::Levels;
use crate::simd::{Kernel, Simd, dispatch};
use rayon::prelude::*;

/// How many branches there may be.
pub const MAX_BRANCHES: usize = 8;

/// How many values a thread takes at a time. Sums are joined by segments of this many values, or of a
/// channel where levels differ from channel to channel.
const BLOCK: usize = 8192;

/// Some values, and the quantizers that they are put through.
#[derive(Clone, Copy, Debug)]
pub struct Mixture<'a> {
    values: &'a [f32],
    channels: usize,
    branches: &'a [Branch],
    attention: &'a [f32],
}

/// What a backward pass finds beside the gradient of the values.
#[derive(Clone, Debug, PartialEq)]
pub struct MixtureGradients {
    /// That of each branch's share of the attention.
    pub attention: Vec<f64>,
    /// Those of each branch's learnt steps, one for each of its levels; zeros where it has
    /// none.
    pub learnt: Vec<Vec<f64>>,
}

impl<'a> Mixture<'a> {
    /// Branches with their shares `a_k`, for `channels` equal parts of the values.
    ///
    /// # Panics
    /// When there is no branch or too many, shares or levels are not as many as branches or channels, or the channels
    /// do not divide the values.
    pub fn new(
        values: &'a [f32],
        channels: usize,
        branches: &'a [Branch],
        attention: &'a [f32],
    ) -> Self {
        let count = branches.len();
        assert!((1..=MAX_BRANCHES).contains(&count), "{count} branches");
        assert_eq!(count, attention.len(), "shares of branches");
        let divides = channels > 0 && values.len().is_multiple_of(channels);
        assert!(divides, "{} values in {channels} channels", values.len());
        for branch in branches {
            let levels = branch.levels().len();
            assert!(levels == 1 || levels == channels, "{levels} levels for {channels} channels");
        }
        Self { values, channels, branches, attention }
    }

    /// How many values a segment has: sums are taken of each.
    fn segment(&self) -> usize {
        let is_whole = self.branches.iter().all(|branch| branch.levels().len() == 1);
        if is_whole { BLOCK } else { (self.values.len() / self.channels).max(1) }
    }

    /// The levels of each branch for a segment.
    fn levels(&self, segment: usize) -> [&'a Levels; MAX_BRANCHES] {
        std::array::from_fn(|k| match self.branches.get(k) {
            Some(branch) => branch.of_channel(segment),
            None => &Levels::FLOAT,
        })
    }

    /// Whether the gradient of the values is that of `q`, whatever they are.
    pub fn passes_all(&self) -> bool {
        self.branches.iter().all(|branch| branch.levels().iter().all(Levels::passes_all))
    }

    /// Writes `q`.
    ///
    /// # Shapes
    /// - `q`: as many as there are values
    ///
    /// # Panics
    /// When the lengths differ.
    pub fn forward(&self, q: &mut [f32]) {
        assert_eq!(q.len(), self.values.len(), "length of a mixture");
        let segment = self.segment();
        let segments = (BLOCK / segment).max(1);
        q.par_chunks_mut(segment * segments).enumerate().for_each(|(block, q)| {
            for (index, q) in q.chunks_mut(segment).enumerate() {
                let index = block * segments + index;
                let values = &self.values[index * segment..][..q.len()];
                let levels = self.levels(index);
                dispatch(Forward { values, levels, attention: self.attention, q });
            }
        });
    }

    /// Finds the gradients of the attention and of learnt steps, and writes that of the values into `dw`, given
    /// the one of `q`. The same for any number of threads. Where [all passes](Self::passes_all), the gradient of
    /// the values is that of `q`, and `dw` may be absent.
    ///
    /// # Shapes
    /// - `gradient`, `dw`: as many as there are values
    ///
    /// # Panics
    /// When the lengths differ, or `dw` is absent where not all passes.
    pub fn backward(&self, gradient: &[f32], dw: Option<&mut [f32]>) -> MixtureGradients {
        let len = self.values.len();
        assert_eq!(gradient.len(), len, "length of a mixture's gradient");
        let (segment, count) = (self.segment(), self.branches.len());
        let segments = (BLOCK / segment).max(1);
        let block_len = segment * segments;
        let to: Vec<Option<&mut [f32]>> = if let Some(dw) = dw {
            assert_eq!(dw.len(), len, "length of a gradient of values");
            dw.chunks_mut(block_len).map(Some).collect()
        } else {
            assert!(self.passes_all(), "the gradient of the values is another one");
            (0..len.div_ceil(block_len)).map(|_| None).collect()
        };
        let mut sums = vec![[[0.0_f64; 2]; MAX_BRANCHES]; len.div_ceil(segment)];
        let blocks = sums.par_chunks_mut(segments).zip(to).enumerate();
        blocks.for_each(|(block, (sums, mut dw))| {
            for (index, sums) in sums.iter_mut().enumerate() {
                let (within, index) = (index * segment, block * segments + index);
                let values = &self.values[index * segment..];
                let values = &values[..segment.min(values.len())];
                let gradient = &gradient[index * segment..][..values.len()];
                let dw = dw.as_deref_mut().map(|dw| &mut dw[within..][..values.len()]);
                let (levels, attention) = (self.levels(index), self.attention);
                *sums = dispatch(Backward { values, levels, attention, gradient, dw });
            }
        });
        let mut found = MixtureGradients {
            attention: vec![0.0; count],
            learnt: self.branches.iter().map(|branch| vec![0.0; branch.levels().len()]).collect(),
        };
        for (index, sums) in sums.iter().enumerate() {
            for (k, [attention, learnt]) in sums.iter().take(count).enumerate() {
                found.attention[k] += attention;
                let of_branch = &mut found.learnt[k];
                let at = if of_branch.len() == 1 { 0 } else { index };
                of_branch[at] += learnt;
            }
        }
        for (k, learnt) in found.learnt.iter_mut().enumerate() {
            let (levels, share) = (self.branches[k].levels(), f64::from(self.attention[k]));
            let values = self.values.len() / levels.len().max(1);
            for (gradient, levels) in learnt.iter_mut().zip(levels) {
                *gradient *= share * levels.gradient_scale(values);
            }
        }
        found
    }
}

struct Forward<'a> {
    values: &'a [f32],
    levels: [&'a Levels; MAX_BRANCHES],
    attention: &'a [f32],
    q: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        match self.attention.len() {
            1 => self.run_of::<S, 1>(simd),
            2 => self.run_of::<S, 2>(simd),
            3 => self.run_of::<S, 3>(simd),
            // Branches beyond the last have no share.
            _ => self.run_of::<S, MAX_BRANCHES>(simd),
        }
    }
}

/// The shares and levels of the first `K` branches.
#[inline(always)]
fn prepare<S: Simd, const K: usize>(
    simd: S,
    levels: &[&Levels; MAX_BRANCHES],
    attention: &[f32],
) -> [(S::Vector, LevelLanes<S>); K] {
    std::array::from_fn(
        #[inline(always)]
        |k| {
            let share = attention.get(k).copied().unwrap_or(0.0);
            (simd.splat(share), LevelLanes::new(simd, levels[k]))
        },
    )
}

impl Forward<'_> {
    #[inline(always)]
    fn run_of<S: Simd, const K: usize>(self, simd: S) {
        let branches = prepare::<S, K>(simd, &self.levels, self.attention);
        for at in (0..self.values.len()).step_by(S::LANES) {
            let part = simd.part(self.values.len() - at);
            // SAFETY: the part ends with the values, and `q` is as long.
            unsafe {
                let value = simd.load_part(self.values[at..].as_ptr(), part);
                // A single branch of share 1 is Q(w) to the bit.
                let mut sum = simd.mul(branches[0].0, branches[0].1.value(simd, value));
                for (share, levels) in &branches[1..] {
                    sum = simd.mul_add(*share, levels.value(simd, value), sum);
                }
                simd.store_part(self.q[at..].as_mut_ptr(), part, sum);
            }
        }
    }
}

struct Backward<'a> {
    values: &'a [f32],
    levels: [&'a Levels; MAX_BRANCHES],
    attention: &'a [f32],
    gradient: &'a [f32],
    /// Where the gradient of the values goes, if it is wanted.
    dw: Option<&'a mut [f32]>,
}

/// The sums of a segment for each branch: `G · Q_k(w)`, and those of its learnt step.
type SegmentSums = [[f64; 2]; MAX_BRANCHES];

impl Kernel for Backward<'_> {
    type Output = SegmentSums;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> SegmentSums {
        match self.attention.len() {
            1 => self.run_of::<S, 1>(simd),
            2 => self.run_of::<S, 2>(simd),
            3 => self.run_of::<S, 3>(simd),
            _ => self.run_of::<S, MAX_BRANCHES>(simd),
        }
    }
}

impl Backward<'_> {
    #[inline(always)]
    fn run_of<S: Simd, const K: usize>(mut self, simd: S) -> SegmentSums {
        let branches = prepare::<S, K>(simd, &self.levels, self.attention);
        let zero = simd.splat(0.0);
        let mut sums = [[zero; 2]; K];
        for at in (0..self.values.len()).step_by(S::LANES) {
            let part = simd.part(self.values.len() - at);
            // SAFETY: the part ends with the values, and both gradients are as long.
            unsafe {
                let value = simd.load_part(self.values[at..].as_ptr(), part);
                let gradient = simd.load_part(self.gradient[at..].as_ptr(), part);
                // All shares are one together: what passes unchanged is exact so.
                let mut factor = simd.splat(1.0);
                for ((share, levels), sums) in branches.iter().zip(&mut sums) {
                    let found = levels.quantized(simd, value);
                    sums[0] = simd.mul_add(gradient, found.value, sums[0]);
                    sums[1] = simd.mul_add(gradient, found.learnt, sums[1]);
                    factor = simd.mul_add(*share, found.excess, factor);
                }
                if let Some(dw) = &mut self.dw {
                    simd.store_part(dw[at..].as_mut_ptr(), part, simd.mul(gradient, factor));
                }
            }
        }
        let mut found = [[0.0; 2]; MAX_BRANCHES];
        for (found, sums) in found.iter_mut().zip(sums) {
            *found = [sum_of_lanes(simd, sums[0]), sum_of_lanes(simd, sums[1])];
        }
        found
    }
}
