//! Values side by side on the channel axis. In plans the parts write into their channels of the whole.

use super::operation::{Operation, Run};
use super::shape::Shape;
use super::unary::{Taped, UnaryKernel, effort};
use crate::Result;
use burn::tensor::Tensor;
use ocelli_kernels::{Rows, RowsMut, Write};

/// The inputs one after another on the channel axis, of which the first `keep` channels stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concat {
    /// How many channels the result has.
    pub keep: usize,
}

impl Operation for Concat {
    fn output_shape(&self, layer: &str, _: Shape, inputs: &[Shape]) -> Result<Shape> {
        let keep = self.keep;
        let Some(&first) = inputs.first() else { return Ok(Shape::vector(keep)) };
        let differs = |other: &&Shape| [other.height, other.width] != [first.height, first.width];
        if let Some(other) = inputs.iter().find(differs) {
            return Err(other.refuse(layer, format!("it stands beside {first:?}")));
        }
        let all: usize = inputs.iter().map(|input| input.channels).sum();
        let whole = Shape { channels: all, ..first };
        if keep > all {
            return Err(whole.refuse(layer, format!("it keeps {keep} channels")));
        }
        Ok(Shape { channels: keep, ..first })
    }

    fn run(&self, inputs: Vec<Tensor<4>>, _: &mut Run<'_, '_>) -> Tensor<4> {
        let joined = Tensor::cat(inputs, 1);
        if joined.dims()[1] == self.keep { joined } else { joined.narrow(1, 0, self.keep) }
    }

    fn out_channels(&self, _: usize) -> usize {
        self.keep
    }
}

/// A part that could not be written there, or what a normalisation overwrites in training.
#[derive(Debug)]
pub(crate) struct Copy;

impl UnaryKernel for Copy {
    fn label(&self) -> &'static str {
        "copy"
    }

    fn forward(&self, _: usize, x: Rows<'_>, y: RowsMut<'_>) {
        ocelli_kernels::copy(x, y, Write::Replace);
    }

    fn backward(&self, _: usize, taped: Taped<'_>, dx: RowsMut<'_>, write: Write) {
        ocelli_kernels::copy(taped.dy, dx, write);
    }

    fn effort(&self, _: f64, outputs: f64) -> f64 {
        effort::SINGLE * outputs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_different_sizes_do_not_stand_side_by_side() {
        let [one, other] = [17, 16].map(|size| Shape { channels: 4, height: size, width: size });
        let reason = |keep, inputs: &[Shape]| {
            Concat { keep }.output_shape("layer", one, inputs).unwrap_err().to_string()
        };
        let message = reason(8, &[one, other]);
        assert!(message.contains("shape [4, 16, 16]: it stands beside"), "{message}");
        let message = reason(9, &[one, one]);
        assert!(message.contains("shape [8, 17, 17]: it keeps 9 channels"), "{message}");
    }
}
