//! Stochastic depth (Huang et al. 2016).

use super::keep_mask::{keep_mask, multiply};
use super::operation::{Operation, Run, first};
use super::shape::Shape;
use crate::Result;
use burn::tensor::Tensor;

/// Stochastic depth: the whole value of a sample is zeroed, in training only.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DropPath {
    /// The share of samples that are zeroed.
    pub probability: f64,
}

impl Operation for DropPath {
    fn output_shape(&self, _: &str, image: Shape, inputs: &[Shape]) -> Result<Shape> {
        Ok(inputs.first().copied().unwrap_or(image))
    }

    fn run(&self, inputs: Vec<Tensor<4>>, run: &mut Run<'_, '_>) -> Tensor<4> {
        let x = first(inputs);
        let Some(train) = run.pass.training() else { return x };
        let mask = keep_mask(run.node, [1; 3], self.probability, x.dims()[0], train.drops());
        multiply(x, mask, [1; 3])
    }

    fn is_identity(&self, _: Shape, training: bool) -> bool {
        !training || self.probability == 0.0
    }
}
