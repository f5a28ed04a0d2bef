//! EfficientNetV2.
//!
//! Paper: Tan and Le, *EfficientNetV2: Smaller Models and Faster Training*, ICML 2021
//! (<https://arxiv.org/abs/2104.00298>). Code: google/automl and timm, whose names these are.
//!
//! | paper | here |
//! | --- | --- |
//! | MBConv and Fused-MBConv, figure 2 | [`mbconv`], [`fused_mbconv`] |
//! | Table 4 (S); M, L, XL and B0–B3 from the code | [`Variant::stages`] |
//! | stochastic depth, section 5.1 | `drop_path` rising over all blocks |
//!
//! Three flavours: `tf_…` has TensorFlow's 'SAME' padding and ε = 1e-3, for Google's weights; `tv_…`
//! has symmetric padding and ε = 1e-3, for torchvision's; without prefix padding is symmetric and ε
//! is PyTorch's 1e-5, as in timm. Deviation: the paper's text
//! names a BN momentum of 0.99, its code uses 0.9; like the code, and in PyTorch's convention,
//! this is 0.1. `small_input` (ours) gives the stem stride 1.

use crate::graph::{Activation, Builder, ConvSettings, Graph, NormSettings, Padding};
use crate::init::InitScheme;
use crate::layers::{MbConv, conv_norm_act, fused_mbconv, mbconv, round_channels};
use crate::registry::ModelOptions;

/// The kind of block that a stage repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockKind {
    /// Fused-MBConv, never with squeeze-and-excitation in the published networks.
    Fused,
    /// MBConv with squeeze-and-excitation of ratio 0.25.
    Mb,
}

/// One stage of a network.
#[derive(Clone, Copy, Debug)]
pub struct Stage {
    /// What it repeats.
    pub kind: BlockKind,
    /// The expansion ratio.
    pub expand: usize,
    /// The stride of its first block.
    pub stride: usize,
    /// Channels of its results.
    pub channels: usize,
    /// How many blocks.
    pub layers: usize,
}

const fn fused(expand: usize, stride: usize, channels: usize, layers: usize) -> Stage {
    Stage { kind: BlockKind::Fused, expand, stride, channels, layers }
}

const fn mb(expand: usize, stride: usize, channels: usize, layers: usize) -> Stage {
    Stage { kind: BlockKind::Mb, expand, stride, channels, layers }
}

const S: [Stage; 6] = [
    fused(1, 1, 24, 2),
    fused(4, 2, 48, 4),
    fused(4, 2, 64, 4),
    mb(4, 2, 128, 6),
    mb(6, 1, 160, 9),
    mb(6, 2, 256, 15),
];

const M: [Stage; 7] = [
    fused(1, 1, 24, 3),
    fused(4, 2, 48, 5),
    fused(4, 2, 80, 5),
    mb(4, 2, 160, 7),
    mb(6, 1, 176, 14),
    mb(6, 2, 304, 18),
    mb(6, 1, 512, 5),
];

const L: [Stage; 7] = [
    fused(1, 1, 32, 4),
    fused(4, 2, 64, 7),
    fused(4, 2, 96, 7),
    mb(4, 2, 192, 10),
    mb(6, 1, 224, 19),
    mb(6, 2, 384, 25),
    mb(6, 1, 640, 7),
];

const XL: [Stage; 7] = [
    fused(1, 1, 32, 4),
    fused(4, 2, 64, 8),
    fused(4, 2, 96, 8),
    mb(4, 2, 192, 16),
    mb(6, 1, 256, 24),
    mb(6, 2, 512, 32),
    mb(6, 1, 640, 8),
];

const BASE: [Stage; 6] = [
    fused(1, 1, 16, 1),
    fused(4, 2, 32, 2),
    fused(4, 2, 48, 2),
    mb(4, 2, 96, 3),
    mb(6, 1, 112, 5),
    mb(6, 2, 192, 8),
];

/// A member of the family.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    stem: usize,
    stages: &'static [Stage],
    width: f64,
    depth: f64,
    dropout: f64,
}

impl Variant {
    /// EfficientNetV2-S (Table 4).
    pub const S: Self = Self { stem: 24, stages: &S, width: 1.0, depth: 1.0, dropout: 0.2 };
    /// EfficientNetV2-M.
    pub const M: Self = Self { stem: 24, stages: &M, dropout: 0.3, ..Self::S };
    /// EfficientNetV2-L.
    pub const L: Self = Self { stem: 32, stages: &L, dropout: 0.4, ..Self::S };
    /// EfficientNetV2-XL.
    pub const XL: Self = Self { stem: 32, stages: &XL, dropout: 0.4, ..Self::S };
    /// EfficientNetV2-B0.
    pub const B0: Self = Self { stem: 32, stages: &BASE, width: 1.0, depth: 1.0, dropout: 0.2 };
    /// EfficientNetV2-B1.
    pub const B1: Self = Self { depth: 1.1, ..Self::B0 };
    /// EfficientNetV2-B2.
    pub const B2: Self = Self { width: 1.1, depth: 1.2, dropout: 0.3, ..Self::B0 };
    /// EfficientNetV2-B3.
    pub const B3: Self = Self { width: 1.2, depth: 1.4, dropout: 0.3, ..Self::B0 };

    /// The stages with widths and depths scaled: channels to the nearest multiple of eight
    /// (without MobileNet's 10 % guard), layers rounded up.
    pub fn stages(&self) -> impl Iterator<Item = Stage> + '_ {
        self.stages.iter().map(|stage| Stage {
            channels: self.channels(stage.channels),
            layers: (stage.layers as f64 * self.depth).ceil() as usize,
            ..*stage
        })
    }

    fn channels(&self, channels: usize) -> usize {
        round_channels(channels as f64 * self.width, 8)
    }
}

/// Which framework's conventions a network follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// 'SAME' padding and ε = 1e-3: Google's weights.
    TensorFlow,
    /// Symmetric padding and ε = 1e-3: torchvision's weights.
    Torchvision,
    /// Symmetric padding and ε = 1e-5: timm's own.
    PyTorch,
}

impl Flavour {
    fn padding(self) -> Option<Padding> {
        match self {
            Self::TensorFlow => Some(Padding::Same),
            Self::Torchvision | Self::PyTorch => None,
        }
    }

    fn epsilon(self) -> f64 {
        match self {
            Self::TensorFlow | Self::Torchvision => 1e-3,
            Self::PyTorch => 1e-5,
        }
    }
}

/// A network of the family.
pub fn efficientnetv2(variant: Variant, flavour: Flavour, options: &ModelOptions) -> Graph {
    let norm = NormSettings { epsilon: flavour.epsilon(), ..NormSettings::default() };
    let (mut b, image) = Builder::new(options.in_channels, InitScheme::EfficientNet, norm);
    let silu = Some(Activation::Silu);
    let padding = flavour.padding();
    let stem_stride = if options.small_input { 1 } else { 2 };
    let stem = ConvSettings {
        padding,
        ..ConvSettings::new(variant.channels(variant.stem), 3).stride(stem_stride)
    };
    let mut x = conv_norm_act(&mut b, ["conv_stem", "bn1"], image, stem, silu);
    let total: usize = variant.stages().map(|stage| stage.layers).sum();
    let mut done = 0;
    for (at, stage) in variant.stages().enumerate() {
        for layer in 0..stage.layers {
            let block = MbConv {
                out_channels: stage.channels,
                expand: stage.expand,
                kernel: 3,
                stride: if layer == 0 { stage.stride } else { 1 },
                padding,
                activation: Activation::Silu,
                squeeze_ratio: (stage.kind == BlockKind::Mb).then_some(0.25),
                drop_path: options.drop_path.unwrap_or(0.0) * done as f64 / total as f64,
            };
            let name = format!("blocks.{at}.{layer}");
            x = match stage.kind {
                BlockKind::Fused => fused_mbconv(&mut b, &name, x, block),
                BlockKind::Mb => mbconv(&mut b, &name, x, block),
            };
            done += 1;
        }
        b.end_stage(x);
    }
    let head = ConvSettings::new(variant.channels(1280).max(1280), 1);
    let features = conv_norm_act(&mut b, ["conv_head", "bn2"], x, head, silu);
    let pooled = b.global_avg_pool("global_pool", features);
    let dropped = b.dropout("dropout", pooled, options.dropout.unwrap_or(variant.dropout));
    let logits = b.linear("classifier", dropped, options.num_classes);
    b.finish(features, pooled, logits)
}
