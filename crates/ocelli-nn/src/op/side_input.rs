//! Vectors that are given beside the image.

use super::operation::{Operation, Run, first};
use super::shape::Shape;
use crate::Result;
use burn::tensor::Tensor;

/// A vector that a route is given beside its image: the attention to several quantizers, say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SideInput {
    /// How many values it has.
    pub channels: usize,
}

impl Operation for SideInput {
    fn output_shape(&self, _: &str, _: Shape, _: &[Shape]) -> Result<Shape> {
        Ok(Shape::vector(self.channels))
    }

    fn run(&self, inputs: Vec<Tensor<4>>, _: &mut Run<'_, '_>) -> Tensor<4> {
        first(inputs)
    }

    fn out_channels(&self, _: usize) -> usize {
        self.channels
    }
}
