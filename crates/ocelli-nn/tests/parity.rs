//! State dicts, outputs and gradients equal those of the reference implementation (timm 1.0.31).

#![expect(clippy::expect_used, reason = "a helper of a test fails the test")]

use burn::tensor::{Int, Tensor, TensorData};
use ocelli_nn::registry::{self, ModelOptions};
use ocelli_nn::{GradientEngine, Gradients, InferenceEngine, Network, Pass, TrainPass};
use ocelli_random::Seed;
use ocelli_testkit::{SafeTensors, figure, reference_data, relative_error};

#[test]
fn names_shapes_and_order_equal_the_reference_state_dicts() -> Result<(), ocelli_nn::Error> {
    let Some(folder) = reference_data("parity") else { return Ok(()) };
    for model in registry::models() {
        let path = folder.join(format!("{}.keys.json", model.arch));
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let keys: serde_json::Value = serde_json::from_str(&text).expect("a JSON file");
        let graph = model.graph(&model.options())?;
        let ours: Vec<_> =
            graph.params().iter().map(|p| (p.name.clone(), p.shape.clone())).collect();
        let theirs: Vec<(String, Vec<usize>)> =
            serde_json::from_value(keys["tensors"].clone()).expect("names and shapes");
        assert_eq!(ours, theirs, "{}", model.arch);
    }
    Ok(())
}

#[test]
fn ghostnet_equals_the_golden_tensors() -> Result<(), ocelli_nn::Error> {
    compare_with_golden("ghostnet_050", 1000)
}

#[test]
fn efficientnetv2_equals_the_golden_tensors() -> Result<(), ocelli_nn::Error> {
    compare_with_golden("tf_efficientnetv2_b0", 10)
}

fn compare_with_golden(name: &str, num_classes: usize) -> Result<(), ocelli_nn::Error> {
    let (Some(weights), Some(io), Some(pooled)) = (
        reference_data(&format!("parity/{name}_seed0.safetensors")),
        reference_data(&format!("parity/{name}_seed0_io.safetensors")),
        reference_data(&format!("parity/{name}_seed0_pooled.safetensors")),
    ) else {
        return Ok(());
    };
    let (weights, io) = (SafeTensors::read(&weights), SafeTensors::read(&io));
    let pooled = SafeTensors::read(&pooled);
    let options = ModelOptions { num_classes, dropout: Some(0.0), ..ModelOptions::default() };
    let device = burn::tensor::Device::flex();
    let mut network = registry::find(name)?.network(&options, Seed(0), &device)?;
    let ids: Vec<_> = network.params().iter().map(|(id, p)| (id, p.spec.name.clone())).collect();
    for (id, name) in ids {
        network.params_mut().set_values(id, weights.values(&name))?;
    }

    let mut engine = InferenceEngine::new(&network)?;
    for size in ["224", "odd"] {
        let images = image(&io, &format!("x_{size}"));
        let compare = |actual: Vec<f32>, expected: Vec<f32>, what: &str| {
            let error = relative_error(&actual, &expected);
            figure(&format!("{name}: {what} at {size}"), error);
            assert!(error <= 1e-5, "{name}: {what} at {size} differs by {error:e}");
        };
        let expected = io.values(&format!("logits_{size}"));
        compare(values(engine.logits(images.clone())?), expected.clone(), "compiled logits");
        compare(values(network.forward(images.clone(), Pass::Eval)), expected, "logits");
        let features = network.features(images.clone(), Pass::Eval);
        compare(values(features), io.values(&format!("features_{size}")), "features");
        let expected = pooled.values(&format!("pooled_{size}"));
        compare(
            values(engine.pooled(images.clone())?),
            expected.clone(),
            "compiled pooled features",
        );
        compare(values(network.pooled(images, Pass::Eval)), expected, "pooled features");
    }
    compare_training(name, &network, &io)?;

    let folded = network.fold_batch_norm()?.forward(image(&io, "x_224"), Pass::Eval);
    let error = relative_error(&values(folded), &io.values("logits_224"));
    figure(&format!("{name}: folded logits"), error);
    assert!(error <= 1e-5, "{name}: folded logits differ by {error:e}");
    Ok(())
}

fn compare_training(
    name: &str,
    network: &Network,
    io: &SafeTensors,
) -> Result<(), ocelli_nn::Error> {
    let labels: Vec<i64> = io.values("labels").iter().map(|label| *label as i64).collect();
    let count = labels.len();
    let device = burn::tensor::Device::flex();
    let labels = Tensor::<1, Int>::from_data(TensorData::new(labels, [count]), &device);
    let cross_entropy = |logits: Tensor<2>| {
        let labels = labels.clone().unsqueeze_dim(1);
        burn::tensor::activation::log_softmax(logits, 1).gather(1, labels).mean().neg()
    };

    let mut train = TrainPass::new(Seed(0), 0, 0);
    let tracked = network.tracked();
    let logits = tracked.forward(image(io, "x_224").autodiff(), Pass::Train(&mut train));
    let gradients = tracked.gradients(&cross_entropy(logits.clone()));
    compare_step(&format!("{name} on burn"), network, io, logits.inner(), gradients);

    let mut engine = GradientEngine::new();
    let mut train = TrainPass::new(Seed(0), 0, 0);
    let images = image(io, "x_224");
    let planned = engine.differentiate(network, images, &mut train, cross_entropy)?;
    assert!(engine.has_plan());
    compare_step(&format!("{name} by plan"), network, io, planned.logits, planned.gradients);
    Ok(())
}

fn compare_step(
    name: &str,
    network: &Network,
    io: &SafeTensors,
    logits: Tensor<2>,
    gradients: Gradients,
) {
    let error = relative_error(&values(logits), &io.values("train_logits_224"));
    figure(&format!("{name}: training logits"), error);
    assert!(error <= 1e-4, "{name}: training logits differ by {error:e}");
    for ((_, parameter), gradient) in network.params().iter().zip(gradients) {
        let parameter = &parameter.spec.name;
        for key in [format!("grad_first.{parameter}"), format!("grad_last.{parameter}")] {
            let Some(expected) = io.get(&key) else { continue };
            let gradient = gradient.clone().expect("a gradient");
            let error = relative_error(&values(gradient), &expected);
            figure(&format!("{name}: gradient of {parameter}"), error);
            assert!(error <= 1e-3, "{name}: gradient of {parameter} differs by {error:e}");
        }
    }
}

fn image(io: &SafeTensors, name: &str) -> Tensor<4> {
    let shape: [usize; 4] = io.shape(name).try_into().expect("four axes");
    Tensor::from_data(TensorData::new(io.values(name), shape), &burn::tensor::Device::flex())
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}
