//! The inverted bottlenecks of MobileNetV2 and EfficientNetV2.
//!
//! Papers: Sandler et al., CVPR 2018 (MBConv); Tan and Le, *EfficientNetV2*, ICML 2021
//! (<https://arxiv.org/abs/2104.00298>), figure 2 (MBConv and Fused-MBConv).

use crate::graph::{Activation, Builder, ConvSettings, NodeId, Padding};
use crate::layers::{SqueezeExcite, conv_norm_act, squeeze_excite};

/// The settings of an inverted bottleneck, plain or fused.
#[derive(Clone, Copy, Debug)]
pub struct MbConv {
    /// Channels of the result.
    pub out_channels: usize,
    /// The channels in the middle are `expand` times those of the input.
    pub expand: usize,
    /// Height and width of the spatial kernel.
    pub kernel: usize,
    /// The step of the spatial convolution.
    pub stride: usize,
    /// The padding of the spatial convolution; `None` for symmetric.
    pub padding: Option<Padding>,
    /// The activation inside the block.
    pub activation: Activation,
    /// The share of the input's channels that squeeze-and-excitation keeps; `None` for none.
    pub squeeze_ratio: Option<f64>,
    /// Whether a fused block with expansion 1 has its projection all the same.
    pub always_project: bool,
    /// The probability of stochastic depth.
    pub drop_path: f64,
}

impl MbConv {
    fn spatial(&self, settings: ConvSettings) -> ConvSettings {
        ConvSettings { stride: self.stride, padding: self.padding, ..settings }
    }
}

/// MBConv: 1×1 expansion (if `expand` is not 1) → depthwise k×k → squeeze-and-excitation → 1×1
/// projection without activation → residual if shapes allow.
///
/// Names as in timm: `conv_pw`, `bn1`, `conv_dw`, `bn2`, `se`, `conv_pwl`, `bn3`; without
/// expansion `conv_dw`, `bn1`, `se`, `conv_pw`, `bn2`.
pub fn mbconv(b: &mut Builder, name: &str, x: NodeId, block: MbConv) -> NodeId {
    let part = |suffix: &str| format!("{name}.{suffix}");
    let in_channels = b.channels(x);
    let middle = in_channels * block.expand;
    let act = Some(block.activation);
    let (project, norms) = if block.expand == 1 {
        ("conv_pw", ["", "bn1", "bn2"])
    } else {
        ("conv_pwl", ["bn1", "bn2", "bn3"])
    };
    let mut y = x;
    if block.expand != 1 {
        let expand = ConvSettings::new(middle, 1);
        y = conv_norm_act(b, [&part("conv_pw"), &part(norms[0])], y, expand, act);
    }
    let depthwise = block.spatial(ConvSettings::depthwise(middle, block.kernel));
    y = conv_norm_act(b, [&part("conv_dw"), &part(norms[1])], y, depthwise, act);
    y = squeeze(b, &part("se"), y, in_channels, &block);
    let projection = ConvSettings::new(block.out_channels, 1);
    y = conv_norm_act(b, [&part(project), &part(norms[2])], y, projection, None);
    residual(b, name, x, y, &block)
}

/// Fused-MBConv: dense k×k expansion → 1×1 projection; with `expand` 1, unless `always_project`, a
/// single k×k convolution *with* activation, which has no place for a squeeze-and-excitation.
///
/// Names as in timm: `conv_exp`, `bn1`, `conv_pwl`, `bn2`; of a single convolution `conv`, `bn1`.
pub fn fused_mbconv(b: &mut Builder, name: &str, x: NodeId, block: MbConv) -> NodeId {
    let part = |suffix: &str| format!("{name}.{suffix}");
    let in_channels = b.channels(x);
    let act = Some(block.activation);
    let y = if block.expand == 1 && !block.always_project {
        let conv = block.spatial(ConvSettings::new(block.out_channels, block.kernel));
        conv_norm_act(b, [&part("conv"), &part("bn1")], x, conv, act)
    } else {
        let middle = in_channels * block.expand;
        let expand = block.spatial(ConvSettings::new(middle, block.kernel));
        let y = conv_norm_act(b, [&part("conv_exp"), &part("bn1")], x, expand, act);
        let y = squeeze(b, &part("se"), y, in_channels, &block);
        let projection = ConvSettings::new(block.out_channels, 1);
        conv_norm_act(b, [&part("conv_pwl"), &part("bn2")], y, projection, None)
    };
    residual(b, name, x, y, &block)
}

/// The squeeze width counts the channels of the *block's input*, before expansion.
fn squeeze(b: &mut Builder, name: &str, x: NodeId, in_channels: usize, block: &MbConv) -> NodeId {
    let Some(ratio) = block.squeeze_ratio else { return x };
    let hidden_channels = ((ratio * in_channels as f64) as usize).max(1);
    let settings =
        SqueezeExcite { hidden_channels, activation: block.activation, gate: Activation::Sigmoid };
    squeeze_excite(b, name, x, settings)
}

fn residual(b: &mut Builder, name: &str, x: NodeId, y: NodeId, block: &MbConv) -> NodeId {
    if block.stride != 1 || b.channels(x) != block.out_channels {
        return y;
    }
    let y = b.drop_path(name, y, block.drop_path);
    b.add(name, y, x)
}
