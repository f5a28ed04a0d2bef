//! Values of length 1: the L2 normalisation of each pixel's channels.

use super::operation::{Operation, Run, first};
use super::shape::Shape;
use super::unary::{Taped, UnaryKernel, effort};
use crate::Result;
use burn::tensor::Tensor;
use ocelli_kernels::{Rows, RowsMut, Write, unit, unit_gradient};

/// What a length is at least, as in `torch.nn.functional.normalize`.
const EPSILON: f32 = 1e-12;

/// Each pixel's channels divided by their length, `x / max(‖x‖, 10⁻¹²)`: what an embedding is compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit;

impl Operation for Unit {
    fn output_shape(&self, _: &str, image: Shape, inputs: &[Shape]) -> Result<Shape> {
        Ok(inputs.first().copied().unwrap_or(image))
    }

    /// The root of a sum of zeros has no derivative; where a pixel is that short, it is divided by the
    /// constant instead.
    fn run(&self, inputs: Vec<Tensor<4>>, _: &mut Run<'_, '_>) -> Tensor<4> {
        let x = first(inputs);
        let square = (x.clone() * x.clone()).sum_dim(1);
        let least = EPSILON * EPSILON;
        x / square.clamp_min(least).sqrt()
    }

    fn kernel(&self, _: Shape, _: Shape) -> Option<Box<dyn UnaryKernel>> {
        Some(Box::new(UnitLength))
    }
}

#[derive(Debug)]
struct UnitLength;

impl UnaryKernel for UnitLength {
    fn label(&self) -> &'static str {
        "unit"
    }

    fn forward(&self, _: usize, x: Rows<'_>, y: RowsMut<'_>) {
        unit(x, EPSILON, y);
    }

    fn backward(&self, _: usize, taped: Taped<'_>, dx: RowsMut<'_>, write: Write) {
        unit_gradient(taped.x, taped.dy, EPSILON, dx, write);
    }

    fn effort(&self, _: f64, outputs: f64) -> f64 {
        effort::SINGLE * outputs
    }
}
