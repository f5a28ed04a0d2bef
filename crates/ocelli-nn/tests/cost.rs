//! Costs of a small network against sums that were made by hand.

use ocelli_nn::graph::{Activation, Builder, ConvSettings, Graph, NormSettings};
use ocelli_nn::init::InitScheme;
use ocelli_nn::{Cost, Error};

fn network() -> Graph {
    let (mut b, image) = Builder::new(3, InitScheme::FanInUniform, NormSettings::default());
    let x = b.conv("stem", image, ConvSettings::new(8, 3).stride(2));
    let x = b.batch_norm("stem_bn", x);
    let x = b.activation(x, Activation::Relu);
    let x = b.conv("grouped", x, ConvSettings::new(12, 5).groups(4).with_bias());
    let x = b.conv("depthwise", x, ConvSettings::depthwise(12, 3));
    let features = b.batch_norm("depthwise_bn", x);
    let pooled = b.global_avg_pool("pool", features);
    let logits = b.linear("fc", pooled, 7);
    b.finish(features, pooled, logits)
}

#[test]
fn every_layer_costs_what_a_sum_by_hand_says() -> Result<(), Error> {
    // 10 × 7 pixels, after the stride 5 × 4.
    let cost = Cost::new(&network(), 10, 7)?;
    let layers: Vec<_> = cost
        .layers
        .iter()
        .map(|l| (&*l.name, l.kind, l.output, l.params, l.macs, l.activations))
        .collect();
    assert_eq!(
        layers,
        [
            ("stem", "conv", [8, 5, 4], 8 * 3 * 9, 20 * 8 * 3 * 9, 8 * 20),
            ("stem_bn", "batch_norm", [8, 5, 4], 16, 0, 0),
            // Two channels of the input each.
            ("grouped", "conv", [12, 5, 4], 12 * 2 * 25 + 12, 20 * 12 * 2 * 25, 12 * 20),
            ("depthwise", "conv", [12, 5, 4], 12 * 9, 20 * 12 * 9, 12 * 20),
            ("depthwise_bn", "batch_norm", [12, 5, 4], 24, 0, 0),
            ("fc", "linear", [7, 1, 1], 7 * 12 + 7, 7 * 12, 7),
        ]
    );
    assert_eq!(cost.params, 216 + 16 + 612 + 108 + 24 + 91);
    assert_eq!(cost.macs, 4320 + 12_000 + 2160 + 84);
    assert_eq!(cost.activations, 160 + 240 + 240 + 7);
    assert_eq!(cost.norm_elements, 160 + 240);
    Ok(())
}

#[test]
fn convolutions_cost_more_on_larger_images_and_parameters_do_not() -> Result<(), Error> {
    let (small, large) = (Cost::new(&network(), 10, 7)?, Cost::new(&network(), 20, 14)?);
    assert_eq!(small.params, large.params);
    // 10 × 7 outputs in place of 5 × 4; the classifier sees one pixel.
    assert_eq!(large.macs, (small.macs - 84) / 20 * 70 + 84);
    assert_eq!(large.norm_elements, small.norm_elements / 20 * 70);
    Ok(())
}
