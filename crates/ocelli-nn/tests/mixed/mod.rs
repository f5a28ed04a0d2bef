//! A network of many kinds of operations, for the tests of both engines.

use ocelli_nn::graph::{
    Activation, Builder, ConvSettings, Graph, LocalResponseNorm, NormSettings, Pool, Unit,
};
use ocelli_nn::init::InitScheme;

/// What the registered networks have here and there, in one: groups, several outputs per depthwise
/// channel, biases of such convolutions with and without a normalisation, means over padded windows, a
/// normalisation of neighbouring channels, pixels of length 1, dropout of maps, flattened maps before two linear layers.
pub(crate) fn mixed() -> Graph {
    let (mut b, image) = Builder::new(3, InitScheme::FanInUniform, NormSettings::default());
    let padded = |stride| Pool { kernel: [3; 2], stride: [stride; 2], padding: [1; 2] };
    let x = b.conv("stem", image, ConvSettings::new(12, 3).with_bias());
    let x = b.activation(x, Activation::Silu);
    let response = LocalResponseNorm { size: 5, alpha: 0.8, beta: 0.75, k: 1.0 };
    let x = b.local_response_norm("response", x, response);
    let x = b.avg_pool("means", x, padded(2));
    let x = b.dropout("drop1", x, 0.3);
    let x = b.conv("grouped", x, ConvSettings::new(18, 3).groups(3).with_bias());
    let x = b.batch_norm("grouped_bn", x);
    let x = b.activation(x, Activation::Silu);
    let x = b.apply("unit_pixels", x, Unit);
    let depthwise = ConvSettings { out_channels: 36, ..ConvSettings::depthwise(18, 3).with_bias() };
    let multiplied = b.conv("multiplied", x, depthwise);
    let joined = b.concat("joined", &[x, multiplied], 50);
    let x = b.conv("depthwise", joined, ConvSettings::depthwise(50, 3).with_bias());
    let x = b.batch_norm("depthwise_bn", x);
    let features = b.conv("mix", x, ConvSettings::new(6, 1).groups(2));
    let x = b.max_pool("maxima", features, padded(2));
    let x = b.flatten("flatten", x, 6 * 3 * 2);
    let x = b.linear("hidden", x, 11);
    let x = b.batch_norm("hidden_bn", x);
    let x = b.activation(x, Activation::Silu);
    let x = b.apply("unit", x, Unit);
    let pooled = b.dropout("drop2", x, 0.5);
    let logits = b.linear("fc", pooled, 7);
    b.finish(features, pooled, logits)
}
