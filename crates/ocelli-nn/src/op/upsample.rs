//! Nearest-neighbour enlargement.

use super::operation::{Operation, Run, first};
use super::shape::Shape;
use super::unary::{Spread, Taped, UnaryKernel, effort};
use crate::Result;
use burn::tensor::Tensor;
use ocelli_kernels::{Rows, RowsMut, Write};

/// Each pixel repeated in both directions, as decoders enlarge their maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upsample {
    /// How often.
    pub factor: usize,
}

impl Operation for Upsample {
    fn output_shape(&self, layer: &str, image: Shape, inputs: &[Shape]) -> Result<Shape> {
        let x = inputs.first().copied().unwrap_or(image);
        if !(1..=64).contains(&self.factor) {
            return Err(x.refuse(layer, format!("its factor is {}, expected 1 to 64", self.factor)));
        }
        Ok(Shape { height: x.height * self.factor, width: x.width * self.factor, ..x })
    }

    fn run(&self, inputs: Vec<Tensor<4>>, _: &mut Run<'_, '_>) -> Tensor<4> {
        let x = first(inputs);
        let [batch, channels, height, width] = x.dims();
        let factor = self.factor;
        let lines = x.reshape([batch * channels * height, 1, width, 1]);
        let lines = lines.repeat(&[1, factor, 1, factor]);
        lines.reshape([batch, channels, height * factor, width * factor])
    }

    fn is_identity(&self, _: Shape, _: bool) -> bool {
        self.factor == 1
    }

    fn kernel(&self, input: Shape, _: Shape) -> Option<Box<dyn UnaryKernel>> {
        let kernel = ocelli_kernels::Upsample { width: input.width, factor: self.factor };
        Some(Box::new(Enlarge(kernel)))
    }
}

#[derive(Debug)]
struct Enlarge(ocelli_kernels::Upsample);

impl UnaryKernel for Enlarge {
    fn label(&self) -> &'static str {
        "upsample"
    }

    fn forward(&self, _: usize, x: Rows<'_>, y: RowsMut<'_>) {
        self.0.forward(x, y);
    }

    fn backward(&self, _: usize, taped: Taped<'_>, dx: RowsMut<'_>, write: Write) {
        self.0.backward(taped.dy, dx, write);
    }

    fn spread(&self) -> Spread<'_> {
        Spread::Everywhere
    }

    fn effort(&self, _: f64, outputs: f64) -> f64 {
        effort::SINGLE * outputs
    }
}
