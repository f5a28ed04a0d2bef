//! What is written of a network.

use crate::proto::{NodeProto, TensorProto};
use crate::weights_form::WeightsForm;

/// What a graph is made of.
pub(crate) struct Written {
    pub(crate) nodes: Vec<NodeProto>,
    pub(crate) initializers: Vec<TensorProto>,
    /// Values of the result for an image.
    pub(crate) outputs: usize,
    pub(crate) weights: WeightsForm,
    /// Whether activations are quantized.
    pub(crate) has_levels: bool,
}
