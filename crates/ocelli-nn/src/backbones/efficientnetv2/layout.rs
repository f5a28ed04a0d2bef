//! A network of the family as a table of stages, which a recipe can write down.

use crate::graph::Padding;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// What a stage repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BlockKind {
    /// MBConv: an inverted bottleneck around a depthwise convolution.
    #[serde(rename = "mbconv")]
    MbConv,
    /// Fused-MBConv: expansion and depthwise convolution are one dense convolution.
    #[serde(rename = "fused_mbconv")]
    FusedMbConv,
}

/// Which framework's conventions a network follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flavour {
    /// 'SAME' padding and ε = 1e-3: Google's weights.
    TensorFlow,
    /// Symmetric padding and ε = 1e-3: torchvision's weights.
    Torchvision,
    /// Symmetric padding and ε = 1e-5: timm's own.
    PyTorch,
}

impl Flavour {
    pub(super) fn padding(self) -> Option<Padding> {
        match self {
            Self::TensorFlow => Some(Padding::Same),
            Self::Torchvision | Self::PyTorch => None,
        }
    }

    pub(super) fn epsilon(self) -> f64 {
        match self {
            Self::TensorFlow | Self::Torchvision => 1e-3,
            Self::PyTorch => 1e-5,
        }
    }
}

/// One stage of a network.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// What it repeats.
    pub op: BlockKind,
    /// Height and width of the spatial kernel, an odd number.
    #[serde(default = "three")]
    pub kernel: usize,
    /// The stride of its first block.
    #[serde(default = "one")]
    pub stride: usize,
    /// The expansion ratio.
    pub expand: usize,
    /// Channels of its results.
    pub channels: usize,
    /// How many blocks.
    pub layers: usize,
    /// The share of a block's input channels that squeeze-and-excitation keeps, 0 for none. If
    /// absent it is the paper's: 0.25 in MBConv, none in Fused-MBConv. A Fused-MBConv that is a single
    /// convolution (expansion 1 without `always_project`) has no place for one, and refuses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub squeeze_ratio: Option<f64>,
    /// Whether a Fused-MBConv with expansion 1 has its 1×1 projection all the same, as in timm's
    /// `rw` networks. In the paper it is a single convolution.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub always_project: bool,
}

const fn three() -> usize {
    3
}

const fn one() -> usize {
    1
}

impl Stage {
    /// The ratio of squeeze-and-excitation, or none.
    pub(super) fn squeeze(&self) -> Option<f64> {
        match (self.squeeze_ratio, self.op) {
            (Some(ratio), _) => (ratio > 0.0).then_some(ratio),
            (None, BlockKind::MbConv) => Some(0.25),
            (None, BlockKind::FusedMbConv) => None,
        }
    }
}

/// A network of the family, stage by stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Layout {
    /// Channels of the stem's 3×3 convolution.
    pub stem: usize,
    /// The stride of the stem: 2, or 1 for images of about 32 pixels.
    pub stem_stride: usize,
    /// Channels of the 1×1 convolution before pooling.
    pub head: usize,
    /// Whose padding and ε.
    pub flavour: Flavour,
    /// Dropout before the classifier, where the options name none.
    pub dropout: f64,
    /// The stages, from the image to the head.
    pub stages: Vec<Stage>,
}

impl Default for Layout {
    /// EfficientNetV2-S's stem and head, without stages.
    fn default() -> Self {
        Self {
            stem: 24,
            stem_stride: 2,
            head: 1280,
            flavour: Flavour::PyTorch,
            dropout: 0.2,
            stages: Vec::new(),
        }
    }
}

/// Bounds on what a file or a command line can make us build: far above any published network.
const MAX_CHANNELS: usize = 1 << 13;
const MAX_STAGES: usize = 32;
const MAX_LAYERS: usize = 128;
const MAX_EXPAND: usize = 32;
const MAX_STRIDE: usize = 4;
const MAX_KERNEL: usize = 31;

impl Layout {
    /// Checks every field.
    ///
    /// # Errors
    /// [`Error::ModelOption`] with the first field that is out of range, as in
    /// `layout.stages.3.kernel`.
    pub fn check(&self) -> Result<()> {
        within("layout.stem", self.stem, MAX_CHANNELS)?;
        within("layout.stem_stride", self.stem_stride, MAX_STRIDE)?;
        within("layout.head", self.head, MAX_CHANNELS)?;
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(refuse("layout.dropout", self.dropout.to_string(), "from 0 to below 1"));
        }
        if !(1..=MAX_STAGES).contains(&self.stages.len()) {
            let expected = format!("1 to {MAX_STAGES} stages");
            return Err(refuse("layout.stages", self.stages.len().to_string(), &expected));
        }
        self.stages.iter().enumerate().try_for_each(|(at, stage)| stage.check(at))
    }
}

impl Stage {
    fn check(&self, at: usize) -> Result<()> {
        let field = |name: &str| format!("layout.stages.{at}.{name}");
        if self.kernel.is_multiple_of(2) || self.kernel > MAX_KERNEL {
            let expected = format!("an odd number up to {MAX_KERNEL}");
            return Err(refuse(&field("kernel"), self.kernel.to_string(), &expected));
        }
        for (name, value, most) in [
            ("stride", self.stride, MAX_STRIDE),
            ("expand", self.expand, MAX_EXPAND),
            ("channels", self.channels, MAX_CHANNELS),
            ("layers", self.layers, MAX_LAYERS),
        ] {
            within(&field(name), value, most)?;
        }
        let Some(ratio) = self.squeeze_ratio else { return Ok(()) };
        let refuse = |expected| Err(refuse(&field("squeeze_ratio"), ratio.to_string(), expected));
        if !(0.0..=1.0).contains(&ratio) {
            return refuse("0 to 1");
        }
        if ratio > 0.0 && self.is_single_convolution() {
            return refuse(
                "0, or `always_project`: expanding once, a fused block is one convolution",
            );
        }
        Ok(())
    }

    /// Whether its blocks are a k×k convolution alone, without a middle where squeeze-and-excitation
    /// could stand.
    pub fn is_single_convolution(&self) -> bool {
        self.op == BlockKind::FusedMbConv && self.expand == 1 && !self.always_project
    }
}

fn within(field: &str, value: usize, most: usize) -> Result<()> {
    if (1..=most).contains(&value) {
        return Ok(());
    }
    Err(refuse(field, value.to_string(), &format!("1 to {most}")))
}

fn refuse(field: &str, value: String, expected: &str) -> Error {
    Error::ModelOption { option: field.to_owned(), value, expected: expected.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbones::efficientnetv2::{Variant, efficientnetv2};
    use crate::registry::ModelOptions;

    #[test]
    fn the_published_networks_are_possible() {
        for variant in [Variant::S, Variant::XL, Variant::B3, Variant::SMALL_CIFAR] {
            variant.layout(Flavour::TensorFlow).check().unwrap();
        }
    }

    #[test]
    fn a_fused_block_has_the_squeeze_that_it_is_given_or_refuses_it() {
        let squeezes = |spoil: fn(&mut Stage)| {
            let mut layout = Variant::SMALL_CIFAR.layout(Flavour::PyTorch);
            spoil(&mut layout.stages[0]);
            layout.check().map(|()| {
                let graph = efficientnetv2(&layout, &ModelOptions::default());
                graph.params().iter().any(|spec| spec.name.starts_with("blocks.0.0.se."))
            })
        };
        assert!(!squeezes(|_| ()).unwrap());
        assert!(!squeezes(|stage| stage.squeeze_ratio = Some(0.0)).unwrap());
        assert!(squeezes(|stage| stage.squeeze_ratio = Some(0.5)).is_err());
        let wide = |stage: &mut Stage| (stage.squeeze_ratio, stage.expand) = (Some(0.5), 4);
        assert!(squeezes(wide).unwrap());
        let projects =
            |stage: &mut Stage| (stage.squeeze_ratio, stage.always_project) = (Some(0.5), true);
        assert!(squeezes(projects).unwrap());
    }

    #[test]
    fn a_field_that_cannot_be_is_named() {
        type Spoil = fn(&mut Layout);
        let cases: [(Spoil, &str); 11] = [
            (|layout| layout.stem = 0, "`layout.stem`: 0"),
            (|layout| layout.stem_stride = 5, "`layout.stem_stride`: 5"),
            (|layout| layout.head = usize::MAX, "`layout.head`: 18446744073709551615"),
            (|layout| layout.dropout = f64::NAN, "`layout.dropout`: NaN"),
            (|layout| layout.stages.clear(), "`layout.stages`: 0"),
            (|layout| layout.stages[3].kernel = 4, "`layout.stages.3.kernel`: 4"),
            (|layout| layout.stages[1].expand = 0, "`layout.stages.1.expand`: 0"),
            (|layout| layout.stages[0].layers = 129, "`layout.stages.0.layers`: 129"),
            (|layout| layout.stages[2].channels = 0, "`layout.stages.2.channels`: 0"),
            (
                |layout| layout.stages[4].squeeze_ratio = Some(1.5),
                "`layout.stages.4.squeeze_ratio`: 1.5",
            ),
            (
                |layout| layout.stages[0].squeeze_ratio = Some(0.25),
                "`layout.stages.0.squeeze_ratio`: 0.25 is not possible, expected 0, or",
            ),
        ];
        for (spoil, expected) in cases {
            let mut layout = Variant::SMALL_CIFAR.layout(Flavour::PyTorch);
            spoil(&mut layout);
            let message = layout.check().unwrap_err().to_string();
            assert!(message.contains(expected), "{expected} in: {message}");
        }
    }
}
