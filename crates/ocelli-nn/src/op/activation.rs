//! Element-wise activations.

use super::operation::{Operation, Run, first};
use super::shape::Shape;
use super::unary::{Taped, UnaryKernel, effort};
use crate::Result;
use burn::tensor::{Tensor, activation};
use ocelli_kernels::{Rows, RowsMut, Write};

/// An element-wise activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// max(x, 0)
    Relu,
    /// min(max(x, 0), 6)
    Relu6,
    /// x · sigmoid(x), also called swish.
    Silu,
    /// 1 / (1 + exp(−x))
    Sigmoid,
    /// relu6(x + 3) / 6
    HardSigmoid,
}

impl Operation for Activation {
    fn output_shape(&self, _: &str, image: Shape, inputs: &[Shape]) -> Result<Shape> {
        Ok(inputs.first().copied().unwrap_or(image))
    }

    fn run(&self, inputs: Vec<Tensor<4>>, _: &mut Run<'_, '_>) -> Tensor<4> {
        let x = first(inputs);
        match self {
            Self::Relu => activation::relu(x),
            Self::Relu6 => x.clamp(0.0, 6.0),
            Self::Silu => activation::silu(x),
            Self::Sigmoid => activation::sigmoid(x),
            Self::HardSigmoid => x.add_scalar(3.0).clamp(0.0, 6.0).div_scalar(6.0),
        }
    }

    fn may_write_part(&self) -> bool {
        true
    }

    fn kernel(&self, _: Shape, _: Shape) -> Option<Box<dyn UnaryKernel>> {
        Some(Box::new(Activate(self.to_kernel())))
    }
}

impl Activation {
    /// The kernels' name of it, for those that fuse it with what stands before.
    pub(crate) fn to_kernel(self) -> ocelli_kernels::Activation {
        match self {
            Self::Relu => ocelli_kernels::Activation::Relu,
            Self::Relu6 => ocelli_kernels::Activation::Relu6,
            Self::Silu => ocelli_kernels::Activation::Silu,
            Self::Sigmoid => ocelli_kernels::Activation::Sigmoid,
            Self::HardSigmoid => ocelli_kernels::Activation::HardSigmoid,
        }
    }
}

#[derive(Debug)]
struct Activate(ocelli_kernels::Activation);

impl UnaryKernel for Activate {
    fn label(&self) -> &'static str {
        "activation"
    }

    fn forward(&self, _: usize, x: Rows<'_>, y: RowsMut<'_>) {
        ocelli_kernels::activate(x, self.0, y);
    }

    fn backward(&self, _: usize, taped: Taped<'_>, dx: RowsMut<'_>, write: Write) {
        ocelli_kernels::activation_gradient(taped.x, taped.dy, self.0, dx, write);
    }

    fn effort(&self, _: f64, outputs: f64) -> f64 {
        effort::SINGLE * outputs
    }
}
