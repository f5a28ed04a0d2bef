//! Between batches and tensors.

use burn::backend::Flex;
use burn::tensor::{Tensor, TensorData};
use ocelli_data::Batch;
use ocelli_nn::Network;

/// The images of a batch where the network is. Takes them out of the batch; [`give_back`] returns them.
///
/// # Shapes
/// - result: `[batch, channels, height, width]`
pub fn images(batch: &mut Batch, network: &Network) -> Tensor<4> {
    let pixels = std::mem::take(&mut batch.images);
    Tensor::from_data(TensorData::new(pixels, batch.shape), network.params().device())
}

/// Returns the images of `batch` when they are done with, so that the loader fills the same memory again
/// instead of asking the system for more. Nothing is copied: what lies on another device, or is still held
/// by others, does not return.
pub fn give_back(batch: &mut Batch, images: Tensor<4>) {
    let Ok(images) = images.without_autodiff().try_into_primitive::<Flex>() else { return };
    if images.is_unique()
        && let Ok(pixels) = images.into_data().try_into_vec::<f32>()
    {
        batch.images = pixels;
    }
}

/// Logits in memory, row after row.
pub(crate) fn values(logits: Tensor<2>) -> Vec<f32> {
    logits.into_data().iter::<f32>().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use ocelli_data::{EvalConfig, EvalTransform, InputConfig, Loader, LoaderConfig};
    use ocelli_data::{OpenOptions, Split, open};
    use std::collections::BTreeSet;
    use std::sync::Arc;

    fn loader() -> Loader {
        let source = open("builtin:fashion-mnist", &OpenOptions::new(Split::Test)).unwrap();
        let input = InputConfig { size: 8, ..InputConfig::default() };
        let transform = EvalTransform::new(input, EvalConfig::default()).unwrap();
        Loader::new(source, Arc::new(transform), LoaderConfig::eval(50)).unwrap()
    }

    fn network() -> Network {
        let model = ocelli_nn::registry::find("resnet20_cifar").unwrap();
        model.network(&model.options(), ocelli_random::Seed(0), &Device::flex()).unwrap()
    }

    /// Where the pixels of each batch are that had `by` done to it, and how many batches there were.
    fn addresses(by: impl Fn(&mut Batch, Tensor<4>)) -> (usize, usize) {
        let (network, mut addresses, mut batches) = (network(), BTreeSet::new(), 0);
        for batch in loader().epoch(0, 0) {
            let mut batch = batch.unwrap();
            addresses.insert(batch.images.as_ptr() as usize);
            let images = images(&mut batch, &network);
            by(&mut batch, images);
            batches += 1;
        }
        (addresses.len(), batches)
    }

    #[test]
    fn buffers_of_batches_return_after_the_network_has_seen_them() {
        let network = network();
        let engine = std::cell::RefCell::new(ocelli_nn::InferenceEngine::new(&network).unwrap());
        let (buffers, batches) = addresses(|batch, images| {
            engine.borrow_mut().logits(images.clone()).unwrap();
            give_back(batch, images);
            assert_eq!(batch.images.len(), batch.shape.iter().product::<usize>());
        });
        // Two are made ahead while the third is looked at.
        assert!(buffers <= 3 && batches == 40, "{buffers} buffers for {batches} batches");
    }

    #[test]
    fn images_that_others_hold_do_not_return() {
        let mut loaded = loader().epoch(0, 0).next().unwrap().unwrap();
        let first = loaded.images[0];
        let images = images(&mut loaded, &network());
        let held = images.clone();
        give_back(&mut loaded, images);
        assert!(loaded.images.is_empty());
        drop(loaded);
        assert_eq!(held.into_data().iter::<f32>().next(), Some(first));
    }
}
