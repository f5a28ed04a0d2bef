//! The parameter-free shortcut of the CIFAR ResNets.

use super::operation::{Operation, Run, first};
use super::shape::Shape;
use super::unary::{Spread, Taped, UnaryKernel, WindowKernel, effort};
use super::window::{Padding, Window, geometry};
use crate::Result;
use burn::tensor::{Tensor, s};
use ocelli_kernels::{Geometry, Patches, Rows, RowsMut, Write, pad_shortcut_patches};

/// Every second row and column, with zero channels added before and after: the parameter-free
/// shortcut "option A" of He et al. 2016, section 4.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PadShortcut {
    /// How many channels the result has.
    pub out_channels: usize,
    /// The step in rows and columns.
    pub stride: usize,
}

impl Operation for PadShortcut {
    fn output_shape(&self, layer: &str, image: Shape, inputs: &[Shape]) -> Result<Shape> {
        let first = inputs.first().copied().unwrap_or(image);
        let &Self { out_channels, stride } = self;
        if out_channels < first.channels {
            return Err(first.refuse(layer, format!("it makes {out_channels} channels")));
        }
        if stride == 0 {
            return Err(first.refuse(layer, "its stride is zero"));
        }
        Ok(Shape {
            channels: out_channels,
            height: first.height.div_ceil(stride),
            width: first.width.div_ceil(stride),
        })
    }

    /// As the CIFAR reference does it: `x[:, :, ::2, ::2]` with the new channels split evenly before
    /// and after.
    fn run(&self, inputs: Vec<Tensor<4>>, _: &mut Run<'_, '_>) -> Tensor<4> {
        let &Self { out_channels, stride } = self;
        let x = first(inputs);
        let [batch, channels, height, width] = x.dims();
        let step = stride as isize;
        let sampled = x.slice([s![..], s![..], s![..;step], s![..;step]]);
        let before = (out_channels - channels) / 2;
        let after = out_channels - channels - before;
        let zeros = |count| {
            let shape = [batch, count, height.div_ceil(stride), width.div_ceil(stride)];
            Tensor::zeros(shape, &sampled.device())
        };
        Tensor::cat(vec![zeros(before), sampled.clone(), zeros(after)], 1)
    }

    fn out_channels(&self, _: usize) -> usize {
        self.out_channels
    }

    fn kernel(&self, input: Shape, output: Shape) -> Option<Box<dyn UnaryKernel>> {
        let window = Window { kernel: 1, stride: self.stride, dilation: 1 };
        let padding = Padding::Symmetric([0; 2]);
        Some(Box::new(Shortcut(geometry(1, [input, output], padding, [window; 2]))))
    }
}

#[derive(Debug)]
struct Shortcut(Geometry);

impl UnaryKernel for Shortcut {
    fn label(&self) -> &'static str {
        "pad shortcut"
    }

    fn forward(&self, batch: usize, x: Rows<'_>, y: RowsMut<'_>) {
        ocelli_kernels::pad_shortcut(Geometry { batch, ..self.0 }, x, y);
    }

    fn backward(&self, batch: usize, taped: Taped<'_>, dx: RowsMut<'_>, write: Write) {
        ocelli_kernels::pad_shortcut_gradient(Geometry { batch, ..self.0 }, taped.dy, dx, write);
    }

    fn spread(&self) -> Spread<'_> {
        Spread::Windows(self)
    }

    fn effort(&self, _: f64, outputs: f64) -> f64 {
        effort::SCATTERED * outputs
    }
}

impl WindowKernel for Shortcut {
    fn geometry(&self) -> Geometry {
        self.0
    }

    fn patches(
        &self,
        patches: &Patches<'_>,
        _: &mut dyn Iterator<Item = [usize; 2]>,
        y: RowsMut<'_>,
    ) {
        pad_shortcut_patches(patches, y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortcut_that_contradicts_itself_is_refused() {
        let x = Shape { channels: 4, height: 5, width: 5 };
        for (out_channels, stride, words) in
            [(3, 2, "it makes 3 channels"), (8, 0, "its stride is zero")]
        {
            let shortcut = PadShortcut { out_channels, stride };
            let message = shortcut.output_shape("layer", x, &[x]).unwrap_err().to_string();
            assert!(message.ends_with(words), "{message}");
        }
    }
}
