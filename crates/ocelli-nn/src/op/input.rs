//! The input image.

use super::operation::{Operation, Run, first};
use super::shape::Shape;
use crate::Result;
use burn::tensor::Tensor;

/// The input image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input;

impl Operation for Input {
    fn output_shape(&self, layer: &str, image: Shape, _: &[Shape]) -> Result<Shape> {
        if image.is_empty() { Err(image.refuse(layer, "it has no pixels")) } else { Ok(image) }
    }

    fn run(&self, inputs: Vec<Tensor<4>>, _: &mut Run<'_, '_>) -> Tensor<4> {
        first(inputs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_without_pixels_is_refused() {
        let image = Shape { channels: 3, height: 0, width: 7 };
        let error = Input.output_shape("input", image, &[]);
        let message = error.map_err(|e| e.to_string());
        assert!(message.is_err_and(|message| message.ends_with("[3, 0, 7]: it has no pixels")));
    }
}
