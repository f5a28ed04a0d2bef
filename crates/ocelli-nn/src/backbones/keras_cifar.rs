//! LeNet and ResNet-32 of the Keras re-implementation of the one-pixel attack, for CIFAR-10.
//!
//! Project: <https://github.com/Hyperparticle/one-pixel-attack-keras>, whose weights these networks
//! read. Layers have the names that Keras gives them, which count layers of a kind in the order in
//! which they are made.
//!
//! Papers: LeCun et al., *Gradient-Based Learning Applied to Document Recognition*, Proceedings of
//! the IEEE 86(11), 1998 (<https://doi.org/10.1109/5.726791>); He et al., *Identity Mappings in
//! Deep Residual Networks*, ECCV 2016 (<https://arxiv.org/abs/1603.05027>).
//!
//! | paper | here |
//! | --- | --- |
//! | LeNet-5, figure 2 of LeCun et al. | [`lenet`] |
//! | blocks with "full pre-activation", figure 4(e) of He et al. | [`resnet32`] |
//!
//! Deviations of the project, and so of these: LeNet has rectifiers instead of sigmoids, maxima
//! instead of scaled sums, all maps in each convolution, and a softmax. ResNet-32 has biases in its
//! convolutions and Keras's ε of 1e-3; where the size changes, a projection of a block's input,
//! before it is normalised, is the shortcut. A padding that is odd has its larger half behind.
//!
//! Ours: the first dense layer of LeNet, which reads 5×5 pixels of 16 channels, is written as a
//! convolution without padding, as LeCun et al. have it, and followed by a mean, so that other
//! sizes work; at 32 pixels both are the same. Dropout and stochastic depth are there to be set;
//! the project has none.

use crate::graph::{Activation, Builder, ConvSettings, Graph, NodeId, NormSettings, Padding, Pool};
use crate::init::InitScheme;
use crate::registry::ModelOptions;

const VALID: Padding = Padding::Symmetric([0; 2]);
const HALVED: Pool = Pool { kernel: [2; 2], stride: [2; 2], padding: [0; 2] };

/// LeNet-5 with rectifiers and maxima.
pub fn lenet(options: &ModelOptions) -> Graph {
    let (mut b, image) =
        Builder::new(options.in_channels, InitScheme::FanInNormal, NormSettings::default());
    let conv = |channels| ConvSettings::new(channels, 5).padding(VALID).with_bias();
    let mut x = image;
    for (name, pool, channels) in
        [("conv2d_1", "max_pooling2d_1", 6), ("conv2d_2", "max_pooling2d_2", 16)]
    {
        x = b.conv(name, x, conv(channels));
        x = b.activation(x, Activation::Relu);
        b.end_stage(x);
        x = b.max_pool(pool, x, HALVED);
    }
    x = b.conv("dense_1", x, conv(120));
    let features = b.activation(x, Activation::Relu);
    x = b.global_avg_pool("global_pool", features);
    x = b.linear("dense_2", x, 84);
    x = b.activation(x, Activation::Relu);
    let pooled = b.dropout("dropout", x, options.dropout.unwrap_or(0.0));
    let logits = b.linear("dense_3", pooled, options.num_classes);
    b.finish(features, pooled, logits)
}

/// Blocks per stage: 6n + 2 layers.
const BLOCKS: usize = 5;

/// Keras averages with a momentum of 0.99, which is the weight of the old.
const NORM: NormSettings = NormSettings { epsilon: 1e-3, momentum: 0.01 };

/// ResNet-32 whose normalisations stand before the convolutions, with projections where the size
/// changes.
pub fn resnet32(options: &ModelOptions) -> Graph {
    let (b, image) = Builder::new(options.in_channels, InitScheme::FanInNormal, NORM);
    let mut layers = Layers { builder: b, convolutions: 0, norms: 0 };
    let mut x = layers.conv(image, ConvSettings::new(16, 3));
    let mut done = 0;
    for stage in 0..3 {
        for block in 0..BLOCKS {
            let stride = if block == 0 && stage > 0 { 2 } else { 1 };
            let depth = f64::from(done) / (3 * BLOCKS) as f64;
            x = layers.block(x, 16 << stage, stride, options.drop_path.unwrap_or(0.0) * depth);
            done += 1;
        }
        layers.builder.end_stage(x);
    }
    let features = layers.norm_relu(x);
    let mut b = layers.builder;
    let pooled = b.global_avg_pool("global_pool", features);
    let dropped = b.dropout("dropout", pooled, options.dropout.unwrap_or(0.0));
    let logits = b.linear("dense_1", dropped, options.num_classes);
    b.finish(features, pooled, logits)
}

/// A network whose layers count themselves.
struct Layers {
    builder: Builder,
    convolutions: usize,
    norms: usize,
}

impl Layers {
    fn conv(&mut self, x: NodeId, settings: ConvSettings) -> NodeId {
        self.convolutions += 1;
        let settings = settings.padding(Padding::Same).with_bias();
        self.builder.conv(&format!("conv2d_{}", self.convolutions), x, settings)
    }

    fn norm_relu(&mut self, x: NodeId) -> NodeId {
        self.norms += 1;
        let x = self.builder.batch_norm(&format!("batch_normalization_{}", self.norms), x);
        self.builder.activation(x, Activation::Relu)
    }

    fn block(&mut self, x: NodeId, channels: usize, stride: usize, drop_path: f64) -> NodeId {
        let y = self.norm_relu(x);
        let y = self.conv(y, ConvSettings::new(channels, 3).stride(stride));
        let y = self.norm_relu(y);
        let y = self.conv(y, ConvSettings::new(channels, 3));
        let name = format!("add_{}", self.norms / 2);
        let shortcut = if stride == 1 {
            x
        } else {
            self.conv(x, ConvSettings::new(channels, 1).stride(stride))
        };
        let y = self.builder.drop_path(&name, y, drop_path);
        self.builder.add(&name, y, shortcut)
    }
}
