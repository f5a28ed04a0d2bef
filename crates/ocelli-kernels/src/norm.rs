//! Batch normalisation with the activation after it, forward and backward.
//!
//! Ioffe and Szegedy 2015 (<https://arxiv.org/abs/1502.03167>), with m pixels in the batch:
//!
//! ```text
//! μ = Σ z / m     σ² = Σ (z − μ)² / m     s = γ / √(σ² + ε)
//! y = f(s · (z − μ) + β)                                            forward, one pass
//! g = dy · f′      dβ = Σ g      dγ = Σ g · (z − μ) / √(σ² + ε)     backward, first pass
//! dz = s · (g − dβ / m − (z − μ) / √(σ² + ε) · dγ / m)              backward, second pass
//! ```
//!
//! f′ is computed anew from z, so nothing but z is kept between the passes. The statistics come
//! with the convolution that makes z, block by block while a block is in the cache. Blocks are
//! combined in double precision by the formula of Chan, Golub and LeVeque (1983), which does not
//! lose digits when the mean is large.

mod constants;
mod passes;
mod statistics;

pub use constants::Norm;
pub use statistics::Statistics;
pub(crate) use statistics::block_moments;

use crate::activation::{Activation, with_function};
use crate::blocks::{rows_per_block, sum_blocks};
use crate::rows::{Rows, RowsMut};
use passes::{Backward, Forward, GradientSums};
use rayon::prelude::*;

/// The gradients of γ and β.
#[derive(Clone, Debug, Default)]
pub struct NormGradients {
    /// dγ, `[channels]`
    pub weight: Vec<f32>,
    /// dβ, `[channels]`
    pub bias: Vec<f32>,
}

impl Norm {
    /// A normalisation with γ `weight`, β `bias` and the statistics of a batch or of the past.
    ///
    /// # Shapes
    /// - `weight`, `bias`, `mean`, `variance`: `[channels]`
    ///
    /// # Panics
    /// When the lengths differ.
    pub fn new(weight: &[f32], bias: &[f32], mean: &[f32], variance: &[f32], epsilon: f64) -> Self {
        let channels = weight.len();
        let lengths = [bias.len(), mean.len(), variance.len()];
        assert_eq!(lengths, [channels; 3], "lengths of a normalisation's vectors");
        let inverse: Vec<f64> =
            variance.iter().map(|v| (f64::from(*v) + epsilon).sqrt().recip()).collect();
        let scale = weight.iter().zip(&inverse).map(|(w, inverse)| f64::from(*w) * inverse);
        let scale: Vec<f64> = scale.collect();
        let shift = (0..channels).map(|c| f64::from(bias[c]) - f64::from(mean[c]) * scale[c]);
        Self {
            shift: shift.map(|value| value as f32).collect(),
            scale: scale.iter().map(|value| *value as f32).collect(),
            mean: mean.to_vec(),
            inverse_deviation: inverse.iter().map(|value| *value as f32).collect(),
        }
    }

    fn block(&self, z: Rows<'_>, other: (usize, usize)) -> usize {
        assert_eq!(z.channels(), self.scale.len(), "channels of a normalisation");
        assert_eq!((z.count(), z.channels()), other, "shapes of a normalisation's values");
        rows_per_block(2 * z.channels())
    }

    /// `y = f(scale · z + shift)`
    ///
    /// # Shapes
    /// - `z`, `y`: `[pixels, channels]`
    ///
    /// # Panics
    /// When a shape differs.
    pub fn forward(&self, z: Rows<'_>, activation: Option<Activation>, y: RowsMut<'_>) {
        let block = self.block(z, (y.count(), y.channels()));
        with_function!(activation, f => y.blocks(block).enumerate().for_each(|(index, y)| {
            let z = z.range(index * block, block);
            crate::simd::dispatch(Forward { norm: self, function: f, z, y });
        }));
    }

    /// The gradients of γ and β.
    ///
    /// # Shapes
    /// - `z`, `dy`: `[pixels, channels]`
    ///
    /// # Panics
    /// When a shape differs.
    pub fn parameter_gradients(
        &self,
        z: Rows<'_>,
        dy: Rows<'_>,
        activation: Option<Activation>,
    ) -> NormGradients {
        let block = self.block(z, (dy.count(), dy.channels()));
        let channels = z.channels();
        let sums = with_function!(activation, f => {
            sum_blocks(z.count(), block, 2 * channels, |rows, sums| {
                let (z, dy) = (z.range(rows.start, rows.len()), dy.range(rows.start, rows.len()));
                crate::simd::dispatch(GradientSums { norm: self, function: f, z, dy, sums });
            })
        });
        let (bias, weight) = sums.split_at(channels);
        let inverse = &self.inverse_deviation;
        NormGradients {
            weight: weight
                .iter()
                .zip(inverse)
                .map(|(sum, i)| (sum * f64::from(*i)) as f32)
                .collect(),
            bias: bias.iter().map(|sum| *sum as f32).collect(),
        }
    }

    /// Replaces z by its gradient, when z's own batch gave the statistics (`gradients` of the
    /// first pass) or when they were constants (`None`).
    ///
    /// # Shapes
    /// - `z`, `dy`: `[pixels, channels]`
    ///
    /// # Panics
    /// When a shape differs.
    pub fn data_gradient(
        &self,
        z: RowsMut<'_>,
        dy: Rows<'_>,
        activation: Option<Activation>,
        gradients: Option<&NormGradients>,
    ) {
        let block = self.block(z.as_rows(), (dy.count(), dy.channels()));
        let channels = z.channels();
        // dz = scale · g + slope · z + offset
        let (mut slope, mut offset) = (vec![0.0; channels], vec![0.0; channels]);
        if let Some(gradients) = gradients {
            let count = z.count() as f32;
            for c in 0..channels {
                let by_deviation = self.inverse_deviation[c] * gradients.weight[c] / count;
                slope[c] = -self.scale[c] * by_deviation;
                offset[c] =
                    -self.scale[c] * (gradients.bias[c] / count - self.mean[c] * by_deviation);
            }
        }
        let (slope, offset) = (&slope[..], &offset[..]);
        with_function!(activation, f => z.blocks(block).enumerate().for_each(|(index, z)| {
            let dy = dy.range(index * block, block);
            crate::simd::dispatch(Backward { norm: self, function: f, z, dy, slope, offset });
        }));
    }
}

#[cfg(test)]
mod tests;
