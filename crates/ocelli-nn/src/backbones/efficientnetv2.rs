//! EfficientNetV2.
//!
//! Paper: Tan and Le, *EfficientNetV2: Smaller Models and Faster Training*, ICML 2021
//! (<https://arxiv.org/abs/2104.00298>). Code: google/automl and timm, whose names these are.
//!
//! | paper | here |
//! | --- | --- |
//! | MBConv and Fused-MBConv, figure 2 | [`mbconv`], [`fused_mbconv`] |
//! | Table 4 (S); M, L, XL and B0–B3 from the code, rw from timm | [`Variant`] |
//! | any network of the space of section 3.3 | [`Layout`] |
//! | stochastic depth, section 5.1 | `drop_path` · i / B in block i of B, if given |
//!
//! Three flavours: `tf_…` has TensorFlow's 'SAME' padding and ε = 1e-3, for Google's weights; `tv_…`
//! has symmetric padding and ε = 1e-3, for torchvision's; without prefix padding is symmetric and ε
//! is PyTorch's 1e-5, as in timm. `small_input` (ours) gives the stem stride 1.
//!
//! Deviations: the paper's text names a BN momentum of 0.99, its code uses 0.9; like the code, and in
//! PyTorch's convention, this is 0.1. Stochastic depth is off unless `drop_path` is given, as in timm; the
//! paper trains with 0.2, and so do the recipes named after it. A Fused-MBConv of expansion 1 refuses
//! squeeze-and-excitation ([`Layout::check`]), of which no published network has one there. B0–B3 were
//! trained with AutoAugment, which is not here: RandAugment is.

mod layout;
mod published;

pub use layout::{BlockKind, Flavour, Layout, Stage};
pub use published::Variant;

use crate::graph::{Activation, Builder, ConvSettings, Graph, NormSettings};
use crate::init::InitScheme;
use crate::layers::{MbConv, conv_norm_act, fused_mbconv, mbconv};
use crate::registry::ModelOptions;

/// The network of a table, which [`Layout::check`] must have found possible.
pub fn efficientnetv2(layout: &Layout, options: &ModelOptions) -> Graph {
    let norm = NormSettings { epsilon: layout.flavour.epsilon(), ..NormSettings::default() };
    let (mut b, image) = Builder::new(options.in_channels, InitScheme::EfficientNet, norm);
    let silu = Some(Activation::Silu);
    let padding = layout.flavour.padding();
    let stem_stride = if options.small_input { 1 } else { layout.stem_stride };
    let stem = ConvSettings { padding, ..ConvSettings::new(layout.stem, 3).stride(stem_stride) };
    let mut x = conv_norm_act(&mut b, ["conv_stem", "bn1"], image, stem, silu);
    let total: usize = layout.stages.iter().map(|stage| stage.layers).sum();
    let mut done = 0;
    for (at, stage) in layout.stages.iter().enumerate() {
        for layer in 0..stage.layers {
            let block = MbConv {
                out_channels: stage.channels,
                expand: stage.expand,
                kernel: stage.kernel,
                stride: if layer == 0 { stage.stride } else { 1 },
                padding,
                activation: Activation::Silu,
                squeeze_ratio: stage.squeeze(),
                always_project: stage.always_project,
                drop_path: options.drop_path.unwrap_or(0.0) * done as f64 / total as f64,
            };
            let name = format!("blocks.{at}.{layer}");
            x = match stage.op {
                BlockKind::FusedMbConv => fused_mbconv(&mut b, &name, x, block),
                BlockKind::MbConv => mbconv(&mut b, &name, x, block),
            };
            done += 1;
        }
        b.end_stage(x);
    }
    let head = ConvSettings::new(layout.head, 1);
    let features = conv_norm_act(&mut b, ["conv_head", "bn2"], x, head, silu);
    let pooled = b.global_avg_pool("global_pool", features);
    let dropped = b.dropout("dropout", pooled, options.dropout.unwrap_or(layout.dropout));
    let logits = b.linear("classifier", dropped, options.num_classes);
    b.finish(features, pooled, logits)
}
