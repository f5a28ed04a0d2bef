//! What dropout and stochastic depth keep.

use crate::node_id::NodeId;
use crate::pass::Drops;
use burn::tensor::{Tensor, TensorData};
use ocelli_kernels::{Rows, RowsMut, Write};
use ocelli_random::Purpose;
use rand::RngExt;
use rayon::prelude::*;

/// What is kept, for a kernel: a bit for each value, channels last.
pub(crate) struct KeptBits {
    /// `[batch · pixels, ⌈channels / 8⌉]`, the lowest bit of a byte first.
    bits: Vec<u8>,
    channels: usize,
    factor: f32,
}

impl KeptBits {
    /// Those of [`keep_mask`] with as many channels and pixels in each sample.
    pub(crate) fn new(
        node: NodeId,
        [channels, pixels]: [usize; 2],
        probability: f64,
        batch: usize,
        drops: Drops,
    ) -> Self {
        let width = channels.div_ceil(8);
        let mut bits = vec![0_u8; batch * pixels * width];
        bits.par_chunks_mut((pixels * width).max(1)).enumerate().for_each(|(row, bits)| {
            let mut is_kept = draws(node, row, probability, drops);
            for channel in 0..channels {
                let (byte, bit) = (channel / 8, channel % 8);
                for pixel in bits.chunks_exact_mut(width) {
                    pixel[byte] |= u8::from(is_kept()) << bit;
                }
            }
        });
        Self { bits, channels, factor: factor(probability) }
    }

    /// `y = x · mask`
    pub(crate) fn multiply(&self, x: Rows<'_>, y: RowsMut<'_>, write: Write) {
        let bits = Rows::dense(&self.bits, self.channels.div_ceil(8));
        ocelli_kernels::keep(x, bits, self.factor, y, write);
    }
}

/// Whether each value of a sample is kept, one after the other.
fn draws(node: NodeId, row: usize, probability: f64, drops: Drops) -> impl FnMut() -> bool {
    let position = ((drops.first_row + row as u64) << 20) | node.0 as u64;
    let mut rng = drops.seed.stream(Purpose::DROP, drops.step, position);
    move || rng.random::<f64>() >= probability
}

/// What kept values are multiplied by, so that the expectation stays.
fn factor(probability: f64) -> f32 {
    (1.0 - probability).recip() as f32
}

/// One factor per value of `shape` and sample: zero with `probability`, else the reciprocal of the
/// share that is kept.
pub(crate) fn keep_mask(
    node: NodeId,
    shape: [usize; 3],
    probability: f64,
    batch: usize,
    drops: Drops,
) -> Vec<f32> {
    let factor = factor(probability);
    let length: usize = shape.iter().product();
    let mut mask = vec![0.0; batch * length];
    mask.par_chunks_mut(length.max(1)).enumerate().for_each(|(row, factors)| {
        let mut is_kept = draws(node, row, probability, drops);
        factors.fill_with(|| if is_kept() { factor } else { 0.0 });
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
