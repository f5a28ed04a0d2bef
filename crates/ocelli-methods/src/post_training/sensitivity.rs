//! How much each layer suffers from few bits.

use super::PostTraining;
use crate::Result;
use ocelli_nn::Network;

/// The loss with each layer alone quantized.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensitivity {
    /// The loss of the network in floats.
    pub float_loss: f64,
    /// For each layer, the increase of the loss at each width that was measured.
    pub increases: Vec<Vec<f64>>,
}

impl PostTraining {
    /// Measures the loss with each layer alone quantized to each of its `widths`; `loss` computes it of a
    /// network, on calibration images. It is asked once for the network in floats, then for each layer
    /// and each width in order.
    ///
    /// # Errors
    /// Those of `loss`.
    pub fn sensitivity<E: From<crate::Error>>(
        &self,
        widths: impl Fn(usize) -> Vec<u32>,
        mut loss: impl FnMut(&Network) -> Result<f64, E>,
    ) -> Result<Sensitivity, E> {
        let float_loss = loss(self.float())?;
        let mut increases = Vec::with_capacity(self.layers().len());
        for layer in 0..self.layers().len() {
            let mut of_layer = Vec::new();
            for bits in widths(layer) {
                let mut alone = vec![None; self.layers().len()];
                alone[layer] = Some(bits);
                of_layer.push(loss(&self.network(&alone)?)? - float_loss);
            }
            increases.push(of_layer);
        }
        Ok(Sensitivity { float_loss, increases })
    }
}
