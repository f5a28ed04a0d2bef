//! ResNet for CIFAR-10.
//!
//! Paper: He et al., *Deep Residual Learning for Image Recognition*, CVPR 2016
//! (<https://arxiv.org/abs/1512.03385>), section 4.2: a 3×3 stem of 16 channels, three stages of n
//! basic blocks with 16, 32 and 64 channels, parameter-free shortcuts (option A), a linear
//! classifier. Names are those of the akamaster project, whose weights these networks read.

use crate::graph::{Activation, Builder, ConvSettings, Graph, NormSettings};
use crate::init::InitScheme;
use crate::layers::conv_norm_act;
use crate::registry::ModelOptions;

/// The CIFAR ResNet with 6n + 2 layers, `blocks` being n.
pub fn resnet_cifar(blocks: usize, options: &ModelOptions) -> Graph {
    let (mut b, image) =
        Builder::new(options.in_channels, InitScheme::FanInNormal, NormSettings::default());
    let relu = Some(Activation::Relu);
    let mut x = conv_norm_act(&mut b, ["conv1", "bn1"], image, ConvSettings::new(16, 3), relu);
    let mut done = 0;
    for stage in 0..3 {
        let channels = 16 << stage;
        for block in 0..blocks {
            let name = format!("layer{}.{block}", stage + 1);
            let part = |suffix: &str| format!("{name}.{suffix}");
            let stride = if block == 0 && stage > 0 { 2 } else { 1 };
            let first = ConvSettings::new(channels, 3).stride(stride);
            let y = conv_norm_act(&mut b, [&part("conv1"), &part("bn1")], x, first, relu);
            let second = ConvSettings::new(channels, 3);
            let y = conv_norm_act(&mut b, [&part("conv2"), &part("bn2")], y, second, None);
            let rate = options.drop_path.unwrap_or(0.0) * f64::from(done) / (3 * blocks) as f64;
            let y = b.drop_path(&name, y, rate);
            let shortcut = if stride == 1 { x } else { b.pad_shortcut(&name, x, channels, stride) };
            let sum = b.add(&name, y, shortcut);
            x = b.activation(sum, Activation::Relu);
            done += 1;
        }
        b.end_stage(x);
    }
    let pooled = b.global_avg_pool("global_pool", x);
    let dropped = b.dropout("dropout", pooled, options.dropout.unwrap_or(0.0));
    let logits = b.linear("linear", dropped, options.num_classes);
    b.finish(x, pooled, logits)
}
