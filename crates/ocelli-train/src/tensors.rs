//! Between batches and tensors.

use burn::tensor::{Tensor, TensorData};
use ocelli_data::Batch;
use ocelli_nn::Network;

/// The images of a batch where the network is. Takes them out of the batch.
///
/// # Shapes
/// - result: `[batch, channels, height, width]`
pub fn images(batch: &mut Batch, network: &Network) -> Tensor<4> {
    let pixels = std::mem::take(&mut batch.images);
    Tensor::from_data(TensorData::new(pixels, batch.shape), network.params().device())
}

/// Logits in memory, row after row.
pub(crate) fn values(logits: Tensor<2>) -> Vec<f32> {
    logits.into_data().iter::<f32>().collect()
}
