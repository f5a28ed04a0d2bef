//! What dropout and stochastic depth keep.

use crate::node_id::NodeId;
use crate::pass::Drops;
use burn::tensor::{Tensor, TensorData};
use ocelli_random::Purpose;
use rand::RngExt;
use rayon::prelude::*;

/// One factor per value of `shape` and sample: zero with `probability`, else the reciprocal of the
/// share that is kept, so that the expectation stays.
pub(crate) fn keep_mask(
    node: NodeId,
    shape: [usize; 3],
    probability: f64,
    batch: usize,
    drops: Drops,
) -> Vec<f32> {
    let scale = (1.0 - probability).recip() as f32;
    let length: usize = shape.iter().product();
    let mut mask = vec![0.0; batch * length];
    mask.par_chunks_mut(length.max(1)).enumerate().for_each(|(row, factors)| {
        let position = ((drops.first_row + row as u64) << 20) | node.0 as u64;
        let mut rng = drops.seed.stream(Purpose::DROP, drops.step, position);
        factors.fill_with(|| {
            let unit: f64 = rng.random();
            if unit < probability { 0.0 } else { scale }
        });
    });
    mask
}

/// `x` times a mask with `shape` for each sample.
pub(super) fn multiply(
    x: Tensor<4>,
    mask: Vec<f32>,
    [channels, height, width]: [usize; 3],
) -> Tensor<4> {
    let shape = [x.dims()[0], channels, height, width];
    let mask = Tensor::<4>::from_data(TensorData::new(mask, shape), &x.device());
    x * mask
}

#[cfg(test)]
mod tests;
