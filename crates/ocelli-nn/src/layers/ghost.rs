//! The Ghost module: many feature maps from few, by cheap operations.
//!
//! Paper: Han et al., *GhostNet: More Features from Cheap Operations*, CVPR 2020
//! (<https://arxiv.org/abs/1911.11907>), section 3.1.
//!
//! | paper | here |
//! | --- | --- |
//! | primary convolution Y′ = X ∗ f′ with m = ⌈n / s⌉ intrinsic maps (eq. 2) | `primary_conv` |
//! | linear operations Φ_ij with a d × d kernel (eq. 3) | `cheap_operation` |
//! | identity mapping Φ_is | the primary maps in the concatenation |
//! | ratio s, kernel d | [`GhostModule::ratio`], [`GhostModule::cheap_kernel`] |
//!
//! The cheap operations read the primary maps *after* their normalisation and activation. When s
//! does not divide n, the surplus ghost maps are computed and dropped, as in the public code.

use crate::graph::{Activation, Builder, ConvSettings, NodeId};
use crate::layers::conv_norm_act;

/// The settings of a Ghost module.
#[derive(Clone, Copy, Debug)]
pub struct GhostModule {
    /// The convolution that the module replaces.
    pub conv: ConvSettings,
    /// s: one in s maps is intrinsic. At 1 the module is a plain convolution.
    pub ratio: usize,
    /// d: height and width of the cheap kernels.
    pub cheap_kernel: usize,
    /// The activation of both branches.
    pub activation: Option<Activation>,
}

/// Primary convolution and cheap operation, side by side.
///
/// Names: `name.primary_conv.{0,1}` and `name.cheap_operation.{0,1}` for convolution and
/// normalisation.
pub fn ghost_module(b: &mut Builder, name: &str, x: NodeId, module: GhostModule) -> NodeId {
    let GhostModule { conv, ratio, cheap_kernel, activation } = module;
    let branch = |part: &str, index: usize| format!("{name}.{part}.{index}");
    let intrinsic = conv.out_channels.div_ceil(ratio);
    let primary = conv_norm_act(
        b,
        [&branch("primary_conv", 0), &branch("primary_conv", 1)],
        x,
        ConvSettings { out_channels: intrinsic, ..conv },
        activation,
    );
    if ratio == 1 {
        return primary;
    }
    let cheap = ConvSettings {
        out_channels: intrinsic * (ratio - 1),
        ..ConvSettings::depthwise(intrinsic, cheap_kernel)
    };
    let ghost = conv_norm_act(
        b,
        [&branch("cheap_operation", 0), &branch("cheap_operation", 1)],
        primary,
        cheap,
        activation,
    );
    b.concat(name, &[primary, ghost], conv.out_channels)
}
