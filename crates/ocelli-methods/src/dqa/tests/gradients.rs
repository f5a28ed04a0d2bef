//! Gradients of weights, attention and steps.

use super::fixture::{mixtures, network, plain_network, settings, values};
use crate::dqa::DqaSettings;
use burn::tensor::{Device, Tensor, TensorData};
use ocelli_data::Targets;
use ocelli_nn::{GradientEngine, Gradients, Network, TrainPass};
use ocelli_random::Seed;
use ocelli_train::loss::cross_entropy;

fn images() -> Tensor<4> {
    let pixels: Vec<f32> = (0..6 * 5 * 5).map(|at| (at as f32 * 0.7).sin()).collect();
    Tensor::from_data(TensorData::new(pixels, [6, 1, 5, 5]), &Device::flex())
}

/// The loss of a network as it is, with its gradients.
fn differentiate(network: &Network) -> (f64, Gradients) {
    let mut engine = GradientEngine::new();
    let mut pass = TrainPass::new(Seed(0), 0, 0);
    let targets = Targets::Hard(vec![0, 1, 2, 0, 1, 2]);
    let loss = |logits| cross_entropy(logits, &targets).mul_scalar(20.0);
    let found = engine.differentiate(network, images(), &mut pass, loss).unwrap();
    (f64::from(found.loss.into_scalar::<f32>()), found.gradients)
}

/// The loss of the mixture, penalty included, with the gradients of what it is made of.
fn loss(network: &Network, settings: &DqaSettings) -> (f64, Gradients) {
    let mixtures = mixtures(network, settings, 50);
    let (loss, mut gradients) = differentiate(&mixtures.soft(network).unwrap());
    mixtures.pull_back(network, 1.0, &mut gradients);
    (loss + mixtures.penalty(), gradients)
}

fn gradient(network: &Network, gradients: &Gradients, name: &str) -> Option<Vec<f32>> {
    let id = network.params().index_by_name()[name];
    gradients.get(id).map(|gradient| gradient.to_data().iter::<f32>().collect())
}

/// Differences of the loss by an element of a parameter.
fn slope(network: &Network, settings: &DqaSettings, name: &str, index: usize, h: f32) -> f64 {
    let at = |by: f32| {
        let mut other = network.clone();
        let id = other.params().index_by_name()[name];
        let mut values = other.params().to_values(id);
        values[index] += by;
        other.params_mut().set_values(id, values).unwrap();
        loss(&other, settings).0
    };
    (at(h) - at(-h)) / f64::from(2.0 * h)
}

#[test]
fn the_gradient_of_the_attention_is_that_of_differences() {
    for text in [
        "temperature = [2.0, 2.0]\nlambda = 40.0\nregulariser = 'layer_share'",
        "temperature = [1.0, 1.0]\nlambda = 90.0\nquantizers = ['bwn', 'twn', 'float']",
        "temperature = [0.3, 0.3]\nnormalise = false\nregulariser = 'off'\nper = 'channel'",
        "temperature = [2.0, 2.0]\nregulariser = 'off'\nquantizers = ['sawb:2', 'sawb:4']\npenalty = []",
    ] {
        let settings = settings(text).unwrap();
        let network = network(&settings);
        let (_, gradients) = loss(&network, &settings);
        let mut largest = 0.0_f64;
        for layer in ["first", "second", "fc"] {
            let name = format!("dqa.{layer}.alpha");
            let found = gradient(&network, &gradients, &name).unwrap();
            for (index, found) in found.iter().enumerate() {
                let slope = slope(&network, &settings, &name, index, 0.01);
                let error = (f64::from(*found) - slope).abs();
                assert!(
                    error < 0.001 + 0.02 * slope.abs(),
                    "{text} {name} {index}: {found} {slope}"
                );
                largest = largest.max(slope.abs());
            }
        }
        // Of two quantizers only the order of α matters once it is normalised.
        assert!(largest > 0.01 || settings.quantizers.len() == 2, "{text}: {largest}");
    }
}

#[test]
fn the_rate_of_attention_is_a_factor_of_its_gradient_alone() {
    let of = |text: &str, name: &str| {
        let settings = settings(text).unwrap();
        let network = network(&settings);
        gradient(&network, &loss(&network, &settings).1, name).unwrap()
    };
    let slow = "alpha_lr = 0.01";
    for (one, slow) in of("", "dqa.first.alpha").iter().zip(of(slow, "dqa.first.alpha")) {
        assert!((slow - 0.01 * one).abs() <= 1e-4 * one.abs(), "{slow} for {one}");
    }
    assert_eq!(of("", "first.weight"), of(slow, "first.weight"));
}

#[test]
fn straight_through_the_gradient_of_the_weights_is_that_of_the_mixture() {
    let settings = settings("").unwrap();
    let network = network(&settings);
    let soft = mixtures(&network, &settings, 50).soft(&network).unwrap();
    assert!(std::ptr::eq(soft.graph(), network.graph()), "graph and plans are the same");
    let (_, of_mixture) = differentiate(&soft);
    let (_, found) = loss(&network, &settings);
    for name in ["first.weight", "second.weight", "fc.weight", "fc.bias", "norm.weight"] {
        assert!(values(&soft, "first.weight") != values(&network, "first.weight"));
        let [one, other] = [&of_mixture, &found].map(|all| gradient(&network, all, name).unwrap());
        assert_eq!(one, other, "{name}, to the bit");
    }
}

#[test]
fn beyond_the_clip_of_sawb_a_weight_has_no_gradient() {
    let settings = settings("quantizers = ['sawb:2']").unwrap();
    let mut network = network(&settings);
    assert_eq!(network.params().len(), plain_network().params().len(), "a single one has no α");
    let id = network.params().index_by_name()["fc.weight"];
    let mut weights = vec![0.1; 12];
    weights[3] = 9.0;
    network.params_mut().set_values(id, weights).unwrap();
    let (_, gradients) = loss(&network, &settings);
    let gradient = gradient(&network, &gradients, "fc.weight").unwrap();
    assert_eq!(gradient[3], 0.0);
    assert!(gradient.iter().filter(|value| **value != 0.0).count() >= 8, "{gradient:?}");
}

#[test]
fn steps_of_lsq_learn_for_each_tensor_or_channel() {
    for (text, count) in [("", 1), ("per = 'channel'", 6)] {
        let settings =
            settings(&format!("scheme = 'vanilla'\nquantizers = ['lsq:2']\n{text}")).unwrap();
        let network = network(&settings);
        let steps = values(&network, "dqa.first.step.0");
        assert_eq!(steps.len(), count);
        let weights = values(&network, "first.weight");
        let mean = weights.iter().map(|w| w.abs()).sum::<f32>() / weights.len() as f32;
        if count == 1 {
            assert!((steps[0] - 2.0 * mean).abs() < 1e-6, "2 · E|w| / √1");
        }
        let (_, gradients) = loss(&network, &settings);
        let learnt = gradient(&network, &gradients, "dqa.first.step.0").unwrap();
        assert!(learnt.iter().all(|value| value.is_finite() && *value != 0.0), "{learnt:?}");
    }
}

#[test]
fn a_frozen_layer_is_quantized_and_does_not_learn() {
    let settings = settings("").unwrap();
    let mut network = network(&settings);
    network.params_mut().freeze(&["second.*".to_owned()]).unwrap();
    let (_, gradients) = loss(&network, &settings);
    assert_eq!(gradient(&network, &gradients, "second.weight"), None);
    assert_eq!(gradient(&network, &gradients, "dqa.second.alpha"), None);
    assert!(gradient(&network, &gradients, "dqa.first.alpha").is_some());
}
