//! Networks whose weights are on few levels already, as quantization-aware training leaves them.

use super::PostTrainingError;
use super::layers::{FLOAT_BITS, layer_name, weights};
use crate::Result;
use ocelli_nn::{Network, PackedShape, PackedTensor};

/// A network with codes for what is on few levels. Its results are to the bit those of the network that it was
/// made of.
#[derive(Clone, Debug)]
pub struct TrainedLevels {
    /// The network, folded.
    pub network: Network,
    /// Its layers, in running order.
    pub layers: Vec<TrainedLayer>,
}

/// A convolution or linear layer.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainedLayer {
    /// Its name.
    pub name: String,
    /// How many weights it has.
    pub weights: usize,
    /// The fewest bits that tell its levels apart; 32 where it is on none.
    pub bits: u32,
    /// The bytes of codes and levels, or of floats.
    pub bytes: u64,
}

impl TrainedLevels {
    /// Finds the levels of each layer, and folds normalisations.
    ///
    /// # Errors
    /// When no layer is on few levels.
    pub fn new(network: &Network) -> Result<Self> {
        let mut packed = network.clone();
        let ids: Vec<_> = weights(network.params()).map(|(id, _)| id).collect();
        for id in &ids {
            let channels = network.params().get(*id).spec.shape.first().copied().unwrap_or(1);
            let values = network.params().to_values(*id);
            if let Some(codes) = PackedTensor::from_levels(&values, channels) {
                packed.params_mut().set_packed(*id, codes)?;
            }
        }
        let packed = packed.fold_batch_norm()?;
        let layers: Vec<TrainedLayer> = weights(packed.params())
            .map(|(_, param)| {
                let (name, weights) = (layer_name(&param.spec.name).to_owned(), param.spec.len());
                let shape = param.packed().map(PackedTensor::shape);
                let bits = shape.map_or(FLOAT_BITS, |shape| shape.bits.bits());
                let bytes = shape.map_or(size_of::<f32>() * weights, PackedShape::bytes);
                TrainedLayer { name, weights, bits, bytes: bytes as u64 }
            })
            .collect();
        if layers.iter().all(|layer| layer.bits == FLOAT_BITS) {
            return Err(PostTrainingError::NoLevels { layers: layers.len() }.into());
        }
        Ok(Self { network: packed, layers })
    }

    /// Bits per weight, over all layers.
    pub fn mean_bits(&self) -> f64 {
        let weights: usize = self.layers.iter().map(|layer| layer.weights).sum();
        let bits = self.layers.iter().map(|layer| layer.weights as f64 * f64::from(layer.bits));
        bits.sum::<f64>() / weights as f64
    }
}
