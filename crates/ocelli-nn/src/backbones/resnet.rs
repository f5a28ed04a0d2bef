//! ResNet for ImageNet-sized images.
//!
//! Paper: He et al., *Deep Residual Learning for Image Recognition*, CVPR 2016
//! (<https://arxiv.org/abs/1512.03385>). Names and structure are torchvision's and timm's.
//!
//! | paper | here |
//! | --- | --- |
//! | Table 1 | [`Depth`] |
//! | basic block and bottleneck, figure 5 | `basic_block`, `bottleneck` |
//! | projection shortcut, option B of section 3.3 | `downsample` |
//!
//! Deviations: as in all PyTorch versions a bottleneck halves the resolution in its 3×3 convolution,
//! not in the first 1×1. `small_input` (ours) replaces the 7×7 stem and its pooling by a 3×3
//! convolution of stride 1.

use crate::graph::{Activation, Builder, ConvSettings, Graph, NodeId, NormSettings, Pool};
use crate::init::InitScheme;
use crate::layers::conv_norm_act;
use crate::registry::ModelOptions;

/// A column of Table 1.
#[derive(Clone, Copy, Debug)]
pub struct Depth {
    /// Blocks per stage.
    pub layers: [usize; 4],
    /// Whether blocks are bottlenecks, whose results have four times the channels.
    pub bottleneck: bool,
}

impl Depth {
    /// ResNet-18.
    pub const D18: Self = Self { layers: [2, 2, 2, 2], bottleneck: false };
    /// ResNet-34.
    pub const D34: Self = Self { layers: [3, 4, 6, 3], bottleneck: false };
    /// ResNet-50.
    pub const D50: Self = Self { layers: [3, 4, 6, 3], bottleneck: true };
}

const RELU: Option<Activation> = Some(Activation::Relu);

/// A ResNet of a depth.
pub fn resnet(depth: Depth, options: &ModelOptions) -> Graph {
    let (mut b, image) =
        Builder::new(options.in_channels, InitScheme::FanOutNormal, NormSettings::default());
    let mut x = stem(&mut b, image, options.small_input);
    let total: usize = depth.layers.iter().sum();
    let mut done = 0;
    for (stage, &layers) in depth.layers.iter().enumerate() {
        let channels = 64 << stage;
        for layer in 0..layers {
            let block = Block {
                channels,
                out_channels: if depth.bottleneck { 4 * channels } else { channels },
                stride: if layer == 0 && stage > 0 { 2 } else { 1 },
                drop_path: options.drop_path.unwrap_or(0.0) * done as f64 / total as f64,
            };
            let name = format!("layer{}.{layer}", stage + 1);
            let y = if depth.bottleneck {
                bottleneck(&mut b, &name, x, block)
            } else {
                basic_block(&mut b, &name, x, block)
            };
            let y = b.drop_path(&name, y, block.drop_path);
            let shortcut = downsample(&mut b, &name, x, block);
            let sum = b.add(&name, y, shortcut);
            x = b.activation(sum, Activation::Relu);
            done += 1;
        }
        b.end_stage(x);
    }
    let pooled = b.global_avg_pool("global_pool", x);
    let dropped = b.dropout("dropout", pooled, options.dropout.unwrap_or(0.0));
    let logits = b.linear("fc", dropped, options.num_classes);
    b.finish(x, pooled, logits)
}

#[derive(Clone, Copy)]
struct Block {
    channels: usize,
    out_channels: usize,
    stride: usize,
    drop_path: f64,
}

fn stem(b: &mut Builder, image: NodeId, small_input: bool) -> NodeId {
    if small_input {
        return conv_norm_act(b, ["conv1", "bn1"], image, ConvSettings::new(64, 3), RELU);
    }
    let conv = ConvSettings::new(64, 7).stride(2);
    let x = conv_norm_act(b, ["conv1", "bn1"], image, conv, RELU);
    b.max_pool("maxpool", x, Pool { kernel: [3; 2], stride: [2; 2], padding: [1; 2] })
}

fn basic_block(b: &mut Builder, name: &str, x: NodeId, block: Block) -> NodeId {
    let part = |suffix: &str| format!("{name}.{suffix}");
    let first = ConvSettings::new(block.channels, 3).stride(block.stride);
    let y = conv_norm_act(b, [&part("conv1"), &part("bn1")], x, first, RELU);
    let second = ConvSettings::new(block.out_channels, 3);
    conv_norm_act(b, [&part("conv2"), &part("bn2")], y, second, None)
}

fn bottleneck(b: &mut Builder, name: &str, x: NodeId, block: Block) -> NodeId {
    let part = |suffix: &str| format!("{name}.{suffix}");
    let reduce = ConvSettings::new(block.channels, 1);
    let y = conv_norm_act(b, [&part("conv1"), &part("bn1")], x, reduce, RELU);
    let spatial = ConvSettings::new(block.channels, 3).stride(block.stride);
    let y = conv_norm_act(b, [&part("conv2"), &part("bn2")], y, spatial, RELU);
    let expand = ConvSettings::new(block.out_channels, 1);
    conv_norm_act(b, [&part("conv3"), &part("bn3")], y, expand, None)
}

fn downsample(b: &mut Builder, name: &str, x: NodeId, block: Block) -> NodeId {
    if block.stride == 1 && b.channels(x) == block.out_channels {
        return x;
    }
    let part = |index: usize| format!("{name}.downsample.{index}");
    let projection = ConvSettings::new(block.out_channels, 1).stride(block.stride);
    conv_norm_act(b, [&part(0), &part(1)], x, projection, None)
}
