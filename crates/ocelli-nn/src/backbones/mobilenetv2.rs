//! MobileNetV2 and EfficientNet-Lite0: stages of plain inverted bottlenecks.
//!
//! Papers: Sandler et al., *MobileNetV2: Inverted Residuals and Linear Bottlenecks*, CVPR 2018
//! (<https://arxiv.org/abs/1801.04381>), Table 2; Tan and Le, *EfficientNet*, ICML 2019
//! (<https://arxiv.org/abs/1905.11946>), Table 1, in its Lite form of 2020: ReLU6 instead of swish,
//! no squeeze-and-excitation, TensorFlow's 'SAME' padding and ε = 1e-3. Names are timm's.
//!
//! `small_input` (ours) gives the stem stride 1. [`Layout::CIFAR`] is Table 2 with stem and second stage
//! at stride 1, as is usual for 32 × 32 pixels, so that the last map has 4 × 4; [`Layout::SMALL`] (ours) has
//! the same blocks, fewer and narrower. Its names follow Table 2 too.

use crate::graph::{Activation, Builder, ConvSettings, Graph, NormSettings, Padding};
use crate::init::InitScheme;
use crate::layers::{MbConv, conv_norm_act, mbconv};
use crate::registry::ModelOptions;

/// A row of the papers' tables: blocks of one width.
#[derive(Clone, Copy, Debug)]
pub struct Stage {
    /// t, the expansion ratio.
    pub expand: usize,
    /// c, channels of the results.
    pub channels: usize,
    /// n, how many blocks.
    pub layers: usize,
    /// s, the stride of the first block.
    pub stride: usize,
    /// Height and width of the depthwise kernel.
    pub kernel: usize,
}

const fn stage(
    expand: usize,
    channels: usize,
    layers: usize,
    stride: usize,
    kernel: usize,
) -> Stage {
    Stage { expand, channels, layers, stride, kernel }
}

/// A network of the family.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    stem_channels: usize,
    stem_stride: usize,
    stages: [Stage; 7],
    head_channels: usize,
    padding: Option<Padding>,
    epsilon: f64,
}

impl Layout {
    /// MobileNetV2, Table 2.
    pub const MOBILENETV2: Self = Self {
        stem_channels: 32,
        stem_stride: 2,
        stages: [
            stage(1, 16, 1, 1, 3),
            stage(6, 24, 2, 2, 3),
            stage(6, 32, 3, 2, 3),
            stage(6, 64, 4, 2, 3),
            stage(6, 96, 3, 1, 3),
            stage(6, 160, 3, 2, 3),
            stage(6, 320, 1, 1, 3),
        ],
        head_channels: 1280,
        padding: None,
        epsilon: 1e-5,
    };
    /// MobileNetV2 for images of 32 × 32 pixels.
    pub const CIFAR: Self = Self {
        stem_stride: 1,
        stages: [
            stage(1, 16, 1, 1, 3),
            stage(6, 24, 2, 1, 3),
            stage(6, 32, 3, 2, 3),
            stage(6, 64, 4, 2, 3),
            stage(6, 96, 3, 1, 3),
            stage(6, 160, 3, 2, 3),
            stage(6, 320, 1, 1, 3),
        ],
        ..Self::MOBILENETV2
    };
    /// A short and narrow one for images of 32 × 32 pixels.
    pub const SMALL: Self = Self {
        stem_channels: 16,
        stages: [
            stage(1, 8, 1, 1, 3),
            stage(6, 16, 2, 1, 3),
            stage(6, 24, 2, 2, 3),
            stage(6, 32, 3, 2, 3),
            stage(6, 48, 2, 1, 3),
            stage(6, 64, 2, 2, 3),
            stage(6, 96, 1, 1, 3),
        ],
        head_channels: 384,
        ..Self::CIFAR
    };
    /// EfficientNet-Lite0.
    pub const LITE0: Self = Self {
        stages: [
            stage(1, 16, 1, 1, 3),
            stage(6, 24, 2, 2, 3),
            stage(6, 40, 2, 2, 5),
            stage(6, 80, 3, 2, 3),
            stage(6, 112, 3, 1, 5),
            stage(6, 192, 4, 2, 5),
            stage(6, 320, 1, 1, 3),
        ],
        padding: Some(Padding::Same),
        epsilon: 1e-3,
        ..Self::MOBILENETV2
    };
}

const DROPOUT: f64 = 0.2;

/// A network of plain inverted bottlenecks.
pub fn mobilenetv2(layout: Layout, options: &ModelOptions) -> Graph {
    let norm = NormSettings { epsilon: layout.epsilon, ..NormSettings::default() };
    let (mut b, image) = Builder::new(options.in_channels, InitScheme::EfficientNet, norm);
    let relu6 = Some(Activation::Relu6);
    let stem_stride = if options.small_input { 1 } else { layout.stem_stride };
    let stem = ConvSettings {
        padding: layout.padding,
        ..ConvSettings::new(layout.stem_channels, 3).stride(stem_stride)
    };
    let mut x = conv_norm_act(&mut b, ["conv_stem", "bn1"], image, stem, relu6);
    let total: usize = layout.stages.iter().map(|stage| stage.layers).sum();
    let mut done = 0;
    for (at, stage) in layout.stages.iter().enumerate() {
        for layer in 0..stage.layers {
            let block = MbConv {
                out_channels: stage.channels,
                expand: stage.expand,
                kernel: stage.kernel,
                stride: if layer == 0 { stage.stride } else { 1 },
                padding: layout.padding,
                activation: Activation::Relu6,
                squeeze_ratio: None,
                always_project: false,
                drop_path: options.drop_path.unwrap_or(0.0) * done as f64 / total as f64,
            };
            x = mbconv(&mut b, &format!("blocks.{at}.{layer}"), x, block);
            done += 1;
        }
        b.end_stage(x);
    }
    let head = ConvSettings::new(layout.head_channels, 1);
    let features = conv_norm_act(&mut b, ["conv_head", "bn2"], x, head, relu6);
    let pooled = b.global_avg_pool("global_pool", features);
    let dropped = b.dropout("dropout", pooled, options.dropout.unwrap_or(DROPOUT));
    let logits = b.linear("classifier", dropped, options.num_classes);
    b.finish(features, pooled, logits)
}
