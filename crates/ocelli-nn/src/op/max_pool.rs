//! The maximum over a window.

use super::operation::{Operation, Run, first};
use super::shape::Shape;
use super::unary::{Spread, Taped, UnaryKernel, WindowKernel, effort};
use super::window::Pool;
use crate::Result;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{Tensor, module};
use ocelli_kernels::{Geometry, Patches, Rows, RowsMut, Write, max_pool_patches};

/// The maximum over a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool(pub Pool);

impl Operation for MaxPool {
    fn output_shape(&self, layer: &str, image: Shape, inputs: &[Shape]) -> Result<Shape> {
        self.0.output_shape(layer, inputs.first().copied().unwrap_or(image))
    }

    fn run(&self, inputs: Vec<Tensor<4>>, _: &mut Run<'_, '_>) -> Tensor<4> {
        let options = MaxPoolOptions {
            kernel_size: self.0.kernel,
            stride: self.0.stride,
            padding: self.0.padding.map(|zeros| (zeros, zeros)),
            dilation: [1, 1],
            ceil_mode: false,
        };
        module::max_pool2d(first(inputs), options)
    }

    fn kernel(&self, input: Shape, output: Shape) -> Option<Box<dyn UnaryKernel>> {
        Some(Box::new(Maxima(self.0.geometry([input, output]))))
    }
}

#[derive(Debug)]
struct Maxima(Geometry);

impl UnaryKernel for Maxima {
    fn label(&self) -> &'static str {
        "max pool"
    }

    fn forward(&self, batch: usize, x: Rows<'_>, y: RowsMut<'_>) {
        ocelli_kernels::max_pool(Geometry { batch, ..self.0 }, x, y);
    }

    fn backward(&self, batch: usize, taped: Taped<'_>, dx: RowsMut<'_>, write: Write) {
        let Taped { x, y, dy } = taped;
        ocelli_kernels::max_pool_gradient(Geometry { batch, ..self.0 }, [x, y, dy], dx, write);
    }

    fn spread(&self) -> Spread<'_> {
        Spread::Windows(self)
    }

    fn effort(&self, _: f64, outputs: f64) -> f64 {
        effort::POOLING * outputs * self.0.taps() as f64
    }
}

impl WindowKernel for Maxima {
    fn geometry(&self) -> Geometry {
        self.0
    }

    /// Padding never is the maximum.
    fn outside(&self) -> f32 {
        f32::NEG_INFINITY
    }

    fn patches(
        &self,
        patches: &Patches<'_>,
        _: &mut dyn Iterator<Item = [usize; 2]>,
        y: RowsMut<'_>,
    ) {
        max_pool_patches(patches, y);
    }
}
