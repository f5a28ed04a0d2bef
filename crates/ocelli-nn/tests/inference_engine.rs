//! A compiled network is the network.

mod mixed;
mod support;

use burn::tensor::{Device, Tensor};
use mixed::mixed;
use ocelli_nn::graph::{Activation, Builder, ConvSettings, Graph, NormSettings};
use ocelli_nn::init::InitScheme;
use ocelli_nn::registry;
use ocelli_nn::registry::ModelOptions;
use ocelli_nn::{InferenceEngine, Network, Pass};
use ocelli_random::Seed;
use ocelli_testkit::relative_error;
use support::{noise, values};

/// Shapes that no registered model has: a normalisation of a sum, a value in two concatenations, a
/// sum of a value with itself, a residual that is computed after its partner, dropped values.
fn knotted() -> Graph {
    let (mut b, image) = Builder::new(3, InitScheme::FanInUniform, NormSettings::default());
    let a = b.conv("a", image, ConvSettings::new(5, 3).with_bias());
    let a = b.activation(a, Activation::Silu);
    let c = b.conv("c", image, ConvSettings::new(6, 3));
    let c = b.batch_norm("c_bn", c);
    let joined = b.concat("joined", &[a, c], 9);
    let other = b.conv("other", joined, ConvSettings::new(9, 1));
    let other = b.drop_path("drop", other, 0.5);
    let sum = b.add("sum", other, joined);
    let sum = b.activation(sum, Activation::Relu);
    let double = b.add("double", sum, sum);
    let normal = b.batch_norm("normal", double);
    let normal = b.activation(normal, Activation::HardSigmoid);
    let features = b.concat("features", &[normal, sum], 18);
    let deep = b.conv("deep", features, ConvSettings::depthwise(18, 5).stride(2));
    let twin = b.conv("twin", features, ConvSettings::new(18, 3).stride(2));
    let features = b.add("features_sum", deep, twin);
    let pooled = b.global_avg_pool("pool", features);
    let pooled = b.dropout("dropout", pooled, 0.2);
    let logits = b.linear("fc", pooled, 7);
    b.finish(features, pooled, logits)
}

#[test]
fn knotted_graphs_are_compiled_rightly() -> Result<(), ocelli_nn::Error> {
    let network = Network::new(knotted(), Seed(1), &Device::flex());
    let mut engine = InferenceEngine::new(&network)?;
    for size in [[9, 8], [1, 1], [16, 23]] {
        let images = noise([3, 3, size[0], size[1]]);
        assert!(engine.has_plan(size));
        let logits = [engine.logits(images.clone())?, network.forward(images.clone(), Pass::Eval)];
        assert_same(logits);
        assert_same([engine.pooled(images.clone())?, network.pooled(images, Pass::Eval)]);
    }
    Ok(())
}

#[test]
fn every_kind_of_operation_is_compiled_rightly() -> Result<(), ocelli_nn::Error> {
    let network = Network::new(mixed(), Seed(1), &Device::flex());
    let mut engine = InferenceEngine::new(&network)?;
    assert!(engine.has_plan([11, 8]));
    let images = noise([5, 3, 11, 8]);
    let logits = [engine.logits(images.clone())?, network.forward(images.clone(), Pass::Eval)];
    assert_same(logits);
    assert_same([engine.pooled(images.clone())?, network.pooled(images, Pass::Eval)]);
    Ok(())
}

#[test]
fn an_image_is_alone_in_every_batch_and_for_any_number_of_threads()
-> Result<(), Box<dyn std::error::Error>> {
    for name in ["ghostnet_050", "tf_efficientnetv2_b0", "resnet20_cifar"] {
        let model = registry::find(name)?;
        let options = ModelOptions { num_classes: 7, ..model.options() };
        let network = model.network(&options, Seed(3), &Device::flex())?;
        let images = noise([9, 3, 48, 40]);
        let mut engine = InferenceEngine::new(&network)?;
        let expected = values(engine.logits(images.clone())?);
        for (row, expected) in expected.chunks(7).enumerate() {
            let alone = engine.logits(images.clone().narrow(0, row, 1))?;
            assert_eq!(values(alone), expected, "{name}, image {row}");
        }
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
            let again = pool.install(|| engine.logits(images.clone()))?;
            assert_eq!(values(again), expected, "{name}, {threads} threads");
        }
    }
    Ok(())
}

#[test]
fn no_images_have_no_logits() -> Result<(), ocelli_nn::Error> {
    let network = Network::new(knotted(), Seed(1), &Device::flex());
    let mut engine = InferenceEngine::new(&network)?;
    assert_eq!(engine.logits(noise([0, 3, 9, 9]))?.dims(), [0, 7]);
    assert_eq!(engine.pooled(noise([0, 3, 9, 9]))?.dims(), [0, 18]);
    Ok(())
}

#[test]
fn images_that_do_not_fit_are_refused() -> Result<(), ocelli_nn::Error> {
    let model = registry::find("vgg16_cifar")?;
    let network = model.network(&model.options(), Seed(1), &Device::flex())?;
    let mut engine = InferenceEngine::new(&network)?;
    for (shape, words) in [([1, 3, 16, 16], "spans 2 pixels"), ([1, 1, 32, 32], "3 channels")] {
        let refusals = [engine.logits(noise(shape)), engine.pooled(noise(shape))];
        for refusal in refusals {
            let message = refusal.map(drop).map_err(|error| error.to_string());
            assert!(message.is_err_and(|message| message.contains(words)), "{shape:?}");
        }
    }
    Ok(())
}

#[track_caller]
fn assert_same([compiled, plain]: [Tensor<2>; 2]) {
    assert_eq!(compiled.dims(), plain.dims());
    let error = relative_error(&values(compiled), &values(plain));
    assert!(error < 1e-5, "differs by {error:e}");
}
