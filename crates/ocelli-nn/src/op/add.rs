//! The sum of two values. Plans fuse it with the convolution before it and the activation after it.

use super::operation::{Operation, Run};
use super::shape::Shape;
use crate::Result;
use burn::tensor::Tensor;

/// The sum of two values of one shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Add;

impl Operation for Add {
    fn output_shape(&self, layer: &str, image: Shape, inputs: &[Shape]) -> Result<Shape> {
        let first = inputs.first().copied().unwrap_or(image);
        match inputs.iter().find(|other| **other != first) {
            Some(other) => Err(other.refuse(layer, format!("it is added to {first:?}"))),
            None => Ok(first),
        }
    }

    fn run(&self, mut inputs: Vec<Tensor<4>>, _: &mut Run<'_, '_>) -> Tensor<4> {
        let x = inputs.remove(0);
        x + inputs.remove(0)
    }

    fn may_write_part(&self) -> bool {
        true
    }
}
