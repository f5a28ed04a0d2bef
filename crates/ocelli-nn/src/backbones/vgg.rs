//! VGG-16 for images of about 32 pixels.
//!
//! Paper: Simonyan and Zisserman, *Very Deep Convolutional Networks for Large-Scale Image
//! Recognition*, ICLR 2015 (<https://arxiv.org/abs/1409.1556>), table 1, configuration D.
//!
//! There are two forms of it for CIFAR, both with batch normalisation and without the paper's three
//! wide layers: the kuangliu project's, whose convolutions have biases and whose classifier is a
//! single layer, and that of the literature on pruning, without those biases and with one hidden
//! layer of 512. GhostNet's tables need the second, its author names the first. Names are those of
//! the first (`features.N` counts modules, pooling and activations included).
//!
//! Ours: a form with a quarter of the channels, for trainings of minutes; global average pooling before the classifier, which at 32 pixels does nothing, so that other
//! sizes work.

use crate::graph::{Activation, Builder, ConvSettings, Graph, NormSettings, Pool};
use crate::init::InitScheme;
use crate::registry::ModelOptions;

/// The convolutions of a stage: how many, and their channels.
const STAGES: [(usize, usize); 5] = [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)];

/// Which of the two forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// One linear layer; convolutions have biases.
    Single,
    /// A hidden layer of 512; convolutions have no biases.
    Hidden,
}

/// VGG-16 with one of the two heads, and with the paper's channels divided by `divisor`.
pub fn vgg16(head: Head, divisor: usize, options: &ModelOptions) -> Graph {
    let (mut b, image) =
        Builder::new(options.in_channels, InitScheme::FanOutNormal, NormSettings::default());
    let bias = head == Head::Single;
    let (mut x, mut module) = (image, 0);
    for (count, channels) in STAGES {
        for _ in 0..count {
            let settings = ConvSettings { bias, ..ConvSettings::new(channels / divisor, 3) };
            x = b.conv(&format!("features.{module}"), x, settings);
            x = b.batch_norm(&format!("features.{}", module + 1), x);
            x = b.activation(x, Activation::Relu);
            module += 3;
        }
        b.end_stage(x);
        let halved = Pool { kernel: [2; 2], stride: [2; 2], padding: [0; 2] };
        x = b.max_pool(&format!("features.{module}"), x, halved);
        module += 1;
    }
    let features = x;
    let mut pooled = b.global_avg_pool("global_pool", features);
    let name = match head {
        Head::Single => "classifier",
        Head::Hidden => {
            pooled = b.linear("classifier.0", pooled, 512 / divisor);
            pooled = b.activation(pooled, Activation::Relu);
            "classifier.2"
        }
    };
    let dropped = b.dropout("dropout", pooled, options.dropout.unwrap_or(0.0));
    let logits = b.linear(name, dropped, options.num_classes);
    b.finish(features, pooled, logits)
}
