//! What a plan of inference consists of.

use crate::lowering::ValueId;
use crate::op::UnaryKernel;
use ocelli_kernels::{
    Activation, Conv, Depthwise, GroupedConv, Norm, PackedDepthwise, PackedGroups, PackedWeight,
};

/// A convolution or linear layer with its weight. The geometries are those of a single image.
pub(super) enum Kernel {
    Dense(Conv, PackedWeight),
    Depthwise(Depthwise, Box<PackedDepthwise>),
    Grouped(GroupedConv, PackedGroups),
}

/// A kernel and what follows it while its output is in the cache.
pub(super) struct Convolution {
    pub(super) kernel: Kernel,
    pub(super) bias: Option<Vec<f32>>,
    pub(super) activation: Option<Activation>,
}

/// One operation on values.
pub(super) struct Step {
    pub(super) work: StepWork,
    pub(super) x: ValueId,
    /// The gate of a scaling, or what is added.
    pub(super) other: Option<ValueId>,
    pub(super) y: ValueId,
    /// The operation of the graph that it begins with.
    pub(super) node: usize,
}

/// What an operation does.
pub(super) enum StepWork {
    /// y = activation(kernel(x) + bias + other)
    Convolve(Box<Convolution>),
    /// y = activation(norm(x)), where no convolution stands before the normalisation.
    Normalise { norm: Norm, activation: Option<Activation> },
    /// y = activation(x + other)
    Add(Option<Activation>),
    /// y = x · other
    Scale,
    /// y = kernel(x)
    Unary(Box<dyn UnaryKernel>),
}
