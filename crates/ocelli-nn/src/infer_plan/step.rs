//! What a plan of inference consists of.

use crate::lowering::ValueId;
use crate::op::UnaryKernel;
use ocelli_kernels::quantize::FakeQuantizer;
use ocelli_kernels::{
    Activation, Conv, Depthwise, GroupedConv, Norm, PackedDepthwise, PackedGroups, PackedWeight,
};

/// A convolution or linear layer with its weight. The geometries are those of a single image.
pub(crate) enum Kernel {
    Dense(Conv, PackedWeight),
    Depthwise(Depthwise, Box<PackedDepthwise>),
    Grouped(GroupedConv, PackedGroups),
}

/// A kernel and what follows it while its output is in the cache.
pub(crate) struct Convolution {
    pub(crate) kernel: Kernel,
    pub(crate) bias: Option<Vec<f32>>,
    pub(crate) activation: Option<Activation>,
}

/// One operation on values.
pub(super) struct Step {
    pub(super) work: StepWork,
    pub(super) x: ValueId,
    /// The gate of a scaling, the attention of a mixture, or what is added.
    pub(super) other: Option<ValueId>,
    pub(super) y: ValueId,
    /// The operation of the graph that it begins with.
    pub(super) node: usize,
}

/// What an operation does.
pub(crate) enum StepWork {
    /// y = activation(kernel(x) + bias + other)
    Convolve(Box<Convolution>),
    /// y = activation(norm(x)), where no convolution stands before the normalisation.
    Normalise { norm: Norm, activation: Option<Activation> },
    /// y = activation(x + other)
    Add(Option<Activation>),
    /// y = x · other
    Scale,
    /// y = Σ other · quantizers(x)
    Mix(Vec<FakeQuantizer>),
    /// y = kernel(x)
    Unary(Box<dyn UnaryKernel>),
}
