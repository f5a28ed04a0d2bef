//! A planned training step computes what burn computes operation by operation.

#![expect(clippy::expect_used, reason = "a helper of a test fails the test")]

mod mixed;
mod support;

use burn::tensor::{Device, Tensor};
use mixed::mixed;
use ocelli_nn::ghostify::Ghost;
use ocelli_nn::graph::{Activation, Builder, ConvSettings, Graph, NodeId, NormSettings};
use ocelli_nn::init::InitScheme;
use ocelli_nn::registry::{self, ModelOptions};
use ocelli_nn::{Error, GradientEngine, Gradients, Network, Pass, TrainPass};
use ocelli_random::Seed;
use ocelli_testkit::relative_error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use support::{noise, values};

#[test]
fn registered_networks_have_plans_that_are_right() -> Result<(), Error> {
    for name in
        ["ghostnet_050", "tf_efficientnetv2_b0", "mobilenetv2_100", "resnet18", "resnet20_cifar"]
    {
        let model = registry::find(name)?;
        let options = ModelOptions { num_classes: 7, ..model.options() };
        let network = model.network(&options, Seed(3), &Device::flex())?;
        for [height, width] in [[64, 64], [65, 47]] {
            let engine = plan_equals_burn(name, &network, [5, 3, height, width]);
            assert!(engine.has_plan(), "{name} has no plan");
        }
    }
    Ok(())
}

/// The networks of the one-pixel attack, at the only size that some of them take, on a batch in which no ReLU
/// is so near to zero that rounding decides on its side.
#[test]
fn attacked_networks_have_plans_that_are_right() -> Result<(), Error> {
    for name in [
        "allconv_cifar",
        "allconv_bn_cifar",
        "nin_cifar",
        "nin_original_cifar",
        "nin_bn_cifar",
        "vgg16_fc2048_cifar",
        "vgg16_fc2048_bn_cifar",
        "lenet_keras_cifar",
        "resnet32_keras_cifar",
    ] {
        let model = registry::find(name)?;
        let options = ModelOptions { num_classes: 7, ..model.options() };
        let network = model.network(&options, Seed(3), &Device::flex())?;
        let engine = plan_equals_burn(name, &network, [8, 3, 32, 32]);
        assert!(engine.has_plan(), "{name} has no plan");
    }
    Ok(())
}

#[test]
fn alexnet_has_a_plan_that_is_right() -> Result<(), Error> {
    let model = registry::find("bvlc_alexnet")?;
    let options = ModelOptions { num_classes: 7, ..model.options() };
    let network = model.network(&options, Seed(3), &Device::flex())?;
    let engine = plan_equals_burn("bvlc_alexnet", &network, [2, 3, 227, 227]);
    assert!(engine.has_plan());
    Ok(())
}

/// A Ghost module with s > 2 has a depthwise convolution with several outputs per channel.
#[test]
fn ghost_modules_of_any_ratio_have_plans_that_are_right() -> Result<(), Error> {
    let model = registry::find("resnet20_cifar")?;
    for ratio in [3, 4] {
        let ghost = Some(Ghost { ratio, ..Ghost::default() });
        let options = ModelOptions { num_classes: 7, ghost, ..model.options() };
        let network = model.network(&options, Seed(3), &Device::flex())?;
        let engine = plan_equals_burn("a Ghost form", &network, [5, 3, 32, 32]);
        assert!(engine.has_plan(), "s = {ratio}");
    }
    Ok(())
}

#[test]
fn every_kind_of_operation_is_differentiated_rightly() {
    let network = Network::new(mixed(), Seed(1), &Device::flex());
    let engine = plan_equals_burn("a mixed graph", &network, [4, 3, 11, 8]);
    assert!(engine.has_plan());
}

/// As in every epoch whose last batch is smaller.
#[test]
fn two_sizes_of_a_batch_take_turns_without_changing_each_others_results() {
    let network = Network::new(mixed(), Seed(1), &Device::flex());
    let mut engine = GradientEngine::new();
    let mut step = |batch: usize| {
        let mut pass = TrainPass::new(Seed(5), 3, 8);
        let loss = |logits: Tensor<2>| logits.powi_scalar(2).sum();
        let result =
            engine.differentiate(&network, noise([batch, 3, 11, 8]), &mut pass, loss).unwrap();
        values(result.logits)
    };
    let expected = [5, 2, 3].map(&mut step);
    for (batch, index) in [(2, 1), (5, 0), (2, 1), (3, 2)] {
        assert_eq!(step(batch), expected[index], "a batch of {batch}");
    }
}

#[test]
fn frozen_parts_get_no_gradient_and_keep_their_statistics() -> Result<(), Error> {
    let model = registry::find("ghostnet_050")?;
    let options = ModelOptions { num_classes: 7, ..model.options() };
    let mut network = model.network(&options, Seed(3), &Device::flex())?;
    network
        .params_mut()
        .freeze(&["blocks.[0-3].*".to_owned(), "*.cheap_operation.0.*".to_owned()])?;
    plan_equals_burn("a half frozen network", &network, [4, 3, 64, 64]);
    network.params_mut().freeze(&["[!c]*".to_owned(), "conv*".to_owned()])?;
    plan_equals_burn("a frozen backbone", &network, [4, 3, 64, 64]);
    Ok(())
}

/// Shapes that no registered model has: an odd concatenation, one value in two concatenations, a
/// normalisation of a sum, a value that is added to itself.
fn knotted() -> Graph {
    let (mut b, image) = Builder::new(3, InitScheme::FanInUniform, NormSettings::default());
    let a = b.conv("a", image, ConvSettings::new(5, 3).with_bias());
    let a = b.activation(a, Activation::Silu);
    let c = b.conv("c", image, ConvSettings::new(6, 3));
    let c = b.batch_norm("c_bn", c);
    let joined = b.concat("joined", &[a, c], 9);
    let other = b.conv("other", joined, ConvSettings::new(9, 1));
    let sum = b.add("sum", other, joined);
    let double = b.add("double", sum, sum);
    let normal = b.batch_norm("normal", double);
    let features = b.concat("features", &[normal, sum], 18);
    let pooled = b.global_avg_pool("pool", features);
    let logits = b.linear("fc", pooled, 7);
    b.finish(features, pooled, logits)
}

#[test]
fn knotted_graphs_are_differentiated_rightly() {
    let network = Network::new(knotted(), Seed(1), &Device::flex());
    plan_equals_burn("a knotted graph", &network, [3, 3, 9, 8]);
}

/// The same value under another name: flattened though it is a pixel, or dropped with probability 0.
type Alias = fn(&mut Builder, NodeId) -> NodeId;

const ALIASES: [(&str, Alias); 2] = [
    ("flattened", |b, x| {
        let channels = b.channels(x);
        b.flatten("alias", x, channels)
    }),
    ("not dropped", |b, x| b.dropout("alias", x, 0.5)),
];

/// A gate that is read under another name too.
fn gate_with_an_alias(alias: Alias) -> Graph {
    let (mut b, image) = Builder::new(3, InitScheme::FanInUniform, NormSettings::default());
    let features = b.conv("features", image, ConvSettings::new(6, 3).with_bias());
    let squeezed = b.global_avg_pool("squeeze", features);
    let gate = b.conv("gate", squeezed, ConvSettings::new(6, 1).with_bias());
    let gate = b.activation(gate, Activation::Sigmoid);
    let other = alias(&mut b, gate);
    let gated = b.scale("gated", features, other);
    let pooled = b.global_avg_pool("pool", gated);
    let sum = b.add("sum", pooled, gate);
    let logits = b.linear("fc", sum, 7);
    b.finish(gated, sum, logits)
}

/// A part of a concatenation that is read under another name afterwards.
fn part_with_an_alias(alias: Alias) -> Graph {
    let (mut b, image) = Builder::new(3, InitScheme::FanInUniform, NormSettings::default());
    let features = b.conv("features", image, ConvSettings::new(6, 3).with_bias());
    let squeezed = b.global_avg_pool("squeeze", features);
    let part = b.conv("part", squeezed, ConvSettings::new(6, 1).with_bias());
    let part = b.activation(part, Activation::Sigmoid);
    let other = alias(&mut b, part);
    let joined = b.concat("joined", &[part, squeezed], 12);
    let mixed = b.conv("mixed", joined, ConvSettings::new(6, 1));
    let sum = b.add("sum", mixed, other);
    let logits = b.linear("fc", sum, 7);
    b.finish(features, sum, logits)
}

/// Layers that a normalisation and an activation follow, but for names between them.
fn chain_with_aliases(alias: Alias) -> Graph {
    let (mut b, image) = Builder::new(3, InitScheme::FanInUniform, NormSettings::default());
    let features = b.conv("features", image, ConvSettings::new(6, 3));
    let squeezed = b.global_avg_pool("squeeze", features);
    let x = b.conv("conv", squeezed, ConvSettings::new(6, 1));
    let x = alias(&mut b, x);
    let x = b.batch_norm("norm", x);
    let x = alias(&mut b, x);
    let x = b.activation(x, Activation::Silu);
    let pooled = alias(&mut b, x);
    let logits = b.linear("fc", pooled, 7);
    let logits = alias(&mut b, logits);
    b.finish(features, pooled, logits)
}

#[test]
fn values_with_several_names_have_whole_gradients() {
    for (kind, alias) in ALIASES {
        for (name, graph) in [
            ("a gate", gate_with_an_alias(alias)),
            ("a part", part_with_an_alias(alias)),
            ("a chain", chain_with_aliases(alias)),
        ] {
            let mut network = Network::new(graph, Seed(1), &Device::flex());
            network.set_dropout(0.0);
            plan_equals_burn(&format!("{name} that is {kind}"), &network, [6, 3, 5, 4]);
        }
    }
}

#[test]
fn steps_are_equal_to_the_bit_for_any_number_of_threads_and_any_memory()
-> Result<(), Box<dyn std::error::Error>> {
    for name in ["ghostnet_050", "resnet18"] {
        same_for_any_threads_and_memory(name)?;
    }
    Ok(())
}

fn same_for_any_threads_and_memory(name: &str) -> Result<(), Box<dyn std::error::Error>> {
    let model = registry::find(name)?;
    let options = ModelOptions { num_classes: 7, ..model.options() };
    let network = model.network(&options, Seed(3), &Device::flex())?;
    let images = noise([6, 3, 64, 64]);
    let step = |engine: &mut GradientEngine| {
        let mut pass = TrainPass::new(Seed(5), 3, 8);
        let loss = |logits: Tensor<2>| logits.powi_scalar(2).sum();
        let result = engine
            .differentiate(&network, images.clone(), &mut pass, loss)
            .expect("images that fit");
        result.gradients.into_iter().map(|gradient| gradient.map(values)).collect::<Vec<_>>()
    };
    let mut engine = GradientEngine::new();
    let expected = step(&mut engine);
    assert!(step(&mut engine) == expected, "{name}: a second step with used memory");
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        let gradients = pool.install(|| step(&mut GradientEngine::new()));
        assert!(gradients == expected, "{name}: {threads} threads");
    }
    Ok(())
}

/// A network that says of its flattened values that they are fewer.
fn inconsistent() -> Graph {
    let (mut b, image) = Builder::new(3, InitScheme::FanInUniform, NormSettings::default());
    let features = b.conv("features", image, ConvSettings::new(6, 3));
    let flat = b.flatten("flat", features, 5);
    let logits = b.batch_norm("norm", flat);
    b.finish(features, flat, logits)
}

#[test]
fn a_step_that_panicked_panics_again() {
    let network = Network::new(inconsistent(), Seed(1), &Device::flex());
    let mut engine = GradientEngine::new();
    for attempt in 0..2 {
        let step = AssertUnwindSafe(|| {
            let mut pass = TrainPass::new(Seed(5), 3, 8);
            engine.differentiate(&network, noise([2, 3, 4, 4]), &mut pass, Tensor::sum).unwrap()
        });
        assert!(catch_unwind(step).is_err(), "attempt {attempt}");
    }
}

/// With tens of thousands of values near the kinks of ReLU and ReLU6, rounding decides some of them,
/// and a single one may turn a channel's gradient by per cents. So the plan may differ from burn as
/// much as it differs from itself when its images change in the last place, and no more.
#[test]
fn larger_batches_differ_from_burn_by_rounding_alone() -> Result<(), Error> {
    for name in ["mobilenetv2_100", "ghostnet_050", "tf_efficientnetv2_b0"] {
        let model = registry::find(name)?;
        let options = ModelOptions { num_classes: 7, ..model.options() };
        let network = model.network(&options, Seed(3), &Device::flex())?;
        let (images, labels) = (noise([32, 3, 64, 64]), noise([32, 7, 1, 1]).reshape([32, 7]));
        let loss = |logits: Tensor<2>| (logits * labels.clone()).powi_scalar(2).sum();
        let mut engine = GradientEngine::new();
        let mut plan = |images: Tensor<4>| {
            let mut pass = TrainPass::new(Seed(5), 3, 8);
            engine.differentiate(&network, images, &mut pass, loss).unwrap().gradients
        };
        let planned = plan(images.clone());
        let mut rounding = 0.0_f64;
        for axis in 0..4 {
            let nudge = images.clone().flip([axis]).mul_scalar(6e-8);
            rounding = rounding.max(farthest(plan(images.clone() + nudge), &planned));
        }
        let tracked = network.tracked();
        let mut pass = TrainPass::new(Seed(5), 3, 8);
        let burns = tracked.forward(images.autodiff(), Pass::Train(&mut pass));
        let error = farthest(tracked.gradients(&loss(burns)), &planned);
        let bound = 4.0 * rounding + 1e-4;
        assert!(error <= bound, "{name}: differs by {error:e}, by rounding {rounding:e}");
    }
    Ok(())
}

/// The largest relative difference of a parameter's gradient.
fn farthest(actual: Gradients, expected: &Gradients) -> f64 {
    let norms = expected.iter().flatten().map(|gradient| norm(&values(gradient.clone())));
    let largest = norms.fold(0.0, f64::max);
    let pairs = actual.into_iter().zip(expected.iter()).filter_map(|(a, e)| Some((a?, e?)));
    let errors = pairs.map(|(actual, expected)| {
        let difference = norm(&values(actual - expected.clone()));
        difference / (norm(&values(expected.clone())) + 1e-4 * largest)
    });
    errors.fold(0.0, f64::max)
}

/// Two planned steps, so that memory is used again, against burn's step.
fn plan_equals_burn(name: &str, network: &Network, shape: [usize; 4]) -> GradientEngine {
    let images = noise(shape);
    let labels = noise([shape[0], 7, 1, 1]).reshape([shape[0], 7]);
    let loss = |logits: Tensor<2>| (logits * labels.clone()).powi_scalar(2).sum();
    let mut engine = GradientEngine::new();
    let mut first = TrainPass::new(Seed(5), 0, 0);
    engine
        .differentiate(network, images.clone().flip([0]), &mut first, loss)
        .expect("images that fit");
    let mut planned = TrainPass::new(Seed(5), 3, 8);
    let result =
        engine.differentiate(network, images.clone(), &mut planned, loss).expect("images that fit");

    let tracked = network.tracked();
    let mut pass = TrainPass::new(Seed(5), 3, 8);
    let logits = tracked.forward(images.autodiff(), Pass::Train(&mut pass));
    let expected_loss = loss(logits.clone());
    let expected = tracked.gradients(&expected_loss);
    // Twenty pixels in a batch's last normalisations magnify rounding, and a ReLU may fall on
    // either side; the parity tests compare well-conditioned batches to a thousandth.
    let compare = |actual: Vec<f32>, expected: Vec<f32>, what: &str| {
        let error = relative_error(&actual, &expected);
        assert!(error <= 2e-2, "{name}: {what} differs by {error:e}");
    };
    compare(values(result.logits), values(logits.inner()), "logits");
    compare(values(result.loss), values(expected_loss.inner()), "loss");
    assert_eq!(planned.stats().len(), pass.stats().len());
    for (actual, expected) in planned.stats().iter().zip(pass.stats()) {
        assert_eq!(actual.node, expected.node);
        let variance = values(expected.variance.clone());
        let deviations: Vec<f32> = variance.iter().map(|v| v.sqrt() + 1e-3).collect();
        compare(values(actual.variance.clone()), variance, "a batch variance");
        // Means are often zero but for rounding: their scale is the deviation.
        let means = values(actual.mean.clone()).into_iter().zip(values(expected.mean.clone()));
        for ((actual, expected), deviation) in means.zip(deviations) {
            assert!((actual - expected).abs() < 1e-3 * deviation, "{name}: a batch mean");
        }
    }
    assert_eq!(result.gradients.len(), expected.len());
    let expected: Vec<_> = expected.into_iter().map(|gradient| gradient.map(values)).collect();
    let largest = expected.iter().flatten().map(|gradient| norm(gradient)).fold(0.0, f64::max);
    for (((_, entry), actual), expected) in
        network.params().iter().zip(result.gradients).zip(expected)
    {
        let parameter = &entry.spec.name;
        assert_eq!(actual.is_some(), expected.is_some(), "{name}: {parameter}");
        let (Some(actual), Some(expected)) = (actual.map(values), expected) else { continue };
        assert_eq!(actual.len(), expected.len());
        let difference: Vec<f32> = actual.iter().zip(&expected).map(|(a, e)| a - e).collect();
        // A shift before a normalisation has no gradient but rounding.
        let error = norm(&difference) / (norm(&expected) + 1e-4 * largest);
        assert!(error <= 2e-2, "{name}: the gradient of {parameter} differs by {error:e}");
    }
    engine
}

fn norm(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
}
