//! The mixtures of all quantized activations at one step.
//!
//! They are operations of the graph ([`Quantize`](ocelli_nn::graph::Quantize)), which is given the attention to
//! its quantizers; the gradient of the attention comes back from the pass, and is pulled back to α here. Ranges,
//! clips and steps are the network's own.
//!
//! Deviations, where the paper is silent: what has a mixture are the tensors that quantized layers read, the image
//! only where it is asked for. A tensor counts as the layer that reads it first, where penalties count weights. The
//! clip of PACT decays, as in its paper, at a rate of its own.

use super::layer::{weights_of, weights_of_network};
use super::names::{PREFIX, SECTION};
use super::settings::FLOAT_BITS;
use super::shares::{Shares, SharesOfStep};
use super::{DqaError, DqaSettings};
use burn::tensor::{Tensor, TensorData};
use ocelli_nn::graph::{ActivationQuantizer, QuantizerSettings};
use ocelli_nn::parameter::Role;
use ocelli_nn::{Gradients, Network};
use ocelli_train::{Error, Result};
use std::collections::HashMap;

/// Learnt clips and steps stay above this.
const SMALLEST_SCALE: f32 = 1e-6;

/// The mixture of a tensor.
pub(super) struct TensorMixture {
    /// The operation's name, as in `layer1.0.conv1.quantize`.
    pub(super) name: String,
    pub(super) shares: Shares,
}

/// The mixtures of all quantized activations; none where activations are floats.
pub(super) struct ActivationMixtures<'a> {
    settings: &'a DqaSettings,
    pub(super) tensors: Vec<TensorMixture>,
}

fn alpha_name(operation: &str) -> String {
    format!("{PREFIX}{operation}.alpha")
}

/// The network whose quantized layers read quantized values, of ranges that are not known yet.
///
/// # Errors
/// [`Error::Field`] when a quantizer is none for values that are negative too.
pub(super) fn quantize(network: Network, settings: &DqaSettings) -> Result<Network> {
    if settings.activations.is_empty() {
        return Ok(network);
    }
    let quantizers = QuantizerSettings {
        image: settings.image,
        ..QuantizerSettings::new(settings.activations.clone())
    };
    let is_quantized = |layer: &str| !settings.keep.is_match(layer);
    let graph =
        network.graph().with_quantizers(&quantizers, is_quantized).map_err(
            |error| match error {
                ocelli_nn::Error::ModelOption { value, expected, .. } => {
                    Error::Field { field: format!("{SECTION}.activations"), found: value, expected }
                }
                other => other.into(),
            },
        )?;
    Ok(network.with_graph(graph)?)
}

/// Adds the α of each quantized tensor.
///
/// # Errors
/// When the network is inconsistent in itself.
pub(super) fn prepare(mut network: Network, settings: &DqaSettings) -> Result<Network> {
    if !settings.has_attention(settings.activations.len()) {
        return Ok(network);
    }
    let bits: Vec<u32> = settings
        .activations
        .iter()
        .map(|quantizer| quantizer.bits().unwrap_or(FLOAT_BITS))
        .collect();
    let names: Vec<String> =
        network.graph().quantizers().map(|(_, node, _)| alpha_name(&node.name)).collect();
    for name in names {
        let alpha = settings.first_alpha(&bits);
        network = network.with_free(&name, &[alpha.len()], Role::Coefficient, alpha)?;
    }
    Ok(network)
}

impl<'a> ActivationMixtures<'a> {
    /// Those of the step `step`, counted from one.
    ///
    /// # Errors
    /// When the network was not prepared for the settings, or the range of a tensor is frozen before it was
    /// seen.
    pub(super) fn new(
        network: &Network,
        settings: &'a DqaSettings,
        step: u64,
        total_steps: u64,
    ) -> Result<Self> {
        let (graph, params) = (network.graph(), network.params());
        let of_step = SharesOfStep::new(params, settings, step, total_steps);
        let all = weights_of_network(graph).max(1) as f64;
        let mut tensors = Vec::new();
        for (_, node, quantize) in graph.quantizers() {
            let range = params.get(quantize.range);
            if range.frozen && quantize.observed_range(params).is_none() {
                return Err(DqaError::FrozenRange { name: range.spec.name.clone() }.into());
            }
            let reader = node.name.trim_end_matches(".quantize");
            let own = if settings.by_layer_share { weights_of(graph, reader) as f64 } else { 1.0 };
            let (count, name) = (quantize.branches.len(), node.name.clone());
            let shares = of_step.of(count, alpha_name(&name), own / all)?;
            tensors.push(TensorMixture { name, shares });
        }
        Ok(Self { settings, tensors })
    }

    /// What the network is given beside images.
    pub(super) fn attention(&self) -> Vec<Vec<f32>> {
        let mixtures = self.tensors.iter().filter(|tensor| tensor.shares.values.len() > 1);
        mixtures.map(|tensor| tensor.shares.to_f32()).collect()
    }

    /// The network with one quantizer of each tensor, chosen as the settings say.
    ///
    /// # Errors
    /// When the network is another one.
    pub(super) fn hard(&self, network: Network) -> Result<Network> {
        if self.tensors.is_empty() {
            return Ok(network);
        }
        let chosen = self.by_name(|shares| shares.hardened(self.settings.harden));
        let graph = network.graph().hardened(|name, _| chosen.get(name).copied().unwrap_or(0))?;
        Ok(network.with_graph(graph)?)
    }

    /// The network that has the shares in itself.
    ///
    /// # Errors
    /// When the network is another one.
    pub(super) fn soft(&self, network: Network) -> Result<Network> {
        if self.tensors.is_empty() {
            return Ok(network);
        }
        let shares = self.by_name(Shares::to_f32);
        let of = |name: &str| shares.get(name).cloned().unwrap_or_default();
        let graph = network.graph().with_shares(|name, _| of(name))?;
        Ok(network.with_graph(graph)?)
    }

    fn by_name<T>(&self, of: impl Fn(&Shares) -> T) -> HashMap<&str, T> {
        self.tensors.iter().map(|tensor| (tensor.name.as_str(), of(&tensor.shares))).collect()
    }

    /// The sum of all tensors' penalties.
    pub(super) fn penalty(&self) -> f64 {
        self.tensors.iter().map(|tensor| tensor.shares.penalty(&self.settings.penalty)).sum()
    }

    /// Turns the gradients of the [`attention`](Self::attention) into those of α. `share` of the penalty's
    /// gradient is added.
    pub(super) fn pull_back(
        &self,
        network: &Network,
        of_attention: Vec<Vec<f64>>,
        share: f64,
        gradients: &mut Gradients,
    ) {
        let device = network.params().device();
        let mixtures = self.tensors.iter().filter(|tensor| tensor.shares.values.len() > 1);
        for (tensor, of_shares) in mixtures.zip(of_attention) {
            let found = tensor.shares.of_alpha(of_shares, &self.settings.penalty, share);
            let Some((id, gradient)) = found else { continue };
            let len = gradient.len();
            gradients.add(id, Tensor::from_data(TensorData::new(gradient, [len]), device));
        }
    }
}

/// Adds the gradient of `decay / 2 · clip²` to that of each clip of PACT, `share` of it: from inside its range a
/// clip has no gradient, and would stay near the largest value.
pub(super) fn decay_clips(network: &Network, decay: f64, share: f64, gradients: &mut Gradients) {
    let params = network.params();
    let branches = network.graph().quantizers().flat_map(|(_, _, quantize)| &quantize.branches);
    let clips = branches.filter(|it| matches!(it.quantizer, ActivationQuantizer::Pact { .. }));
    for id in clips.filter_map(|branch| branch.scale) {
        if decay > 0.0 && params.get(id).is_trainable() {
            gradients.add(id, params.get(id).value().mul_scalar(decay * share));
        }
    }
}

/// Keeps learnt clips and steps positive.
///
/// # Errors
/// When the network is inconsistent in itself.
pub(super) fn keep_positive(network: &mut Network) -> Result<()> {
    let scales = network.graph().quantizers().flat_map(|(_, _, quantize)| &quantize.branches);
    let scales: Vec<_> = scales.filter_map(|branch| branch.scale).collect();
    for id in scales {
        if network.params().to_values(id).iter().any(|scale| *scale < SMALLEST_SCALE) {
            network.params_mut().set_values(id, vec![SMALLEST_SCALE])?;
        }
    }
    Ok(())
}
