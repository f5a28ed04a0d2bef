//! Which layers are quantized, and what is learnt of each beside its weights.

use super::names::{PREFIX, SECTION};
use super::slices::Slice;
use super::{DqaError, DqaSettings};
use ocelli_kernels::quantize::{Quantizer, Weights};
use ocelli_nn::Network;
use ocelli_nn::graph::{Graph, Node, Op};
use ocelli_nn::parameter::{ParamId, Role};
use ocelli_train::{Error, Result};
use std::collections::BTreeSet;

/// A convolution or linear layer whose weights are quantized.
#[derive(Clone, Debug)]
pub(super) struct QuantizedLayer {
    /// Its name in the graph.
    pub(super) name: String,
    /// Its weights, those of an output channel one after another.
    pub(super) weight: ParamId,
    /// How many output channels there are.
    pub(super) channels: usize,
    /// How many weights.
    pub(super) len: usize,
}

impl QuantizedLayer {
    /// What the parameter of its attention is called.
    pub(super) fn alpha_name(&self) -> String {
        format!("{PREFIX}{}.alpha", self.name)
    }

    /// What the steps of its LSQ quantizer at `k` are called.
    pub(super) fn step_name(&self, k: usize) -> String {
        format!("{PREFIX}{}.step.{k}", self.name)
    }
}

/// All convolutions and linear layers, whose weights are the network's.
fn all_layers(graph: &Graph) -> Vec<QuantizedLayer> {
    let mut seen = BTreeSet::new();
    let mut layers = Vec::new();
    for node in graph.nodes() {
        let (weight, channels) = match &node.op {
            Op::Conv2d(conv) => (conv.weight, conv.out_channels),
            Op::Linear(linear) => (linear.weight, linear.out_features),
            _ => continue,
        };
        if seen.insert(weight) {
            let len = graph.params()[weight.index()].len();
            layers.push(QuantizedLayer { name: node.name.clone(), weight, channels, len });
        }
    }
    layers
}

/// How many weights the whole network has, those of layers that are kept too: S of equation 6.
pub(super) fn weights_of_network(graph: &Graph) -> usize {
    all_layers(graph).iter().map(|layer| layer.len).sum()
}

/// How many weights the layer of that name has.
pub(super) fn weights_of(graph: &Graph, name: &str) -> usize {
    let weight = |node: &Node| match &node.op {
        Op::Conv2d(conv) if node.name == name => Some(conv.weight),
        Op::Linear(linear) if node.name == name => Some(linear.weight),
        _ => None,
    };
    let weight = graph.nodes().iter().find_map(weight);
    weight.map_or(0, |weight| graph.params()[weight.index()].len())
}

/// The layers that are quantized, in the order in which they run.
///
/// # Errors
/// [`Error::Field`] for a pattern of `dqa.keep` that matches no layer, or where they match all.
pub(super) fn quantized_layers(
    graph: &Graph,
    settings: &DqaSettings,
) -> Result<Vec<QuantizedLayer>> {
    if settings.quantizers.is_empty() {
        return Ok(Vec::new());
    }
    let mut layers = all_layers(graph);
    let mut matched = vec![false; settings.keep_patterns.len()];
    for layer in &layers {
        settings.keep.matches(&layer.name).into_iter().for_each(|index| matched[index] = true);
    }
    let refuse =
        |field: String, found: String, expected: String| Error::Field { field, found, expected };
    if let Some(index) = matched.iter().position(|matched| !matched) {
        let names: Vec<&str> = layers.iter().map(|layer| layer.name.as_str()).collect();
        let [first, last] =
            [names.first(), names.last()].map(|name| name.copied().unwrap_or("none"));
        return Err(refuse(
            format!("{SECTION}.keep.{index}"),
            settings.keep_patterns[index].clone(),
            format!("a glob that matches one of the {} layers, `{first}` to `{last}`", names.len()),
        ));
    }
    let count = layers.len();
    layers.retain(|layer| !settings.keep.is_match(&layer.name));
    if layers.is_empty() {
        let found = format!("{:?}, which match all {count} layers", settings.keep_patterns);
        return Err(refuse(
            format!("{SECTION}.keep"),
            found,
            "globs that leave a layer".to_owned(),
        ));
    }
    Ok(layers)
}

/// Adds what is learnt beside the weights: α of each layer, and the steps of LSQ.
///
/// # Errors
/// When a weight is not finite.
pub(super) fn prepare(
    mut network: Network,
    layers: &[QuantizedLayer],
    settings: &DqaSettings,
) -> Result<Network> {
    for layer in layers {
        for (k, quantizer) in settings.quantizers.iter().enumerate() {
            if *quantizer == Quantizer::Float || !quantizer.is_learnt() {
                continue;
            }
            let steps = {
                let values = Slice::new(network.params().get(layer.weight).value());
                let weights = Weights::new(values.as_slice(), layer.channels)
                    .map_err(|error| DqaError::NotFinite { layer: layer.name.clone(), error })?;
                weights.start(*quantizer, settings.per)
            };
            let shape = [steps.len()];
            network = network.with_free(&layer.step_name(k), &shape, Role::Coefficient, steps)?;
        }
        if settings.has_attention(settings.quantizers.len()) {
            let bits: Vec<u32> =
                settings.quantizers.iter().map(|quantizer| quantizer.bits()).collect();
            let alpha = settings.first_alpha(&bits);
            let shape = [alpha.len()];
            network = network.with_free(&layer.alpha_name(), &shape, Role::Coefficient, alpha)?;
        }
    }
    Ok(network)
}
