//! All axes but the batch joined.

use super::operation::{Operation, Run, first};
use super::shape::Shape;
use super::unary::{Changed, ImageKernel, Spread, Taped, UnaryKernel, effort};
use crate::Result;
use burn::tensor::Tensor;
use ocelli_kernels::{Rows, RowsMut, Write};

/// All axes but the batch joined, in the order channel, row, column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flatten;

impl Operation for Flatten {
    fn output_shape(&self, _: &str, image: Shape, inputs: &[Shape]) -> Result<Shape> {
        Ok(Shape::vector(inputs.first().unwrap_or(&image).len()))
    }

    fn run(&self, inputs: Vec<Tensor<4>>, _: &mut Run<'_, '_>) -> Tensor<4> {
        let x = first(inputs);
        let [batch, channels, height, width] = x.dims();
        x.reshape([batch, channels * height * width, 1, 1])
    }

    /// One pixel is flat already.
    fn is_identity(&self, input: Shape, _: bool) -> bool {
        input.height * input.width == 1
    }

    fn makes_vectors(&self) -> bool {
        true
    }

    fn kernel(&self, _: Shape, _: Shape) -> Option<Box<dyn UnaryKernel>> {
        Some(Box::new(Flattening))
    }
}

#[derive(Debug)]
struct Flattening;

impl UnaryKernel for Flattening {
    fn label(&self) -> &'static str {
        "flatten"
    }

    fn forward(&self, _: usize, x: Rows<'_>, y: RowsMut<'_>) {
        ocelli_kernels::flatten(x, y);
    }

    fn backward(&self, _: usize, taped: Taped<'_>, dx: RowsMut<'_>, write: Write) {
        ocelli_kernels::flatten_gradient(taped.dy, dx, write);
    }

    fn spread(&self) -> Spread<'_> {
        Spread::Image(self)
    }

    fn effort(&self, _: f64, outputs: f64) -> f64 {
        effort::SCATTERED * outputs
    }
}

impl ImageKernel for Flattening {
    fn update(&self, image: &dyn Changed, old: &[f32], y: &mut [f32]) {
        let (pixels, width) = (image.pixels(), image.width());
        y.copy_from_slice(&old[..y.len()]);
        image.for_each(&mut |pixel| {
            let at = pixel.first_channel * pixels + pixel.row * width + pixel.column;
            let flat = y[at..].iter_mut().step_by(pixels);
            flat.zip(pixel.new).for_each(|(to, from)| *to = *from);
        });
    }
}
