//! A value times a gate per channel.

use super::operation::{Operation, Run};
use super::shape::Shape;
use crate::Result;
use burn::tensor::Tensor;

/// The first input times the second, a gate per channel `[batch, channels, 1, 1]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale;

impl Operation for Scale {
    fn output_shape(&self, layer: &str, image: Shape, inputs: &[Shape]) -> Result<Shape> {
        let first = inputs.first().copied().unwrap_or(image);
        match inputs.get(1) {
            Some(gate) if *gate != Shape::vector(first.channels) => {
                Err(gate.refuse(layer, format!("it is a gate of {first:?}")))
            }
            _ => Ok(first),
        }
    }

    fn run(&self, mut inputs: Vec<Tensor<4>>, _: &mut Run<'_, '_>) -> Tensor<4> {
        let x = inputs.remove(0);
        x * inputs.remove(0)
    }

    fn may_write_part(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_is_a_pixel_of_as_many_channels() {
        let x = Shape { channels: 4, height: 5, width: 5 };
        assert!(Scale.output_shape("layer", x, &[x, Shape::vector(4)]).is_ok());
        for gate in [Shape::vector(3), x] {
            let message = Scale.output_shape("layer", x, &[x, gate]).unwrap_err().to_string();
            assert!(message.contains("it is a gate of"), "{message}");
        }
    }
}
