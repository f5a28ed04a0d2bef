//! VGG-16 for images of about 32 pixels.
//!
//! Papers: Simonyan and Zisserman, *Very Deep Convolutional Networks for Large-Scale Image
//! Recognition*, ICLR 2015 (<https://arxiv.org/abs/1409.1556>), table 1, configuration D; Su et
//! al., *One Pixel Attack for Fooling Deep Neural Networks*, TEVC 2019
//! (<https://arxiv.org/abs/1710.08864>), table III. The later code of that paper's authors is
//! <https://github.com/shashankkotyan/DualQualityAssessment>.
//!
//! | head | hidden layers | convolutions | whose |
//! | --- | --- | --- | --- |
//! | [`Head::Single`] | none | normalised, with biases | the kuangliu project's |
//! | [`Head::Hidden`] | 512 | normalised, without biases | the literature's on pruning |
//! | [`Head::Printed`] | 2048, 2048 | with biases | the one-pixel attack's, table III |
//! | [`Head::Wide`] | 2048, 2048 | normalised, without biases, dropout | the same, trained later |
//!
//! GhostNet's tables need [`Head::Hidden`]; its author names the project of [`Head::Single`].
//!
//! What table III leaves open: as printed it has neither normalisation nor dropout, and so has
//! [`Head::Printed`]; its "softmax" needs a linear layer of as many values as classes, or there
//! would be 2048; rectifiers and padding are those of Simonyan and Zisserman.
//!
//! [`Head::Wide`] is of two sources. The widths of the hidden layers are table III's. The later
//! code, in an earlier state, has the rest: it normalises every convolution and the hidden layer,
//! and drops 0.3 (first stage) and 0.4 of the values between the convolutions of a stage and 0.5
//! before the classifier. Its last state has 0.4 in the first stage too, and all states have one
//! hidden layer of 512. Here 0.5 are dropped between the hidden layers as well, and convolutions
//! have no biases, which their normalisations would take away. First values of both forms are those
//! of He et al.
//!
//! Names are kuangliu's and torchvision's (`features.N` counts modules, pooling and activations
//! included, but no dropout).
//!
//! Ours: a form with a quarter of the channels, for trainings of minutes; global average pooling
//! before the classifier, which at 32 pixels does nothing, so that other sizes work.

use crate::graph::{Activation, Builder, ConvSettings, Graph, NodeId, NormSettings, Pool};
use crate::init::InitScheme;
use crate::registry::ModelOptions;

/// The convolutions of a stage: how many, and their channels.
const STAGES: [(usize, usize); 5] = [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)];

/// Which of the forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// One linear layer; convolutions have biases.
    Single,
    /// A hidden layer of 512; convolutions have no biases.
    Hidden,
    /// Two hidden layers of 2048, normalised too, and dropout all over.
    Wide,
    /// Two hidden layers of 2048; no normalisation and no dropout.
    Printed,
}

impl Head {
    fn normalises(self) -> bool {
        self != Self::Printed
    }

    fn convolutions_have_biases(self) -> bool {
        matches!(self, Self::Single | Self::Printed)
    }

    fn init(self) -> InitScheme {
        match self {
            Self::Single | Self::Hidden => InitScheme::FanOutNormal,
            Self::Wide | Self::Printed => InitScheme::FanInNormal,
        }
    }

    /// The dropout after convolution `layer` of stage `stage`, which has `count`.
    fn dropout(self, stage: usize, layer: usize, count: usize) -> f64 {
        match self {
            Self::Wide if layer + 1 == count => 0.0,
            Self::Wide => [0.3, 0.4][stage.min(1)],
            _ => 0.0,
        }
    }
}

/// VGG-16 with one of the heads, and with the paper's channels divided by `divisor`.
pub fn vgg16(head: Head, divisor: usize, options: &ModelOptions) -> Graph {
    let (mut b, image) = Builder::new(options.in_channels, head.init(), NormSettings::default());
    let (mut x, mut module) = (image, 0);
    for (stage, (count, channels)) in STAGES.into_iter().enumerate() {
        for layer in 0..count {
            let bias = head.convolutions_have_biases();
            let settings = ConvSettings { bias, ..ConvSettings::new(channels / divisor, 3) };
            x = b.conv(&format!("features.{module}"), x, settings);
            module += 1;
            if head.normalises() {
                x = b.batch_norm(&format!("features.{module}"), x);
                module += 1;
            }
            x = b.activation(x, Activation::Relu);
            module += 1;
            let dropout = head.dropout(stage, layer, count);
            if dropout > 0.0 {
                let name = format!("dropout.{stage}.{layer}");
                x = b.dropout(&name, x, options.dropout.unwrap_or(dropout));
            }
        }
        b.end_stage(x);
        let halved = Pool { kernel: [2; 2], stride: [2; 2], padding: [0; 2] };
        x = b.max_pool(&format!("features.{module}"), x, halved);
        module += 1;
    }
    classify(b, head, divisor, x, options)
}

fn classify(
    mut b: Builder,
    head: Head,
    divisor: usize,
    features: NodeId,
    options: &ModelOptions,
) -> Graph {
    let mut pooled = b.global_avg_pool("global_pool", features);
    let own_dropout = if head == Head::Wide { 0.5 } else { 0.0 };
    let dropout = options.dropout.unwrap_or(own_dropout);
    let hidden: &[usize] = match head {
        Head::Single => &[],
        Head::Hidden => &[512],
        Head::Wide | Head::Printed => &[2048; 2],
    };
    let mut module = 0;
    for (layer, width) in hidden.iter().enumerate() {
        if layer > 0 {
            pooled = b.dropout("dropout", pooled, dropout);
        }
        pooled = b.linear(&format!("classifier.{module}"), pooled, width / divisor);
        module += 1;
        if head == Head::Wide {
            pooled = b.batch_norm(&format!("classifier.{module}"), pooled);
            module += 1;
        }
        pooled = b.activation(pooled, Activation::Relu);
        module += 1;
    }
    let name = if hidden.is_empty() { "classifier" } else { &format!("classifier.{module}") };
    let dropped = b.dropout("dropout", pooled, dropout);
    let logits = b.linear(name, dropped, options.num_classes);
    b.finish(features, pooled, logits)
}
