//! What a plan holds, and what its passes leave for each other.

use super::memory::{ValueGradients, Values};
use super::step::Step;
use crate::lowering::{Value, ValueId};
use crate::node_id::NodeId;
use crate::op::KeptBits;
use ocelli_kernels::quantize::FakeQuantizer;
use ocelli_kernels::{Norm, Statistics};

/// What is wanted of a plan beside values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wants {
    /// Whether normalisations use their batch and dropout is on.
    pub(crate) training: bool,
    /// Whether the gradients of trainable parameters are wanted.
    pub(crate) params: bool,
    /// Whether those of the given values are.
    pub(crate) inputs: bool,
}

/// The steps of a route's forward and backward pass for one shape of inputs, with their memory.
pub(crate) struct TrainPlan {
    pub(super) steps: Vec<Step>,
    pub(super) layout: Vec<Value>,
    /// Whether anything whose gradient is wanted stands before each value.
    pub(super) needs_gradient: Vec<bool>,
    pub(super) given: Vec<ValueId>,
    pub(super) wanted: Vec<ValueId>,
    pub(super) batch: usize,
    pub(super) values: Values,
    pub(super) gradients: ValueGradients,
    pub(super) saved: Vec<Saved>,
}

/// What a step of the forward pass leaves for its backward pass.
#[derive(Default)]
pub(super) enum Saved {
    #[default]
    Nothing,
    /// The statistics of a convolution's output, until the normalisation takes them.
    Statistics(Statistics),
    /// A normalisation with its batch's statistics.
    Norm(Norm),
    /// Which values a dropout kept.
    Kept(KeptBits),
    /// The factors of a stochastic depth, `[batch, channels]`.
    Gates(Vec<f32>),
    /// The quantizers with their numbers of this step.
    Quantizers(Vec<FakeQuantizer>),
}

/// What an operation saw of a batch.
pub(crate) struct SeenStatistics {
    pub(crate) node: NodeId,
    pub(crate) seen: SeenValues,
}

/// What there is to see.
pub(crate) enum SeenValues {
    /// What a normalisation saw, and of how many pixels.
    Moments { statistics: Statistics, count: usize },
    /// What a quantization saw: as [`Seen::Range`](crate::Seen::Range).
    Range(Vec<f32>),
}
