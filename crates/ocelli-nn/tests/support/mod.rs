//! Images and values for the tests of both engines.

use burn::tensor::{Device, Tensor, TensorData};
use ocelli_random::{Purpose, Seed};
use rand::RngExt;

/// Values in [−1, 1), always the same.
pub(crate) fn noise(shape: [usize; 4]) -> Tensor<4> {
    let mut rng = Seed(9).stream(Purpose::INIT, 0, 0);
    let length = shape.iter().product();
    let values: Vec<f32> = (0..length).map(|_| rng.random::<f32>() * 2.0 - 1.0).collect();
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

/// The elements of a tensor.
pub(crate) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}
