//! Mixtures of quantizers of activations: which tensors have them, what they compute, and their gradients.

use super::fixture::{mixtures, network, plain_network, recipe, settings, values};
use crate::METHODS;
use crate::dqa::DqaSettings;
use crate::dqa::activations::{ActivationMixtures, decay_clips, keep_positive};
use burn::tensor::{Device, Tensor, TensorData};
use ocelli_data::Targets;
use ocelli_nn::{GradientEngine, Gradients, InferenceEngine, Network, TrainImages, TrainPass};
use ocelli_random::Seed;
use ocelli_train::loss::cross_entropy;
use ocelli_train::{Machine, Setup};

fn images() -> Tensor<4> {
    let pixels: Vec<f32> = (0..6 * 5 * 5).map(|at| (at as f32 * 0.7).sin()).collect();
    Tensor::from_data(TensorData::new(pixels, [6, 1, 5, 5]), &Device::flex())
}

fn at_half<'a>(network: &Network, settings: &'a DqaSettings) -> ActivationMixtures<'a> {
    ActivationMixtures::new(network, settings, 50, 100).unwrap()
}

/// The loss at half of a run, penalties included, with the gradients of all that is learnt.
fn loss(network: &Network, settings: &DqaSettings) -> (f64, Gradients) {
    let (weights, activations) = (mixtures(network, settings, 50), at_half(network, settings));
    let attention = activations.attention();
    let given = TrainImages { images: images(), attention: &attention };
    let targets = Targets::Hard(vec![0, 1, 2, 0, 1, 2]);
    let of_logits = |logits| cross_entropy(logits, &targets).mul_scalar(20.0);
    let (mut pass, mut gradients) = (TrainPass::new(Seed(0), 0, 0), Gradients::new());
    let soft = weights.soft(network).unwrap();
    let mut engine = GradientEngine::new();
    let found = engine.add_gradients_of(&soft, given, &mut pass, of_logits, 1.0, &mut gradients);
    let (loss, _, of_attention) = found.unwrap();
    weights.pull_back(network, 1.0, &mut gradients);
    activations.pull_back(network, of_attention, 1.0, &mut gradients);
    let loss = f64::from(loss.into_scalar::<f32>());
    (loss + weights.penalty() + activations.penalty(), gradients)
}

/// A network that has seen the images once.
fn seen(settings: &DqaSettings) -> Network {
    let mut network = network(settings);
    let (weights, activations) = (mixtures(&network, settings, 50), at_half(&network, settings));
    let attention = activations.attention();
    let given = TrainImages { images: images(), attention: &attention };
    let (mut pass, mut gradients) = (TrainPass::new(Seed(0), 0, 0), Gradients::new());
    let soft = weights.soft(&network).unwrap();
    let mut engine = GradientEngine::new();
    let sum = |logits: Tensor<2>| logits.sum();
    engine.add_gradients_of(&soft, given, &mut pass, sum, 1.0, &mut gradients).unwrap();
    network.apply_batch_stats(pass.stats()).unwrap();
    network
}

fn with(network: &Network, name: &str, values: Vec<f32>) -> Network {
    let mut network = network.clone();
    let id = network.params().index_by_name()[name];
    network.params_mut().set_values(id, values).unwrap();
    network
}

/// Layers behind a quantized tensor see its gradient straight through, which is not that of differences: so
/// that one tensor at a time is quantized.
#[test]
fn the_gradient_of_the_attention_is_that_of_differences() {
    for (keep, tensor) in [("['first', 'second']", "fc"), ("['first', 'fc']", "second")] {
        for text in [
            "activations = ['min_max:2', 'min_max:4', 'min_max:8']\nregulariser = 'off'",
            "activations = ['pact:2', 'pact:4', 'pact:8']\nregulariser = 'layer_share'",
            "activations = ['lsq:2', 'float']\nlambda = 90.0",
            "activations = ['min_max:1', 'pact:3', 'lsq:3', 'float']\npenalty = [1.0, 2.0, 3.0, 4.0]",
        ] {
            let text = format!("temperature = [2.0, 2.0]\nkeep = {keep}\n{text}");
            let settings = settings(&text).unwrap();
            let network = seen(&settings);
            let name = format!("dqa.{tensor}.quantize.alpha");
            let alpha = values(&network, &name);
            let (_, gradients) = loss(&network, &settings);
            let id = network.params().index_by_name()[name.as_str()];
            let found = gradients.get(id).unwrap().to_data();
            let mut largest = 0.0_f64;
            for (index, found) in found.iter::<f32>().enumerate() {
                let at = |by: f32| {
                    let mut alpha = alpha.clone();
                    alpha[index] += by;
                    loss(&with(&network, &name, alpha), &settings).0
                };
                let slope = (at(0.01) - at(-0.01)) / f64::from(0.02_f32);
                let error = (f64::from(found) - slope).abs();
                assert!(error < 0.001 + 0.02 * slope.abs(), "{text} {index}: {found} {slope}");
                largest = largest.max(slope.abs());
            }
            // Of two quantizers only the order of α matters once it is normalised.
            assert!(largest > 0.003 || alpha.len() == 2, "{text}: {largest}");
        }
    }
}

#[test]
fn what_quantized_layers_read_is_quantized_and_the_image_is_not() {
    let names = |text: &str| -> Vec<String> {
        let network = network(&settings(text).unwrap());
        network.graph().quantizers().map(|(_, node, _)| node.name.clone()).collect()
    };
    assert_eq!(names("activations = ['min_max:2']"), ["second.quantize", "fc.quantize"]);
    assert_eq!(names("activations = ['min_max:2']\nkeep = ['f*']"), ["second.quantize"]);
    let image = names("activations = ['min_max:2']\nimage = true");
    assert_eq!(image, ["first.quantize", "second.quantize", "fc.quantize"]);
    assert!(names("").is_empty());
    // All but the image are never negative in ResNet-20.
    let possible = recipe(&["dqa.activations=['pact:1']"]).unwrap();
    assert!(Setup::with(&possible, METHODS, &Machine::cpu(1)).is_ok());
    let refused = recipe(&["dqa.activations=['pact:1']", "dqa.image=true"]).unwrap();
    let error = Setup::with(&refused, METHODS, &Machine::cpu(1)).err().unwrap().to_string();
    assert_eq!(
        error,
        "`dqa.activations` is pact:1, expected 2 bits at least, as some activations are negative"
    );
}

#[test]
fn alphas_are_learnt_numbers_and_start_as_those_of_weights() {
    let learnt = network(&settings("activations = ['pact:2', 'pact:4', 'pact:8']").unwrap());
    let alpha = values(&learnt, "dqa.second.quantize.alpha");
    assert_eq!(alpha, values(&learnt, "dqa.second.alpha"));
    let id = learnt.params().index_by_name()["dqa.second.quantize.alpha"];
    assert!(!learnt.params().get(id).spec.role.decays(true), "no weight decay");
    let plain = learnt.without_free("dqa.").unwrap();
    // A range and three clips for each of two tensors.
    assert_eq!(plain.params().len(), plain_network().params().len() + 8);
    let single = network(&settings("activations = ['min_max:8']").unwrap());
    assert!(single.graph().attention().is_empty(), "a single one has no attention");
    assert!(!single.params().index_by_name().contains_key("dqa.fc.quantize.alpha"));
}

#[test]
fn binary_relax_gives_activations_the_shares_of_omega() {
    for (scheme, expected) in
        [("binary_relax_2", &[0.75, 0.25][..]), ("binary_relax_3", &[0.6, 0.2, 0.2])]
    {
        let text = format!(
            "scheme = '{scheme}'\nrelax_end = 9.0\nactivations = ['min_max:2', 'min_max:4', 'min_max:8']"
        );
        let settings = settings(&text).unwrap();
        let network = network(&settings);
        // ω is 3 at half of the run.
        let attention = at_half(&network, &settings).attention();
        assert_eq!(attention.len(), 2);
        for shares in attention {
            let close =
                |(found, expected): (&f32, &f64)| (f64::from(*found) - expected).abs() < 1e-6;
            assert!(shares.iter().zip(expected).all(close), "{shares:?}");
        }
        let free = network.params().iter().filter(|(_, param)| param.spec.name.starts_with("dqa."));
        assert_eq!(free.count(), 0, "nothing is learnt");
    }
}

fn logits(network: &Network) -> Vec<f32> {
    let logits = InferenceEngine::new(network).unwrap().logits(images()).unwrap();
    logits.into_data().iter::<f32>().collect()
}

#[test]
fn a_cold_mixture_is_the_hardened_network_and_a_hot_one_is_not() {
    let text = "activations = ['pact:2', 'min_max:4', 'float']\ntemperature = [100.0, 1e-4]";
    let lowest = settings(text).unwrap();
    let settings = settings(&format!("{text}\nharden = 'largest'")).unwrap();
    let network = seen(&settings);
    let network = with(&network, "dqa.fc.quantize.alpha", vec![0.1, 0.9, 0.2]);
    let of = |step| {
        let weights = mixtures(&network, &settings, step);
        let activations = ActivationMixtures::new(&network, &settings, step, 100).unwrap();
        let [soft, hard] = [weights.soft(&network), weights.hard(&network)]
            .map(|network| network.unwrap().without_free("dqa.").unwrap());
        [activations.soft(soft).unwrap(), activations.hard(hard).unwrap()]
    };
    let [soft, hard] = of(100);
    assert_eq!(logits(&soft), logits(&hard));
    let kinds = |network: &Network| -> Vec<String> {
        let quantizers = network.graph().quantizers();
        quantizers.map(|(_, _, quantize)| quantize.branches[0].quantizer.to_string()).collect()
    };
    assert_eq!(kinds(&hard), ["pact:2", "min_max:4"], "the largest share of each");
    let first = ActivationMixtures::new(&network, &lowest, 100, 100).unwrap();
    let first = first.hard(network.without_free("dqa.").unwrap()).unwrap();
    assert_eq!(kinds(&first), ["pact:2"; 2], "the fewest bits of each");
    assert!(hard.graph().attention().is_empty() && soft.graph().attention().is_empty());
    let [soft, hard] = of(1);
    assert_ne!(logits(&soft), logits(&hard));
}

#[test]
fn a_range_that_is_frozen_before_it_was_seen_is_refused() {
    let settings = settings("activations = ['min_max:4']").unwrap();
    let freeze = |mut network: Network| {
        network.params_mut().freeze(&["fc.*".to_owned()]).unwrap();
        ActivationMixtures::new(&network, &settings, 1, 2).map(drop)
    };
    let error = freeze(network(&settings)).unwrap_err().to_string();
    assert!(error.starts_with("`fc.quantize.range` is frozen before"), "{error}");
    freeze(seen(&settings)).unwrap();
}

#[test]
fn clips_and_steps_stay_positive() {
    let settings = settings("activations = ['pact:2', 'lsq:4']").unwrap();
    let network = with(&seen(&settings), "fc.quantize.pact2.clip", vec![-3.0]);
    let step = values(&network, "fc.quantize.lsq4.step");
    let mut kept = network.clone();
    keep_positive(&mut kept).unwrap();
    assert_eq!(values(&kept, "fc.quantize.pact2.clip"), [1e-6]);
    assert_eq!(values(&kept, "fc.quantize.lsq4.step"), step);
}

#[test]
fn clips_of_pact_decay_and_steps_do_not() {
    let settings = settings("activations = ['pact:2', 'lsq:4']").unwrap();
    let mut network = seen(&settings);
    network.params_mut().freeze(&["second.*clip".to_owned()]).unwrap();
    let mut gradients = Gradients::new();
    decay_clips(&network, 0.0, 0.5, &mut gradients);
    assert!(gradients.is_empty());
    decay_clips(&network, 0.1, 0.5, &mut gradients);
    for (name, decays) in [
        ("fc.quantize.pact2.clip", true),
        ("fc.quantize.lsq4.step", false),
        ("second.quantize.pact2.clip", false),
    ] {
        let id = network.params().index_by_name()[name];
        let found = gradients.get(id).map(|gradient| gradient.clone().into_scalar::<f32>());
        let expected = decays.then(|| values(&network, name)[0] * 0.05);
        assert_eq!(found, expected, "{name}");
    }
}
