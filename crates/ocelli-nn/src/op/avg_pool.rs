//! The mean over a window.

use super::operation::{Operation, Run, first};
use super::shape::Shape;
use super::unary::{Spread, Taped, UnaryKernel, WindowKernel, effort};
use super::window::Pool;
use crate::Result;
use burn::tensor::ops::AvgPoolOptions;
use burn::tensor::{Tensor, module};
use ocelli_kernels::{Axis, Geometry, Patches, Rows, RowsMut, Write, avg_pool_patches};

/// The mean over a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvgPool(pub Pool);

impl Operation for AvgPool {
    fn output_shape(&self, layer: &str, image: Shape, inputs: &[Shape]) -> Result<Shape> {
        self.0.output_shape(layer, inputs.first().copied().unwrap_or(image))
    }

    fn run(&self, inputs: Vec<Tensor<4>>, _: &mut Run<'_, '_>) -> Tensor<4> {
        let options = AvgPoolOptions {
            kernel_size: self.0.kernel,
            stride: self.0.stride,
            padding: self.0.padding.map(|zeros| (zeros, zeros)),
            count_include_pad: false,
            ceil_mode: false,
        };
        module::avg_pool2d(first(inputs), options)
    }

    fn kernel(&self, input: Shape, output: Shape) -> Option<Box<dyn UnaryKernel>> {
        Some(Box::new(Means(self.0.geometry([input, output]))))
    }
}

#[derive(Debug)]
struct Means(Geometry);

impl UnaryKernel for Means {
    fn label(&self) -> &'static str {
        "average pool"
    }

    fn forward(&self, batch: usize, x: Rows<'_>, y: RowsMut<'_>) {
        ocelli_kernels::avg_pool(Geometry { batch, ..self.0 }, x, y);
    }

    fn backward(&self, batch: usize, taped: Taped<'_>, dx: RowsMut<'_>, write: Write) {
        ocelli_kernels::avg_pool_gradient(Geometry { batch, ..self.0 }, taped.dy, dx, write);
    }

    fn spread(&self) -> Spread<'_> {
        Spread::Windows(self)
    }

    fn effort(&self, _: f64, outputs: f64) -> f64 {
        effort::POOLING * outputs * self.0.taps() as f64
    }
}

impl WindowKernel for Means {
    fn geometry(&self) -> Geometry {
        self.0
    }

    fn patches(
        &self,
        patches: &Patches<'_>,
        positions: &mut dyn Iterator<Item = [usize; 2]>,
        y: RowsMut<'_>,
    ) {
        let shares: Vec<f32> = positions.map(|position| tap_share(self.0, position)).collect();
        avg_pool_patches(patches, &shares, y);
    }
}

/// The share of each tap of an output that is no padding.
fn tap_share(geometry: Geometry, [row, column]: [usize; 2]) -> f32 {
    let inside = |axis: Axis, output: usize| {
        (0..axis.window.kernel).filter(|tap| axis.source(output, *tap).is_some()).count()
    };
    let taps = inside(geometry.rows, row) * inside(geometry.columns, column);
    1.0 / taps.max(1) as f32
}
