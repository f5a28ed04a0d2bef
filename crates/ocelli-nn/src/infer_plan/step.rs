//! What a plan of inference consists of.

use ocelli_kernels::{Activation, Conv, Depthwise, Geometry, Norm, PackedDepthwise, PackedWeight};

/// The place of a value in a plan's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ValueId(pub(super) usize);

/// A matrix `[pixels, channels]` per image: some channels of a buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    /// Pixels of one image.
    pub(super) pixels: usize,
    pub(super) channels: usize,
    pub(super) buffer: usize,
    /// The first channel within the buffer's rows.
    pub(super) offset: usize,
    /// The channels of the buffer's rows.
    pub(super) stride: usize,
}

/// A convolution or linear layer with its weight. The geometries are those of a single image.
pub(super) enum Kernel {
    Dense(Conv, PackedWeight),
    Depthwise(Depthwise, PackedDepthwise),
}

/// A kernel and what follows it while its output is in the cache.
pub(super) struct Convolution {
    pub(super) kernel: Kernel,
    pub(super) bias: Option<Vec<f32>>,
    pub(super) activation: Option<Activation>,
}

/// One operation on values.
pub(super) struct Step {
    pub(super) work: Work,
    pub(super) x: ValueId,
    /// The gate of a scaling, or what is added.
    pub(super) other: Option<ValueId>,
    pub(super) y: ValueId,
}

/// What an operation does.
pub(super) enum Work {
    /// y = activation(kernel(x) + bias + other)
    Convolve(Box<Convolution>),
    /// y = activation(norm(x)), where no convolution stands before the normalisation.
    Normalise {
        norm: Norm,
        activation: Option<Activation>,
    },
    Activate(Activation),
    /// y = activation(x + other)
    Add(Option<Activation>),
    Copy,
    /// y = x · other
    Scale,
    Mean,
    MaxPool(Geometry),
    PadShortcut(Geometry),
}
