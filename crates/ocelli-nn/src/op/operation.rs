//! What every operation can say of itself.

use super::shape::Shape;
use super::unary::UnaryKernel;
use crate::Result;
use crate::node_id::NodeId;
use crate::parameter::{ParamId, Parameters};
use crate::pass::Pass;
use burn::tensor::Tensor;

/// An operation of a graph.
pub(crate) trait Operation {
    /// The shape of the result. `image` is the network's input, `inputs` the shapes of this
    /// operation's inputs.
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape), naming `layer`, when it takes no such inputs.
    fn output_shape(&self, layer: &str, image: Shape, inputs: &[Shape]) -> Result<Shape>;

    /// Runs it on burn's tensors, `[batch, channels, height, width]` each. There is at least one input.
    fn run(&self, inputs: Vec<Tensor<4>>, run: &mut Run<'_, '_>) -> Tensor<4>;

    /// The channels of the result, where those of the first input have `channels`.
    fn out_channels(&self, channels: usize) -> usize {
        channels
    }

    /// Replaces each parameter, in state-dict order.
    fn map_params(&mut self, new: &mut dyn FnMut(ParamId) -> ParamId) {
        let _ = new;
    }

    /// What it costs for an image, if it has parameters.
    fn cost(&self, output: Shape) -> Option<OperationCost> {
        let _ = output;
        None
    }

    /// Whether its result is its input, whose shape is `input`, in a training pass or in evaluation.
    fn is_identity(&self, input: Shape, training: bool) -> bool {
        let _ = (input, training);
        false
    }

    /// Whether plans may let it write its result into a part of a concatenation.
    fn may_write_part(&self) -> bool {
        false
    }

    /// Whether its result has no height and width, whatever its input.
    fn makes_vectors(&self) -> bool {
        false
    }

    /// Its kernel, if it is a function of one value, for an image whose value has the shape `input`.
    fn kernel(&self, input: Shape, output: Shape) -> Option<Box<dyn UnaryKernel>> {
        let _ = (input, output);
        None
    }
}

/// What an operation may use when it runs on tensors.
pub(crate) struct Run<'a, 'p> {
    pub(crate) node: NodeId,
    pub(crate) params: &'a Parameters,
    pub(crate) pass: &'a mut Pass<'p>,
}

impl Run<'_, '_> {
    /// The elements of a parameter.
    pub(crate) fn vector(&self, id: ParamId) -> Tensor<1> {
        self.params.get(id).value()
    }
}

/// What an operation with parameters costs for one image.
pub(crate) struct OperationCost {
    /// `conv`, `linear` or `batch_norm`.
    pub(crate) kind: &'static str,
    /// Learnt parameters.
    pub(crate) params: u64,
    /// Multiply-adds.
    pub(crate) macs: u64,
    /// Values written, zero for a normalisation.
    pub(crate) activations: u64,
}

/// The first input of an operation that has one.
pub(super) fn first(mut inputs: Vec<Tensor<4>>) -> Tensor<4> {
    inputs.swap_remove(0)
}
