//! Which layers of a network that was trained with few bits suffer from them.

use ocelli_nn::Network;
use ocelli_nn::parameter::Role;

use super::layers::layer_name;
use crate::Result;

/// What few bits cost each layer.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainedSensitivity {
    /// The loss with all weights in floats.
    pub float_loss: f64,
    /// The loss with all layers quantized, as the network is used.
    pub quantized_loss: f64,
    /// The layers whose weights are others when they are quantized, in running order.
    pub layers: Vec<LayerSensitivity>,
}

/// What few bits cost one layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSensitivity {
    /// Its name.
    pub name: String,
    /// By how much the loss is above that of floats with this layer alone quantized.
    pub added_alone: f64,
    /// By how much it is below that of the quantized network with this layer alone in floats.
    pub saved_in_floats: f64,
}

impl TrainedSensitivity {
    /// Puts the weights of one layer after another from `quantized` into `float`, and the other way round; `loss`
    /// computes the loss of a network. It is asked for both networks first, then twice for each layer.
    ///
    /// # Errors
    /// Those of `loss`, and when the networks are different ones.
    pub fn new<E: From<crate::Error>>(
        float: &Network,
        quantized: &Network,
        mut loss: impl FnMut(&Network) -> Result<f64, E>,
    ) -> Result<Self, E> {
        let (float_loss, quantized_loss) = (loss(float)?, loss(quantized)?);
        let index = quantized.params().index_by_name();
        let mut layers = Vec::new();
        let weights = float.params().iter().filter(|(_, param)| param.spec.role == Role::Weight);
        for (id, param) in weights {
            let name = param.spec.name.as_str();
            let Some(other) = index.get(name).copied() else { continue };
            let (own, few) = (float.params().to_values(id), quantized.params().to_values(other));
            if own == few {
                continue;
            }
            let (mut alone, mut without) = (float.clone(), quantized.clone());
            let network = |error: ocelli_nn::Error| E::from(crate::Error::from(error));
            alone.params_mut().set_values(id, few).map_err(network)?;
            without.params_mut().set_values(other, own).map_err(network)?;
            layers.push(LayerSensitivity {
                name: layer_name(name).to_owned(),
                added_alone: loss(&alone)? - float_loss,
                saved_in_floats: quantized_loss - loss(&without)?,
            });
        }
        Ok(Self { float_loss, quantized_loss, layers })
    }
}
