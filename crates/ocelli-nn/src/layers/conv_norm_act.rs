//! Convolution, batch normalisation and activation, the common building block.

use crate::graph::{Activation, Builder, ConvSettings, NodeId};

/// A convolution named `conv`, a batch normalisation named `norm` and, if given, an activation.
pub fn conv_norm_act(
    b: &mut Builder,
    [conv, norm]: [&str; 2],
    x: NodeId,
    settings: ConvSettings,
    activation: Option<Activation>,
) -> NodeId {
    let x = b.conv(conv, x, settings);
    let x = b.batch_norm(norm, x);
    match activation {
        Some(activation) => b.activation(x, activation),
        None => x,
    }
}
