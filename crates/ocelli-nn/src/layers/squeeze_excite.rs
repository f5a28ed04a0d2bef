//! Squeeze-and-excitation (Hu et al., CVPR 2018): a gate per channel, computed from the means of
//! all channels.

use crate::graph::{Activation, Builder, ConvSettings, NodeId};

/// The settings of a squeeze-and-excitation.
#[derive(Clone, Copy, Debug)]
pub struct SqueezeExcite {
    /// Channels between the two convolutions.
    pub hidden_channels: usize,
    /// The activation between them.
    pub activation: Activation,
    /// The activation that makes the gate.
    pub gate: Activation,
}

/// Global average pool → 1×1 convolution `name.conv_reduce` → activation → 1×1 convolution
/// `name.conv_expand` → gate → multiply.
pub fn squeeze_excite(b: &mut Builder, name: &str, x: NodeId, settings: SqueezeExcite) -> NodeId {
    let channels = b.channels(x);
    let pooled = b.global_avg_pool(name, x);
    let reduce = ConvSettings::new(settings.hidden_channels, 1).with_bias();
    let hidden = b.conv(&format!("{name}.conv_reduce"), pooled, reduce);
    let hidden = b.activation(hidden, settings.activation);
    let expand = ConvSettings::new(channels, 1).with_bias();
    let gate = b.conv(&format!("{name}.conv_expand"), hidden, expand);
    let gate = b.activation(gate, settings.gate);
    b.scale(name, x, gate)
}
