//! The published members of the family, and a small one of ours.

use super::layout::{BlockKind, Flavour, Layout, Stage};
use crate::layers::round_channels;

const fn fused(expand: usize, stride: usize, channels: usize, layers: usize) -> Stage {
    stage(BlockKind::FusedMbConv, expand, stride, channels, layers)
}

const fn mb(expand: usize, stride: usize, channels: usize, layers: usize) -> Stage {
    stage(BlockKind::MbConv, expand, stride, channels, layers)
}

const fn stage(
    op: BlockKind,
    expand: usize,
    stride: usize,
    channels: usize,
    layers: usize,
) -> Stage {
    Stage {
        op,
        kernel: 3,
        stride,
        expand,
        channels,
        layers,
        squeeze_ratio: None,
        always_project: false,
    }
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

/// timm's reading of S before its code was released: two convolutions in the blocks of the first
/// stage, and a wider end.
const RW_S: [Stage; 6] = [
    Stage { always_project: true, ..fused(1, 1, 24, 2) },
    fused(4, 2, 48, 4),
    fused(4, 2, 64, 4),
    mb(4, 2, 128, 6),
    mb(6, 1, 160, 9),
    mb(6, 2, 272, 15),
];

/// [`RW_S`] at width 1.2 with MobileNet's guard, 1.2 times as deep in the first four stages and 1.6
/// times in the last two.
const RW_M: [Stage; 6] = [
    Stage { always_project: true, ..fused(1, 1, 32, 3) },
    fused(4, 2, 56, 5),
    fused(4, 2, 80, 5),
    mb(4, 2, 152, 8),
    mb(6, 1, 192, 15),
    mb(6, 2, 328, 24),
];

/// [`S`] at width 0.8 with MobileNet's guard and depth 0.9.
const RW_T: [Stage; 6] = [
    fused(1, 1, 24, 2),
    fused(4, 2, 40, 4),
    fused(4, 2, 48, 4),
    mb(4, 2, 104, 6),
    mb(6, 1, 128, 9),
    mb(6, 2, 208, 14),
];

/// The published pattern (fused stages first, narrow and wide, squeeze-and-excitation later) at
/// the size of CIFAR's images.
const SMALL_CIFAR: [Stage; 5] =
    [fused(1, 1, 16, 1), fused(4, 2, 24, 2), fused(4, 2, 40, 2), mb(4, 1, 64, 2), mb(6, 2, 96, 2)];

/// A member of the family.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    stem: usize,
    stem_stride: usize,
    stages: &'static [Stage],
    head: usize,
    width: f64,
    depth: f64,
    dropout: f64,
}

impl Variant {
    /// EfficientNetV2-S (Table 4).
    pub const S: Self = Self {
        stem: 24,
        stem_stride: 2,
        stages: &S,
        head: 1280,
        width: 1.0,
        depth: 1.0,
        dropout: 0.2,
    };
    /// EfficientNetV2-M.
    pub const M: Self = Self { stages: &M, dropout: 0.3, ..Self::S };
    /// EfficientNetV2-L.
    pub const L: Self = Self { stem: 32, stages: &L, dropout: 0.4, ..Self::S };
    /// EfficientNetV2-XL.
    pub const XL: Self = Self { stages: &XL, ..Self::L };
    /// EfficientNetV2-B0.
    pub const B0: Self = Self { stem: 32, stages: &BASE, ..Self::S };
    /// EfficientNetV2-B1.
    pub const B1: Self = Self { depth: 1.1, ..Self::B0 };
    /// EfficientNetV2-B2.
    pub const B2: Self = Self { width: 1.1, depth: 1.2, dropout: 0.3, ..Self::B0 };
    /// EfficientNetV2-B3.
    pub const B3: Self = Self { width: 1.2, depth: 1.4, dropout: 0.3, ..Self::B0 };
    /// timm's `rw_t`.
    pub const RW_T: Self = Self { stages: &RW_T, head: 1024, ..Self::S };
    /// timm's `rw_s`.
    pub const RW_S: Self = Self { stages: &RW_S, head: 1792, ..Self::S };
    /// timm's `rw_m`.
    pub const RW_M: Self = Self { stem: 32, stages: &RW_M, head: 2152, ..Self::S };
    /// Ours, made by hand for images of 32 pixels: what a search has to beat.
    pub const SMALL_CIFAR: Self =
        Self { stem: 16, stem_stride: 1, stages: &SMALL_CIFAR, head: 256, ..Self::S };

    /// The table with widths and depths scaled: channels to the nearest multiple of eight
    /// (without MobileNet's 10 % guard), layers rounded up. The head does not become narrower.
    pub fn layout(&self, flavour: Flavour) -> Layout {
        let stages = self.stages.iter().map(|stage| Stage {
            channels: self.channels(stage.channels),
            layers: (stage.layers as f64 * self.depth).ceil() as usize,
            ..*stage
        });
        Layout {
            stem: self.channels(self.stem),
            stem_stride: self.stem_stride,
            head: self.channels(self.head).max(self.head),
            flavour,
            dropout: self.dropout,
            stages: stages.collect(),
        }
    }

    fn channels(&self, channels: usize) -> usize {
        round_channels(channels as f64 * self.width, 8)
    }
}
