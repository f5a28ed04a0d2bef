//! Quantized networks on integers against the same networks in floats.

#![expect(clippy::expect_used, reason = "helpers of tests fail the test")]

use burn::tensor::{Device, Tensor, TensorData};
use ocelli_kernels::quantize::{CodeBits, Grid};
use ocelli_nn::graph::QuantizerSettings;
use ocelli_nn::parameter::Role;
use ocelli_nn::registry::{self, ModelOptions};
use ocelli_nn::{
    Calibration, DeltaEngine, EditBatch, InferenceEngine, Network, PackedTensor, PixelEdit,
};
use ocelli_random::Seed;

/// How the weight of a layer is quantized.
#[derive(Clone, Copy)]
enum Weights {
    /// Levels around zero, for each channel.
    Channels,
    /// Levels from the least to the largest value of the tensor, between which zero need not be.
    Tensor,
}

/// Reproducible images with some structure.
fn images(count: usize, size: usize) -> Tensor<4> {
    let value = |place: usize| (place as f32 * 0.37).sin() + ((place / 7) as f32 * 1.9).cos();
    let values: Vec<f32> = (0..count * 3 * size * size).map(value).collect();
    let data = TensorData::new(values, [count, 3, size, size]);
    Tensor::from_data(data, &Device::flex())
}

fn grids(values: &[f32], channels: usize, weights: Weights) -> Vec<Grid> {
    let of = |values: &[f32]| {
        let low = values.iter().copied().fold(f32::INFINITY, f32::min);
        let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        match weights {
            Weights::Tensor => Grid { offset: low, step: (high - low) / 255.0, top: 255 },
            Weights::Channels => {
                let step = low.abs().max(high.abs()) / 127.0;
                Grid { offset: -128.0 * step, step, top: 255 }
            }
        }
    };
    match weights {
        Weights::Tensor => vec![of(values)],
        Weights::Channels => values.chunks(values.len() / channels).map(of).collect(),
    }
}

/// What is quantized beside what layers read.
#[derive(Clone, Copy)]
enum Activations {
    /// Nothing.
    Layers,
    /// The image.
    Image,
    /// The image, and what sums and the like read.
    All,
}

/// A network of eight bits, and the same one whose weights are plain values.
fn quantized(name: &str, size: usize, weights: Weights, activations: Activations) -> [Network; 2] {
    let model = registry::find(name).expect("a model");
    let options = ModelOptions { num_classes: 10, ..ModelOptions::default() };
    let plain = model.network(&options, Seed(5), &Device::flex()).expect("a network");
    let quantizer = "min_max:8".parse().expect("a quantizer");
    let settings = QuantizerSettings {
        image: !matches!(activations, Activations::Layers),
        sums: matches!(activations, Activations::All),
        ..QuantizerSettings::new(vec![quantizer])
    };
    let graph = plain.graph().with_quantizers(&settings, |_| true).expect("a graph");
    let mut network = plain.with_graph(graph).expect("the same network");
    let mut calibration = Calibration::new(&network).expect("a calibration");
    calibration.observe(images(4, size)).expect("images that fit");
    calibration.set_ranges(&mut network, 1.0).expect("ranges");
    let layers: Vec<_> = network
        .params()
        .iter()
        .filter(|(_, entry)| entry.spec.role == Role::Weight)
        .map(|(id, entry)| (id, entry.spec.shape[0]))
        .collect();
    let mut float = network.clone();
    for (id, channels) in layers {
        let values = network.params().to_values(id);
        let grids = grids(&values, channels, weights);
        let packed =
            PackedTensor::quantize(&values, CodeBits::Eight, grids).expect("finite weights");
        float.params_mut().set_values(id, packed.values()).expect("as many values");
        network.params_mut().set_packed(id, packed).expect("as many codes");
    }
    [network, float]
}

fn logits(network: &Network, images: Tensor<4>) -> Vec<f32> {
    let mut engine = InferenceEngine::new(network).expect("an engine");
    let logits = engine.logits(images).expect("images that fit");
    logits.into_data().iter::<f32>().collect()
}

#[test]
fn logits_on_integers_are_those_in_floats_up_to_rounding() {
    use Activations::{All, Image, Layers};
    for (name, size, weights, activations) in [
        ("resnet20_cifar", 32, Weights::Channels, All),
        ("resnet20_cifar", 32, Weights::Channels, Image),
        ("resnet20_cifar", 32, Weights::Tensor, Layers),
        ("resnet18", 64, Weights::Channels, All),
        ("mobilenetv2_small", 32, Weights::Channels, Image),
        ("mobilenetv2_small", 32, Weights::Tensor, All),
        ("ghostnet_small", 32, Weights::Tensor, Image),
        ("ghostnet_small", 32, Weights::Channels, All),
        ("efficientnetv2_small_cifar", 32, Weights::Channels, Image),
        ("efficientnetv2_small_cifar", 32, Weights::Channels, All),
        ("vgg16_small_cifar", 32, Weights::Channels, Image),
    ] {
        let [network, float] = quantized(name, size, weights, activations);
        let batch = images(5, size);
        let mut engine = InferenceEngine::new(&network).expect("an engine");
        let layers = engine.integer_layers([size, size]).cloned().expect("layers on integers");
        assert!(layers.integer.len() > layers.float.len() / 2, "{name}: {layers:?}");
        let [found, expected] = [&network, &float].map(|network| logits(network, batch.clone()));
        let error = ocelli_testkit::relative_error(&found, &expected);
        ocelli_testkit::figure(&format!("{name}: integers against floats"), error);
        // Values near the middle of two levels may fall to either side.
        assert!(error < 0.05, "{name}: {error}");
        if matches!(activations, All) && !name.starts_with("efficientnet") {
            let gates = layers.float.iter().filter(|name| !name.contains("se"));
            assert_eq!(gates.count(), 0, "{name}: {layers:?}");
        }
        // Each image by itself has the same bits.
        for index in 0..5 {
            let image = batch.clone().narrow(0, index, 1);
            assert_eq!(logits(&network, image), found[index * 10..][..10], "{name}");
        }
    }
}

#[test]
fn the_layers_in_floats_are_named() {
    let [network, float] = quantized("resnet20_cifar", 32, Weights::Channels, Activations::Layers);
    let mut engine = InferenceEngine::new(&network).expect("an engine");
    let layers = engine.integer_layers([32, 32]).cloned().expect("layers on integers");
    // The image is not quantized, and so is the first layer.
    assert_eq!(layers.float.first().map(String::as_str), Some("conv1"));
    assert_eq!(layers.integer.len(), 19, "{layers:?}");
    let mut engine = InferenceEngine::new(&float).expect("an engine");
    assert_eq!(engine.integer_layers([32, 32]), None);
}

#[test]
fn candidates_of_a_network_on_integers_are_computed_whole() {
    let [network, _] = quantized("resnet20_cifar", 32, Weights::Channels, Activations::All);
    let engine = DeltaEngine::new(&network, [32, 32]).expect("an engine");
    let image: Vec<f32> = images(1, 32).into_data().iter::<f32>().collect();
    let base = engine.base(&image).expect("an image");
    let mut edits = EditBatch::new(engine.image());
    let value = [1.5, -1.0, 0.25];
    edits.push([PixelEdit { row: 4, column: 7, value: &value }]).expect("a pixel");
    let mut found = vec![0.0; engine.classes()];
    base.logits(&edits, &mut found).expect("as many logits");
    let mut edited = image.clone();
    for (channel, value) in value.into_iter().enumerate() {
        edited[(channel * 32 + 4) * 32 + 7] = value;
    }
    let whole = |values: Vec<f32>| {
        let data = TensorData::new(values, [1, 3, 32, 32]);
        logits(&network, Tensor::from_data(data, &Device::flex()))
    };
    assert_eq!(found, whole(edited));
    assert_eq!(base.own_logits(), whole(image));
    assert_eq!(engine.layer_shares(1), []);
}

#[test]
fn biases_become_whole_steps_of_input_and_weight() {
    let [mut network, _] = quantized("resnet20_cifar", 32, Weights::Channels, Activations::All);
    let names = network.params().index_by_name();
    let (weight, bias) = (names["linear.weight"], names["linear.bias"]);
    let before: Vec<f32> = (0..10).map(|class| 0.31 - 0.07 * class as f32).collect();
    network.params_mut().set_values(bias, before.clone()).expect("ten classes");
    let params = network.params();
    let (_, _, quantize) = network
        .graph()
        .quantizers()
        .find(|(_, node, _)| node.name == "linear.quantize")
        .expect("the classifier reads levels");
    let input = quantize.grid(params).expect("a range").step;
    let packed = params.get(weight).packed().expect("codes");
    let steps: Vec<f32> = packed.grids().iter().map(|grid| grid.step * input).collect();
    network.round_biases().expect("a sound network");
    let after = network.params().to_values(bias);
    assert_ne!(before, after);
    for ((old, new), step) in before.iter().zip(&after).zip(steps) {
        assert!((old - new).abs() <= 0.501 * step, "{old} became {new}");
        let places = f64::from(*new) / f64::from(step);
        assert!((places - places.round()).abs() < 1e-3, "{places} steps");
    }
    network.round_biases().expect("a sound network");
    assert_eq!(network.params().to_values(bias), after, "it is done already");
}
