//! AllConv, the network without pooling, for images of about 32 pixels.
//!
//! Papers: Springenberg et al., *Striving for Simplicity: The All Convolutional Net*, ICLR 2015
//! workshop (<https://arxiv.org/abs/1412.6806>), table 1, All-CNN-C; Su et al., *One Pixel Attack
//! for Fooling Deep Neural Networks*, TEVC 2019 (<https://arxiv.org/abs/1710.08864>), table I. The
//! later code of that paper's authors is <https://github.com/shashankkotyan/DualQualityAssessment>.
//!
//! | form | convolution 7 | normalised | dropout |
//! | --- | --- | --- | --- |
//! | [`Form::Kaggle`], table I | 3×3, stride 1, no padding | after convolution 1 | 0.3 after 5 |
//! | [`Form::Original`], for the original CIFAR-10 | the same | nowhere | the same |
//! | [`Form::Normalised`], the later code | padded | after each | 0.2, 0.5, 0.5 after 1, 3, 6 |
//!
//! Table I as printed is impossible: it gives convolution 7 a stride of 2, which leaves a map of
//! 4×4 for a mean over 6×6. All-CNN-C has stride 1 without padding there, which leaves 6×6. The
//! table shows no normalisation; the text says that the network for the original CIFAR-10 loses the
//! one of its first layer, so the other has one there.
//!
//! What table I leaves open: all convolutions but the seventh are padded, each is followed by its
//! normalisation and a rectifier, and first values are those of He et al., as in the later code.
//!
//! Deviations from the later code: it has a second padded 3×3 convolution of 192 channels after
//! convolution 7, and it normalises and rectifies the classifier's maps too. Its last state has the
//! normalisations commented out.
//!
//! Ours: the classifier is a 1×1 convolution *after* the mean, with neither normalisation nor
//! activation; without them it commutes with the mean. The mean is over all of the map, so that
//! other sizes work. Convolutions that are normalised have no bias.

use crate::graph::{Activation, Builder, ConvSettings, Graph, NodeId, NormSettings, Padding};
use crate::init::InitScheme;
use crate::registry::ModelOptions;

/// Which of the three forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The one that was attacked on Kaggle's version of CIFAR-10.
    Kaggle,
    /// The one that was attacked on the original test set.
    Original,
    /// The one of the authors' later code.
    Normalised,
}

/// Channels, kernel and stride of the convolutions before the classifier.
const LAYERS: [(usize, usize, usize); 8] = [
    (96, 3, 1),
    (96, 3, 1),
    (96, 3, 2),
    (192, 3, 1),
    (192, 3, 1),
    (192, 3, 2),
    (192, 3, 1),
    (192, 1, 1),
];

impl Form {
    /// Whether convolution `layer` (from 1) is normalised.
    fn normalises(self, layer: usize) -> bool {
        match self {
            Self::Kaggle => layer == 1,
            Self::Original => false,
            Self::Normalised => true,
        }
    }

    /// The share of the output of convolution `layer` (from 1) that is dropped.
    fn dropout(self, layer: usize) -> f64 {
        match (self, layer) {
            (Self::Normalised, 1) => 0.2,
            (Self::Normalised, 3 | 6) => 0.5,
            (Self::Kaggle | Self::Original, 5) => 0.3,
            _ => 0.0,
        }
    }

    fn padding(self, layer: usize) -> Padding {
        let is_valid = layer == 7 && self != Self::Normalised;
        if is_valid { Padding::Symmetric([0; 2]) } else { Padding::Same }
    }
}

/// An AllConv network.
pub fn allconv(form: Form, options: &ModelOptions) -> Graph {
    let (mut b, image) =
        Builder::new(options.in_channels, InitScheme::FanInNormal, NormSettings::default());
    let mut x = image;
    for (layer, settings) in (1..).zip(LAYERS) {
        x = convolve(&mut b, form, (layer, settings), x);
        if matches!(layer, 2 | 5 | 8) {
            b.end_stage(x);
        }
        let dropout = form.dropout(layer);
        if dropout > 0.0 {
            let name = format!("dropout{layer}");
            x = b.dropout(&name, x, options.dropout.unwrap_or(dropout));
        }
    }
    let pooled = b.global_avg_pool("global_pool", x);
    let logits = b.conv("conv9", pooled, ConvSettings::new(options.num_classes, 1).with_bias());
    b.finish(x, pooled, logits)
}

fn convolve(
    b: &mut Builder,
    form: Form,
    (layer, (channels, kernel, stride)): (usize, (usize, usize, usize)),
    x: NodeId,
) -> NodeId {
    let settings = ConvSettings {
        bias: !form.normalises(layer),
        ..ConvSettings::new(channels, kernel).stride(stride).padding(form.padding(layer))
    };
    let mut x = b.conv(&format!("conv{layer}"), x, settings);
    if form.normalises(layer) {
        x = b.batch_norm(&format!("bn{layer}"), x);
    }
    b.activation(x, Activation::Relu)
}
