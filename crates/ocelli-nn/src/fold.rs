//! Folds batch normalisations into the convolutions and linear layers before them, for inference.
//!
//! With running statistics μ, σ² a normalisation is the affine map γ (x − μ) / √(σ² + ε) + β, and a
//! convolution or linear layer followed by an affine map is one too:
//! w′ = w · γ / √(σ² + ε), b′ = (b − μ) · γ / √(σ² + ε) + β.
//!
//! Codes of a packed weight stay as they are: γ / √(σ² + ε) becomes the multiplier of each output channel,
//! so w′ has the same bits as it would have without codes.

mod structure;

use crate::graph::Graph;
use crate::packed::PackedTensor;
use crate::parameter::{ParamId, Parameters};
use crate::{Network, Result};
use structure::{FoldedGraph, FoldedNorm, Origin};

impl Graph {
    /// The graph of [`Network::fold_batch_norm`].
    #[must_use]
    pub fn fold_batch_norm(&self) -> Self {
        FoldedGraph::new(self).graph
    }
}

impl Network {
    /// An equal network for inference in which no normalisation directly follows a convolution or
    /// linear layer.
    ///
    /// The folded biases are named `layer.bias`; parameters of the folded normalisations are gone.
    /// Sums are formed in another order, so outputs agree to rounding, not to the bit.
    ///
    /// # Errors
    /// Only when the network is inconsistent in itself.
    pub fn fold_batch_norm(&self) -> Result<Self> {
        let FoldedGraph { graph, origins, norms } = FoldedGraph::new(self.graph());
        let old = self.params();
        let mut values: Vec<Vec<f32>> = origins
            .iter()
            .zip(graph.params())
            .map(|(origin, spec)| match origin {
                Origin::Param(id) => old.to_values(*id),
                Origin::NewBias => vec![0.0; spec.len()],
            })
            .collect();
        let mut packed: Vec<Option<PackedTensor>> = origins
            .iter()
            .map(|origin| match origin {
                Origin::Param(id) => old.get(*id).packed().cloned(),
                Origin::NewBias => None,
            })
            .collect();
        for FoldedNorm { weight, bias, norm } in norms {
            let of = |id: ParamId| old.to_values(id);
            let (gamma, beta) = (of(norm.weight), of(norm.bias));
            let (mean, variance) = (of(norm.running_mean), of(norm.running_var));
            let scale: Vec<f32> = gamma
                .iter()
                .zip(&variance)
                .map(|(gamma, variance)| {
                    (f64::from(*gamma) / (f64::from(*variance) + norm.epsilon).sqrt()) as f32
                })
                .collect();
            let bias = &mut values[bias.index()];
            for (channel, bias) in bias.iter_mut().enumerate() {
                *bias = (*bias - mean[channel]) * scale[channel] + beta[channel];
            }
            let codes = &mut packed[weight.index()];
            *codes = codes.take().map(|codes| codes.scaled(&scale));
            let weight = &mut values[weight.index()];
            let per_channel = (weight.len() / scale.len().max(1)).max(1);
            for (kernel, scale) in weight.chunks_mut(per_channel).zip(scale) {
                for value in kernel {
                    *value *= scale;
                }
            }
        }
        let params = Parameters::from_parts(graph.params(), values, packed, old.device())?;
        Ok(Self::from_parts(graph, params))
    }
}
