//! Two-dimensional convolutions. How they are fused with what follows is the plans' business.

use super::operation::{Operation, OperationCost, Run, first};
use super::shape::Shape;
use super::unary::{Taped, UnaryKernel, effort};
use super::window::{Padding, Window, slide};
use crate::Result;
use crate::parameter::ParamId;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Tensor, module};
use ocelli_kernels::{Rows, RowsMut, Write};

/// A two-dimensional convolution.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv2d {
    /// The kernel, `[out_channels, in_channels / groups, kernel height, kernel width]`.
    pub weight: ParamId,
    /// The bias, `[out_channels]`.
    pub bias: Option<ParamId>,
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the result.
    pub out_channels: usize,
    /// Kernel height and width.
    pub kernel: [usize; 2],
    /// The step in rows and columns.
    pub stride: [usize; 2],
    /// What lies outside the image.
    pub padding: Padding,
    /// The distance of the kernel's taps.
    pub dilation: [usize; 2],
    /// In how many independent groups the channels are.
    pub groups: usize,
}

impl Conv2d {
    /// The window on an axis (0 rows, 1 columns).
    pub fn window(&self, axis: usize) -> Window {
        Window {
            kernel: self.kernel[axis],
            stride: self.stride[axis],
            dilation: self.dilation[axis],
        }
    }
}

impl Operation for Conv2d {
    fn output_shape(&self, layer: &str, image: Shape, inputs: &[Shape]) -> Result<Shape> {
        let first = inputs.first().copied().unwrap_or(image);
        let &Self { in_channels, out_channels, groups, .. } = self;
        if in_channels != first.channels {
            return Err(first.refuse(layer, format!("it takes {in_channels} channels")));
        }
        let divides = |channels: usize| groups != 0 && channels.is_multiple_of(groups);
        if !divides(in_channels) || !divides(out_channels) {
            let channels = format!("{in_channels} and {out_channels} channels");
            let reason = format!("{channels} are not in {groups} equal groups");
            return Err(first.refuse(layer, reason));
        }
        slide(layer, first, self.padding, [self.window(0), self.window(1)], out_channels)
    }

    fn run(&self, inputs: Vec<Tensor<4>>, run: &mut Run<'_, '_>) -> Tensor<4> {
        let x = first(inputs);
        let [_, _, height, width] = x.dims();
        let [kernel_height, kernel_width] = self.kernel;
        let shape =
            [self.out_channels, self.in_channels / self.groups, kernel_height, kernel_width];
        let weight = run.vector(self.weight).reshape(shape);
        let bias = self.bias.map(|id| run.vector(id));
        let padding = [
            self.padding.amounts(0, height, self.window(0)),
            self.padding.amounts(1, width, self.window(1)),
        ];
        let options =
            ConvOptions::new_with_padding(self.stride, padding, self.dilation, self.groups);
        module::conv2d(x, weight, bias, options)
    }

    fn out_channels(&self, _: usize) -> usize {
        self.out_channels
    }

    fn map_params(&mut self, new: &mut dyn FnMut(ParamId) -> ParamId) {
        self.weight = new(self.weight);
        self.bias = self.bias.map(new);
    }

    fn cost(&self, output: Shape) -> Option<OperationCost> {
        let outputs = output.len() as u64;
        let per_output = (self.in_channels / self.groups * self.kernel[0] * self.kernel[1]) as u64;
        let bias = if self.bias.is_some() { self.out_channels as u64 } else { 0 };
        Some(OperationCost {
            kind: "conv",
            params: self.out_channels as u64 * per_output + bias,
            macs: outputs * per_output,
            activations: outputs,
        })
    }

    fn may_write_part(&self) -> bool {
        true
    }
}

/// Each channel several times, for a depthwise convolution with several outputs per channel.
#[derive(Debug)]
pub(crate) struct Repeat;

impl UnaryKernel for Repeat {
    fn label(&self) -> &'static str {
        "repeat"
    }

    fn forward(&self, _: usize, x: Rows<'_>, y: RowsMut<'_>) {
        ocelli_kernels::repeat_channels(x, y);
    }

    fn backward(&self, _: usize, taped: Taped<'_>, dx: RowsMut<'_>, write: Write) {
        ocelli_kernels::repeat_channels_gradient(taped.dy, dx, write);
    }

    fn effort(&self, _: f64, outputs: f64) -> f64 {
        effort::SCATTERED * outputs
    }
}
