//! What a plan consists of.

use crate::lowering::{ConvolutionKind, Value, ValueId};
use crate::node_id::NodeId;
use crate::op::{BatchNorm, Quantize, UnaryKernel};
use crate::parameter::ParamId;
use ocelli_kernels::{Activation, Geometry};

impl Step {
    /// The value that it makes.
    pub(super) fn output(&self) -> ValueId {
        match self {
            Self::Convolve { y, .. }
            | Self::Normalise { y, .. }
            | Self::Detach { z: y, .. }
            | Self::Unary { y, .. }
            | Self::Add { y, .. }
            | Self::Join { y, .. }
            | Self::Scale { y, .. }
            | Self::Drop { y, .. }
            | Self::Quantize { y, .. } => *y,
        }
    }

    /// What a profile calls it: its kind, and what its cost depends on.
    pub(super) fn label(&self, layout: &[Value]) -> String {
        let output = layout[self.output().0];
        let kind = match self {
            Self::Convolve { convolution: ConvolutionKind::Dense(conv), .. } => {
                let kind = if conv.geometry.is_pointwise() { "pointwise" } else { "dense" };
                return window_label(kind, conv.geometry, [conv.in_channels, conv.out_channels]);
            }
            Self::Convolve { convolution: ConvolutionKind::Depthwise(conv), .. } => {
                return window_label("depthwise", conv.geometry, [conv.channels; 2]);
            }
            Self::Convolve { convolution: ConvolutionKind::Grouped(grouped), .. } => {
                let conv = grouped.conv;
                let channels = [conv.in_channels, conv.out_channels].map(|c| c * grouped.groups);
                return window_label("grouped", conv.geometry, channels);
            }
            Self::Normalise { activation: Some(activation), .. } => {
                return format!("norm+{activation:?} {}x{}", output.pixels, output.channels);
            }
            Self::Normalise { .. } => "norm",
            Self::Detach { .. } => "detach",
            Self::Unary { kernel, .. } => kernel.label(),
            Self::Add { .. } => "add",
            Self::Join { .. } => "join",
            Self::Scale { .. } => "scale",
            Self::Drop { .. } => "drop",
            Self::Quantize { .. } => "quantize",
        };
        format!("{kind} {}x{}", output.pixels, output.channels)
    }
}

fn window_label(kind: &str, geometry: Geometry, [inputs, outputs]: [usize; 2]) -> String {
    let Geometry { rows, columns, .. } = geometry;
    let (height, width) = (rows.window.kernel, columns.window.kernel);
    let (stride, size) = (rows.window.stride, (rows.input, columns.input));
    format!("{kind} {height}x{width}/{stride} {inputs}-{outputs} @{}x{}", size.0, size.1)
}

/// One operation on values.
#[derive(Debug)]
pub(super) enum Step {
    Convolve {
        x: ValueId,
        y: ValueId,
        convolution: ConvolutionKind,
        weight: ParamId,
        bias: Option<ParamId>,
        learns_weight: bool,
        learns_bias: bool,
        /// The next step is a normalisation that wants the statistics of `y`.
        takes_statistics: bool,
        /// The gradient of `y` stands where `y` stood.
        gradient_in_place: bool,
    },
    /// y = activation(norm(z)); backward writes the gradient of `z` over `z`.
    Normalise {
        z: ValueId,
        y: ValueId,
        node: NodeId,
        norm: BatchNorm,
        activation: Option<Activation>,
        learns_weight: bool,
        learns_bias: bool,
        /// The running statistics are used instead of the batch's.
        frozen: bool,
        /// The step before it made `z` and its statistics.
        follows_convolution: bool,
    },
    /// z = x, for a normalisation to overwrite.
    Detach {
        x: ValueId,
        z: ValueId,
    },
    /// y = kernel(x)
    Unary {
        x: ValueId,
        y: ValueId,
        kernel: Box<dyn UnaryKernel>,
    },
    Add {
        a: ValueId,
        b: ValueId,
        y: ValueId,
    },
    /// A concatenation whose parts already stand side by side.
    Join {
        parts: Vec<ValueId>,
        y: ValueId,
    },
    Scale {
        x: ValueId,
        gate: ValueId,
        y: ValueId,
    },
    Drop {
        x: ValueId,
        y: ValueId,
        node: NodeId,
        probability: f64,
        /// One factor for all channels of a sample.
        whole_sample: bool,
    },
    /// y = Σ attention · quantizers(x)
    Quantize {
        x: ValueId,
        attention: Option<ValueId>,
        y: ValueId,
        node: NodeId,
        quantize: Box<Quantize>,
        /// The batch's range is observed.
        observes: bool,
        /// Whether the scale of each quantizer learns.
        learns: Vec<bool>,
    },
}
