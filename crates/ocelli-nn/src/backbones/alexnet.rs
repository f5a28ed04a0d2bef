//! AlexNet as the Berkeley Vision and Learning Center trained it, for images of 227 pixels.
//!
//! Paper: Krizhevsky et al., *ImageNet Classification with Deep Convolutional Neural Networks*,
//! NIPS 2012
//! (<https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks>).
//! Layers, names and constants are those of Caffe's `bvlc_alexnet`
//! (<https://github.com/BVLC/caffe/tree/master/models/bvlc_alexnet>): 60,965,224 parameters. It is
//! the network of the one-pixel attack on ImageNet (Su et al. 2019,
//! <https://arxiv.org/abs/1710.08864>, table IV).
//!
//! | paper | here |
//! | --- | --- |
//! | rectifiers, section 3.1 | after every layer but `fc8` |
//! | two groups, sections 3.2 and 3.5 | convolutions 2, 4 and 5 |
//! | local response normalisation, section 3.3 | [`RESPONSE`] |
//! | overlapping pooling, section 3.4 | [`OVERLAPPING`] |
//! | eight layers, section 3.5 | [`alexnet`] |
//! | dropout, section 4.2 | after `fc6` and `fc7` |
//!
//! Deviations of Caffe's network, and so of this one: α of the response normalisation is divided by
//! the five channels that it sums, and k is 1 instead of 2; images of 227 pixels, not 224.
//!
//! Ours: colours are in the order red, green, blue, so the first kernels of a file of Caffe's would
//! have to be turned round; a mean colour is subtracted, where Caffe has a mean image; first values
//! are those of He et al., with which inputs of any scale train.

use crate::graph::{
    Activation, Builder, ConvSettings, Graph, LocalResponseNorm, NodeId, NormSettings, Padding,
    Pool,
};
use crate::init::InitScheme;
use crate::registry::ModelOptions;

/// The constants of the two normalisations.
pub const RESPONSE: LocalResponseNorm =
    LocalResponseNorm { size: 5, alpha: 1e-4, beta: 0.75, k: 1.0 };

/// The window of the three poolings.
pub const OVERLAPPING: Pool = Pool { kernel: [3; 2], stride: [2; 2], padding: [0; 2] };

/// The dropout of the hidden linear layers.
const DROPOUT: f64 = 0.5;

/// Height and width of the last feature map.
const SIZE: usize = 6;

/// The BVLC AlexNet.
pub fn alexnet(options: &ModelOptions) -> Graph {
    let (mut b, image) =
        Builder::new(options.in_channels, InitScheme::FanInNormal, NormSettings::default());
    let conv = |channels, kernel| ConvSettings::new(channels, kernel).with_bias();
    let first = conv(96, 11).stride(4).padding(Padding::Symmetric([0; 2]));

    let mut x = convolve(&mut b, "conv1", image, first);
    x = b.local_response_norm("norm1", x, RESPONSE);
    x = b.max_pool("pool1", x, OVERLAPPING);
    x = convolve(&mut b, "conv2", x, conv(256, 5).groups(2));
    x = b.local_response_norm("norm2", x, RESPONSE);
    x = b.max_pool("pool2", x, OVERLAPPING);
    x = convolve(&mut b, "conv3", x, conv(384, 3));
    x = convolve(&mut b, "conv4", x, conv(384, 3).groups(2));
    let features = convolve(&mut b, "conv5", x, conv(256, 3).groups(2));
    b.end_stage(features);

    x = b.max_pool("pool5", features, OVERLAPPING);
    x = b.flatten("flatten", x, 256 * SIZE * SIZE);
    for (layer, dropout) in [("fc6", "drop6"), ("fc7", "drop7")] {
        x = b.linear(layer, x, 4096);
        x = b.activation(x, Activation::Relu);
        x = b.dropout(dropout, x, options.dropout.unwrap_or(DROPOUT));
    }
    let logits = b.linear("fc8", x, options.num_classes);
    b.finish(features, x, logits)
}

fn convolve(b: &mut Builder, name: &str, x: NodeId, settings: ConvSettings) -> NodeId {
    let x = b.conv(name, x, settings);
    b.activation(x, Activation::Relu)
}
