//! The mean over height and width.

use super::operation::{Operation, Run, first};
use super::shape::Shape;
use super::unary::{Changed, ImageKernel, Spread, Taped, UnaryKernel, effort};
use crate::Result;
use burn::tensor::Tensor;
use ocelli_kernels::{Rows, RowsMut, Write};

/// The mean over height and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlobalAvgPool;

impl Operation for GlobalAvgPool {
    fn output_shape(&self, _: &str, image: Shape, inputs: &[Shape]) -> Result<Shape> {
        Ok(Shape::vector(inputs.first().unwrap_or(&image).channels))
    }

    fn run(&self, inputs: Vec<Tensor<4>>, _: &mut Run<'_, '_>) -> Tensor<4> {
        first(inputs).mean_dim(3).mean_dim(2)
    }

    fn makes_vectors(&self) -> bool {
        true
    }

    fn kernel(&self, _: Shape, _: Shape) -> Option<Box<dyn UnaryKernel>> {
        Some(Box::new(Mean))
    }
}

#[derive(Debug)]
struct Mean;

impl UnaryKernel for Mean {
    fn label(&self) -> &'static str {
        "mean"
    }

    fn forward(&self, _: usize, x: Rows<'_>, y: RowsMut<'_>) {
        ocelli_kernels::mean(x, y);
    }

    fn backward(&self, _: usize, taped: Taped<'_>, dx: RowsMut<'_>, write: Write) {
        ocelli_kernels::mean_gradient(taped.dy, dx, write);
    }

    fn spread(&self) -> Spread<'_> {
        Spread::Image(self)
    }

    fn effort(&self, inputs: f64, _: f64) -> f64 {
        effort::SINGLE * inputs
    }
}

impl ImageKernel for Mean {
    /// The mean moves by the mean of the differences.
    fn update(&self, image: &dyn Changed, old: &[f32], y: &mut [f32]) {
        let factor = 1.0 / image.pixels() as f32;
        y.fill(0.0);
        image.for_each(&mut |pixel| {
            let sums = y[pixel.first_channel..].iter_mut();
            for ((sum, new), old) in sums.zip(pixel.new).zip(pixel.old) {
                *sum += new - old;
            }
        });
        y.iter_mut().zip(old).for_each(|(mean, old)| *mean = *mean * factor + old);
    }
}
