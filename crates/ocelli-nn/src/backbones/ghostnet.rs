//! GhostNet.
//!
//! Paper: Han et al., *GhostNet: More Features from Cheap Operations*, CVPR 2020
//! (<https://arxiv.org/abs/1911.11907>). Code: the authors' PyTorch version and timm, whose names
//! and structure these are.
//!
//! | paper | here |
//! | --- | --- |
//! | Ghost module, section 3.1 | [`ghost_module`] |
//! | Ghost bottleneck, section 3.2, figure 3 | `ghost_bottleneck` |
//! | Table 1 | [`BLOCKS`], [`Layout::PAPER`] |
//! | width multiplier α, section 3.3 | [`Widths`] |
//!
//! What only the code says: the kernel size K of a row acts in the strided depthwise convolution
//! and in the projection shortcut, so a stride-1 block without projection has no K×K operation;
//! nothing is activated after the addition; `conv_head` has a bias, no normalisation, and 1,280
//! channels at every width.
//!
//! Deviations: there is no switch for squeeze-and-excitation, which the paper does not ablate, and none of
//! the other structures in which the network is found: the TensorFlow checkpoint's (a gate cut off between
//! 0 and 1, hidden widths that are not rounded, 'SAME' padding), the author's first demonstration's and
//! d-li14's, which differ in gate, hidden widths and head. Their weights do not fit.
//!
//! Ours: `small_input` gives the stem stride 1, and [`Layout::SMALL`] is a short network of the same
//! blocks for images of about 32 pixels, which the five halvings of the published one reduce to
//! nothing.

use crate::graph::{Activation, Builder, ConvSettings, Graph, NodeId, NormSettings};
use crate::init::InitScheme;
use crate::layers::{
    GhostModule, SqueezeExcite, conv_norm_act, ghost_module, make_divisible, squeeze_excite,
};
use crate::registry::ModelOptions;

/// One row of Table 1: a Ghost bottleneck.
#[derive(Clone, Copy, Debug)]
pub struct BlockRow {
    /// The index of the stage; a new one begins where it changes.
    pub stage: usize,
    /// K, the kernel of the strided convolution and of the shortcut.
    pub kernel: usize,
    /// `#exp`, the channels between the two Ghost modules.
    pub middle: usize,
    /// `#out`.
    pub out: usize,
    /// Whether there is squeeze-and-excitation.
    pub squeeze: bool,
    /// The stride.
    pub stride: usize,
}

const fn row(
    stage: usize,
    kernel: usize,
    middle: usize,
    out: usize,
    squeeze: bool,
    stride: usize,
) -> BlockRow {
    BlockRow { stage, kernel, middle, out, squeeze, stride }
}

/// Table 1 at width 1.0. The kernel sizes are not in the paper's table but in the authors' code.
pub const BLOCKS: [BlockRow; 16] = [
    row(0, 3, 16, 16, false, 1),
    row(1, 3, 48, 24, false, 2),
    row(2, 3, 72, 24, false, 1),
    row(3, 5, 72, 40, true, 2),
    row(4, 5, 120, 40, true, 1),
    row(5, 3, 240, 80, false, 2),
    row(6, 3, 200, 80, false, 1),
    row(6, 3, 184, 80, false, 1),
    row(6, 3, 184, 80, false, 1),
    row(6, 3, 480, 112, true, 1),
    row(6, 3, 672, 112, true, 1),
    row(7, 5, 672, 160, true, 2),
    row(8, 5, 960, 160, false, 1),
    row(8, 5, 960, 160, true, 1),
    row(8, 5, 960, 160, false, 1),
    row(8, 5, 960, 160, true, 1),
];

/// A short network for images of about 32 pixels.
const SMALL_BLOCKS: [BlockRow; 7] = [
    row(0, 3, 32, 16, false, 1),
    row(1, 3, 64, 32, false, 2),
    row(1, 3, 96, 32, false, 1),
    row(2, 3, 128, 64, true, 2),
    row(2, 3, 192, 64, true, 1),
    row(2, 3, 192, 64, true, 1),
    row(3, 3, 256, 96, true, 1),
];

/// The rows of a network and the width of its head.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// The Ghost bottlenecks in order.
    pub blocks: &'static [BlockRow],
    /// Whether the stem halves the resolution.
    pub stem_stride: usize,
    /// Channels between pooling and classifier, the same at every width.
    pub head_channels: usize,
}

impl Layout {
    /// Table 1.
    pub const PAPER: Self = Self { blocks: &BLOCKS, stem_stride: 2, head_channels: 1280 };
    /// A short network for images of about 32 pixels.
    pub const SMALL: Self = Self { blocks: &SMALL_BLOCKS, stem_stride: 1, head_channels: 512 };
}

const STEM_CHANNELS: usize = 16;
const DROPOUT: f64 = 0.2;
/// s of section 3.1, the same everywhere.
const RATIO: usize = 2;
/// d of section 3.1, the same everywhere.
const CHEAP_KERNEL: usize = 3;

/// The width multiplier α: every channel count becomes the nearest multiple of four.
#[derive(Clone, Copy, Debug)]
pub struct Widths(pub f64);

impl Widths {
    /// A channel count at this width.
    pub fn scale(self, channels: usize) -> usize {
        make_divisible(channels as f64 * self.0, 4)
    }
}

/// GhostNet of a layout at a width.
pub fn ghostnet(layout: Layout, width: Widths, options: &ModelOptions) -> Graph {
    let (mut b, image) =
        Builder::new(options.in_channels, InitScheme::FanInUniform, NormSettings::default());
    let relu = Some(Activation::Relu);
    let stem_stride = if options.small_input { 1 } else { layout.stem_stride };
    let stem = ConvSettings::new(width.scale(STEM_CHANNELS), 3).stride(stem_stride);
    let mut x = conv_norm_act(&mut b, ["conv_stem", "bn1"], image, stem, relu);
    let (mut stage, mut index) = (0, 0);
    for block in layout.blocks {
        if block.stage != stage {
            b.end_stage(x);
            (stage, index) = (block.stage, 0);
        }
        x = ghost_bottleneck(&mut b, &format!("blocks.{stage}.{index}"), x, block, width);
        index += 1;
    }
    b.end_stage(x);
    let last = layout.blocks.last().map_or(b.channels(x), |row| width.scale(row.middle));
    let name = format!("blocks.{}.0", stage + 1);
    let names = [&*format!("{name}.conv"), &*format!("{name}.bn1")];
    let features = conv_norm_act(&mut b, names, x, ConvSettings::new(last, 1), relu);
    let pooled = b.global_avg_pool("global_pool", features);
    let pooled =
        b.conv("conv_head", pooled, ConvSettings::new(layout.head_channels, 1).with_bias());
    let pooled = b.activation(pooled, Activation::Relu);
    let dropped = b.dropout("dropout", pooled, options.dropout.unwrap_or(DROPOUT));
    let logits = b.linear("classifier", dropped, options.num_classes);
    b.finish(features, pooled, logits)
}

/// Ghost module with ReLU → strided depthwise convolution → squeeze-and-excitation → Ghost module
/// without ReLU → addition of the shortcut (section 3.2).
fn ghost_bottleneck(
    b: &mut Builder,
    name: &str,
    x: NodeId,
    row: &BlockRow,
    width: Widths,
) -> NodeId {
    let part = |suffix: &str| format!("{name}.{suffix}");
    let (middle, out) = (width.scale(row.middle), width.scale(row.out));
    let ghost = |out_channels, activation| GhostModule {
        conv: ConvSettings::new(out_channels, 1),
        ratio: RATIO,
        cheap_kernel: CHEAP_KERNEL,
        activation,
    };
    let mut y = ghost_module(b, &part("ghost1"), x, ghost(middle, Some(Activation::Relu)));
    if row.stride > 1 {
        let strided = ConvSettings::depthwise(middle, row.kernel).stride(row.stride);
        y = conv_norm_act(b, [&part("conv_dw"), &part("bn_dw")], y, strided, None);
    }
    if row.squeeze {
        let settings = SqueezeExcite {
            hidden_channels: make_divisible(0.25 * middle as f64, 4),
            activation: Activation::Relu,
            gate: Activation::HardSigmoid,
        };
        y = squeeze_excite(b, &part("se"), y, settings);
    }
    y = ghost_module(b, &part("ghost2"), y, ghost(out, None));
    let shortcut = if row.stride == 1 && b.channels(x) == out {
        x
    } else {
        projection(b, &part("shortcut"), x, row, out)
    };
    b.add(name, y, shortcut)
}

/// Depthwise K×K convolution with the block's stride → 1×1 convolution, each normalised, neither
/// activated.
fn projection(b: &mut Builder, name: &str, x: NodeId, row: &BlockRow, out: usize) -> NodeId {
    let part = |index: usize| format!("{name}.{index}");
    let depthwise = ConvSettings::depthwise(b.channels(x), row.kernel).stride(row.stride);
    let x = conv_norm_act(b, [&part(0), &part(1)], x, depthwise, None);
    conv_norm_act(b, [&part(2), &part(3)], x, ConvSettings::new(out, 1), None)
}
