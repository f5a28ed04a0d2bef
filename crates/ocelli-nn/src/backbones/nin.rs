//! Network in Network for images of about 32 pixels.
//!
//! Papers: Lin et al., *Network In Network*, ICLR 2014 (<https://arxiv.org/abs/1312.4400>); Su et
//! al., *One Pixel Attack for Fooling Deep Neural Networks*, TEVC 2019
//! (<https://arxiv.org/abs/1710.08864>), table II. The later code of that paper's authors is
//! <https://github.com/shashankkotyan/DualQualityAssessment>.
//!
//! | Lin et al. | here |
//! | --- | --- |
//! | blocks of a convolution and 1×1 convolutions, section 3.1 | convolutions 1–3, 4–6, 7–9 |
//! | global average pooling, section 3.2 | all forms but [`Form::Original`] |
//!
//! | form | kernels of block 2 | second pooling | before the softmax | normalised |
//! | --- | --- | --- | --- | --- |
//! | [`Form::Kaggle`], table II corrected | 5, 1, 1 | mean | mean | nowhere |
//! | [`Form::Printed`], table II | 5, 5, 5 | mean | mean | nowhere |
//! | [`Form::Original`], for the original CIFAR-10 | 5, 1, 1 | mean | linear layer | nowhere |
//! | [`Form::Normalised`], the later code | 5, 1, 1 | maximum | mean | after each |
//!
//! Three 5×5 kernels in block 2 are most likely a misprint: Lin et al. and the later code have 5,
//! 1, 1. On the original CIFAR-10 the network "loses its second average pooling", which we take to
//! be the last one, before "flatten" and "softmax"; ten maps of 8×8 then need a linear layer, and
//! the network takes images of 32 pixels only.
//!
//! What table II leaves open: convolutions are padded to keep the size, each is followed by a
//! rectifier (in [`Form::Original`] that of the classes too), and first values are those of He et
//! al., as in the later code. Windows of 3×3 pixels with stride 2 are padded by one on all sides,
//! where the later code pads behind alone; no mean counts padding.
//!
//! Ours: where a mean ends the network, the classifier is a 1×1 convolution *after* it, with
//! neither normalisation nor activation, which the later code has; without them it commutes with
//! the mean. That mean is over all of the map, so that other sizes work. Convolutions that are
//! normalised have no bias.

use crate::graph::{Activation, Builder, ConvSettings, Graph, NodeId, NormSettings, Pool};
use crate::init::InitScheme;
use crate::registry::ModelOptions;

/// Which of the four forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The one that was attacked on Kaggle's version of CIFAR-10, with its misprint corrected.
    Kaggle,
    /// The one of table II, word for word.
    Printed,
    /// The one that was attacked on the original test set.
    Original,
    /// The one of the authors' later code.
    Normalised,
}

/// The dropout after each of the two poolings.
const DROPOUT: f64 = 0.5;

/// What halves the resolution.
const HALVED: Pool = Pool { kernel: [3; 2], stride: [2; 2], padding: [1; 2] };

/// A Network in Network.
pub fn nin(form: Form, options: &ModelOptions) -> Graph {
    let (mut b, image) =
        Builder::new(options.in_channels, InitScheme::FanInNormal, NormSettings::default());
    let dropout = options.dropout.unwrap_or(DROPOUT);
    let second = if form == Form::Printed { [5; 3] } else { [5, 1, 1] };

    let mut x = image;
    for (layer, (channels, kernel)) in (1..).zip([(192, 5), (160, 1), (96, 1)]) {
        x = convolve(&mut b, form, layer, [channels, kernel], x);
    }
    b.end_stage(x);
    x = b.max_pool("pool1", x, HALVED);
    x = b.dropout("dropout1", x, dropout);
    for (layer, kernel) in (4..).zip(second) {
        x = convolve(&mut b, form, layer, [192, kernel], x);
    }
    b.end_stage(x);
    x = if form == Form::Normalised {
        b.max_pool("pool2", x, HALVED)
    } else {
        b.avg_pool("pool2", x, HALVED)
    };
    x = b.dropout("dropout2", x, dropout);
    for (layer, kernel) in (7..).zip([3, 1]) {
        x = convolve(&mut b, form, layer, [192, kernel], x);
    }
    b.end_stage(x);
    classify(b, form, x, options.num_classes)
}

fn convolve(
    b: &mut Builder,
    form: Form,
    layer: usize,
    [channels, kernel]: [usize; 2],
    x: NodeId,
) -> NodeId {
    let is_normalised = form == Form::Normalised;
    let settings = ConvSettings { bias: !is_normalised, ..ConvSettings::new(channels, kernel) };
    let mut x = b.conv(&format!("conv{layer}"), x, settings);
    if is_normalised {
        x = b.batch_norm(&format!("bn{layer}"), x);
    }
    b.activation(x, Activation::Relu)
}

fn classify(mut b: Builder, form: Form, features: NodeId, num_classes: usize) -> Graph {
    /// Height and width of the last map.
    const SIZE: usize = 8;
    let maps = ConvSettings::new(num_classes, 1).with_bias();
    if form == Form::Original {
        let x = b.conv("conv9", features, maps);
        let x = b.activation(x, Activation::Relu);
        let pooled = b.flatten("flatten", x, num_classes * SIZE * SIZE);
        let logits = b.linear("fc", pooled, num_classes);
        return b.finish(features, pooled, logits);
    }
    let pooled = b.global_avg_pool("global_pool", features);
    let logits = b.conv("conv9", pooled, maps);
    b.finish(features, pooled, logits)
}
