//! The layers of a network with codes of every width that they may get.

use super::activations::without_ranges;
use super::{PostTrainingConfig, PostTrainingError};
use crate::Result;
use ocelli_kernels::quantize::{CodeBits, Grid, Levels, Per, Quantizer, Weights, Zero};
use ocelli_nn::parameter::{ParamId, Parameter, Parameters, Role};
use ocelli_nn::weights::PackedLayout;
use ocelli_nn::{Network, PackedTensor};
use std::collections::HashSet;

/// How many names an error shows.
const SHOWN: usize = 4;
/// The bits of a weight that stays as it is.
pub(super) const FLOAT_BITS: u32 = 32;

/// A network whose normalisations are folded, and codes for each of its layers.
#[derive(Clone, Debug)]
pub struct PostTraining {
    float: Network,
    layers: Vec<QuantizedLayer>,
    /// Layers that stay as they are, and how many weights each has.
    kept: Vec<(String, usize)>,
    widths: Vec<u32>,
}

/// A convolution or linear layer that is quantized.
#[derive(Clone, Debug)]
pub struct QuantizedLayer {
    /// Its name.
    pub name: String,
    /// How many weights it has.
    pub weights: usize,
    id: ParamId,
    /// One for each width.
    candidates: Vec<PackedTensor>,
}

impl PostTraining {
    /// Quantizes all layers of `network` to every width that `config` allows.
    ///
    /// # Errors
    /// When a setting is out of range, a pattern is that of no layer, weights are not finite or all the
    /// same, or nothing is left to quantize.
    pub fn new(network: &Network, config: &PostTrainingConfig) -> Result<Self> {
        let widths = config.widths()?;
        let network = &match config.activations {
            None => network.clone(),
            Some(bits) => {
                let kept = kept(network.params(), &config.keep)?;
                let kept = kept.iter().map(|id| layer_name(&network.params().get(*id).spec.name));
                let kept: HashSet<&str> = kept.collect();
                without_ranges(network, bits, |layer| kept.contains(layer))?
            }
        };
        // Why it depends on the sharing is told in the head of `post_training`.
        let base = match config.per {
            Per::Channel => network.fold_batch_norm()?,
            Per::Tensor => network.clone(),
        };
        let float = network.fold_batch_norm()?;
        let kept = kept(base.params(), &config.keep)?;
        let chosen: Vec<ParamId> =
            weights(base.params()).filter(|(id, _)| !kept.contains(id)).map(|(id, _)| id).collect();
        if chosen.is_empty() {
            return Err(PostTrainingError::NothingLeft { layers: kept.len() }.into());
        }
        let index = float.params().index_by_name();
        let mut layers: Vec<QuantizedLayer> = Vec::with_capacity(chosen.len());
        for id in &chosen {
            let spec = &base.params().get(*id).spec;
            let Some(folded) = index.get(spec.name.as_str()) else { continue };
            let (name, weights) = (layer_name(&spec.name).to_owned(), spec.len());
            layers.push(QuantizedLayer { name, weights, id: *folded, candidates: Vec::new() });
        }
        for bits in &widths {
            let mut quantized = base.clone();
            for id in &chosen {
                let packed = quantize(base.params(), *id, *bits, config)?;
                quantized.params_mut().set_packed(*id, packed)?;
            }
            let folded = quantized.fold_batch_norm()?;
            for layer in &mut layers {
                layer.candidates.extend(folded.params().get(layer.id).packed().cloned());
            }
        }
        let kept = weights(base.params()).filter(|(id, _)| kept.contains(id));
        let kept = kept.map(|(_, param)| (layer_name(&param.spec.name), param.spec.len()));
        let kept = kept.map(|(name, len)| (name.to_owned(), len)).collect();
        Ok(Self { float, layers, kept, widths })
    }

    /// The layers that are quantized, in running order.
    pub fn layers(&self) -> &[QuantizedLayer] {
        &self.layers
    }

    /// The layers that stay as they are, and how many weights each has.
    pub fn kept(&self) -> impl Iterator<Item = (&str, usize)> {
        self.kept.iter().map(|(name, weights)| (name.as_str(), *weights))
    }

    /// The widths that layers can have, the fewest bits first.
    pub fn widths(&self) -> &[u32] {
        &self.widths
    }

    /// The network in floats, folded.
    pub fn float(&self) -> &Network {
        &self.float
    }

    /// The network with codes of `bits[layer]`, one of the [`widths`](Self::widths), for each layer; those
    /// without bits stay as they are.
    ///
    /// # Errors
    /// Only when the network is inconsistent in itself.
    pub fn network(&self, bits: &[Option<u32>]) -> Result<Network> {
        let mut network = self.float.clone();
        for (layer, bits) in self.layers.iter().zip(bits) {
            if let Some(packed) = bits.and_then(|bits| self.candidate(layer, bits)) {
                network.params_mut().set_packed(layer.id, packed.clone())?;
            }
        }
        Ok(network)
    }

    /// The layout of the packed file with these bits.
    pub fn layout(&self, bits: &[u32]) -> PackedLayout {
        let shapes = self.layers.iter().zip(bits).map(|(layer, bits)| {
            let name = &self.float.params().get(layer.id).spec.name;
            (name.as_str(), self.candidate(layer, *bits).map(PackedTensor::shape))
        });
        let shapes: std::collections::HashMap<_, _> = shapes.collect();
        PackedLayout::new(self.float.graph(), |spec| {
            shapes.get(spec.name.as_str()).copied().flatten()
        })
    }

    /// The bytes of codes and levels of a layer with so many bits.
    pub fn bytes(&self, layer: &QuantizedLayer, bits: u32) -> u64 {
        self.candidate(layer, bits).map_or(0, |packed| packed.shape().bytes() as u64)
    }

    /// Bits per weight, over all layers; 32 for those that are kept.
    pub fn mean_bits(&self, bits: &[u32]) -> f64 {
        let quantized = self.layers.iter().zip(bits).map(|(layer, bits)| (layer.weights, *bits));
        let kept = self.kept.iter().map(|(_, len)| (*len, FLOAT_BITS));
        let (mut weights, mut all) = (0.0, 0.0);
        for (count, bits) in quantized.chain(kept) {
            weights += count as f64;
            all += count as f64 * f64::from(bits);
        }
        all / weights
    }

    fn candidate<'a>(&self, layer: &'a QuantizedLayer, bits: u32) -> Option<&'a PackedTensor> {
        layer.candidates.get(self.widths.iter().position(|width| *width == bits)?)
    }
}

/// The kernels and matrices of a network.
pub(super) fn weights(params: &Parameters) -> impl Iterator<Item = (ParamId, &Parameter)> {
    params.iter().filter(|(_, param)| param.spec.role == Role::Weight)
}

pub(super) fn layer_name(weight: &str) -> &str {
    weight.strip_suffix(".weight").unwrap_or(weight)
}

/// The weights of layers that match a pattern.
fn kept(params: &Parameters, patterns: &[String]) -> Result<HashSet<ParamId>> {
    let mut kept = HashSet::new();
    for pattern in patterns {
        let matching = params.matching(pattern, layer_name)?;
        let before = kept.len();
        let found: Vec<ParamId> =
            weights(params).map(|(id, _)| id).filter(|id| matching.contains(id)).collect();
        kept.extend(&found);
        if found.is_empty() && kept.len() == before {
            let layers = weights(params).map(|(_, param)| layer_name(&param.spec.name));
            let layers = layers.take(SHOWN).map(str::to_owned).collect();
            return Err(PostTrainingError::NoLayer { pattern: pattern.clone(), layers }.into());
        }
    }
    Ok(kept)
}

fn quantize(
    params: &Parameters,
    id: ParamId,
    bits: u32,
    config: &PostTrainingConfig,
) -> Result<PackedTensor> {
    let (param, per) = (params.get(id), config.per);
    let layer = || layer_name(&param.spec.name).to_owned();
    if let Some(packed) = param.packed() {
        let bits = packed.bits().bits();
        return Err(PostTrainingError::Packed { layer: layer(), bits }.into());
    }
    let values = params.to_values(id);
    if let Some(index) = values.iter().position(|value| !value.is_finite()) {
        let value = values[index];
        return Err(PostTrainingError::NotFinite { layer: layer(), index, value }.into());
    }
    if values.windows(2).all(|pair| pair[0] == pair[1]) {
        let (count, value) = (values.len(), values.first().copied().unwrap_or_default());
        return Err(PostTrainingError::Constant { layer: layer(), count, value }.into());
    }
    let channels = param.spec.shape.first().copied().unwrap_or(1).max(1);
    let quantizer = if bits == 1 { Quantizer::Bwn } else { Quantizer::MinMax { bits } };
    let refused =
        |reason: String| ocelli_nn::Error::Packed { name: param.spec.name.clone(), reason };
    if config.activations.is_some() && bits == SIGNED_BITS {
        let shares = if per == Per::Channel { channels } else { 1 };
        let grids = values.chunks(values.len() / shares).map(symmetric).collect();
        let packed = PackedTensor::quantize(&values, CodeBits::Eight, grids);
        return Ok(packed.map_err(|fault| refused(fault.to_string()))?);
    }
    let weights = Weights::new(&values, channels).map_err(|error| refused(error.to_string()))?;
    let branch = weights.branch(quantizer, per, Zero::Aligned, &[]);
    let grids: Vec<Grid> = branch.levels().iter().filter_map(Levels::grid).collect();
    let packing = CodeBits::for_bits(bits).ok_or(PostTrainingError::Bits { bits })?;
    let codes = branch.codes(&values, channels);
    let packed = PackedTensor::from_codes(&codes, packing, grids);
    Ok(packed.map_err(|fault| refused(fault.to_string()))?)
}

/// The bits of a signed byte. Of fewer bits any levels with zero among them fit into one.
const SIGNED_BITS: u32 = 8;

/// Levels of a signed byte around zero, so that integers stand for them as they are.
fn symmetric(values: &[f32]) -> Grid {
    let most = values.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
    let step = most / f32::from(i8::MAX);
    Grid { offset: f32::from(i8::MIN) * step, step, top: u8::MAX.into() }
}
