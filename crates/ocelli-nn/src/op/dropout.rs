//! Dropout (Srivastava et al. 2014) of single values.

use super::keep_mask::{keep_mask, multiply};
use super::operation::{Operation, Run, first};
use super::shape::Shape;
use crate::Result;
use burn::tensor::Tensor;

/// Dropout of single values, in training only.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// The share of values that are zeroed.
    pub probability: f64,
}

impl Operation for Dropout {
    fn output_shape(&self, _: &str, image: Shape, inputs: &[Shape]) -> Result<Shape> {
        Ok(inputs.first().copied().unwrap_or(image))
    }

    fn run(&self, inputs: Vec<Tensor<4>>, run: &mut Run<'_, '_>) -> Tensor<4> {
        let x = first(inputs);
        let Some(train) = run.pass.training() else { return x };
        let [batch, channels, height, width] = x.dims();
        let shape = [channels, height, width];
        let mask = keep_mask(run.node, shape, self.probability, batch, train.drops());
        multiply(x, mask, shape)
    }

    fn is_identity(&self, _: Shape, training: bool) -> bool {
        !training || self.probability == 0.0
    }
}
