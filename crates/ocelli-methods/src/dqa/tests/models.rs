//! What is made of a network: mixtures, hardened weights, statistics, and figure 2 of the paper.

use super::fixture::{mixtures, network, plain_network, settings, values};
use crate::dqa::batch_norm::reestimate;
use crate::dqa::mixtures::LayerMixture;
use crate::dqa::{Attention, DqaError, Harden, error_curve};
use burn::tensor::{Tensor, TensorData};
use ocelli_data::{EvalConfig, EvalTransform, InputConfig, Loader, LoaderConfig};
use ocelli_data::{OpenOptions, Split, open};
use ocelli_kernels::quantize::{Mixture, Per, Quantizer, Weights, Zero};
use ocelli_nn::{Network, Pass};
use rand::SeedableRng;
use std::sync::Arc;

fn distinct(values: &[f32]) -> usize {
    let mut values = values.to_vec();
    values.sort_by(f32::total_cmp);
    values.dedup();
    values.len()
}

#[test]
fn a_cold_mixture_is_the_hardened_network() {
    let settings = settings("temperature = [100.0, 1e-4]").unwrap();
    let network = network(&settings);
    let last = mixtures(&network, &settings, 100);
    let (soft, hard) = (last.soft(&network).unwrap(), last.hard(&network).unwrap());
    for name in ["first.weight", "second.weight", "fc.weight"] {
        assert_eq!(values(&soft, name), values(&hard, name), "{name}");
        assert!(distinct(&values(&hard, name)) <= 4);
    }
    let first = mixtures(&network, &settings, 0);
    assert!(distinct(&values(&first.soft(&network).unwrap(), "first.weight")) > 4);
    let first_is_left = |layer: &LayerMixture| layer.hardened(Harden::Largest) == 0;
    assert!(last.layers.iter().all(first_is_left), "few bits come first");
}

#[test]
fn the_quantizer_of_the_largest_share_is_left_of_each_layer_or_the_lowest() {
    let lowest = settings("temperature = [1.0, 0.1]").unwrap();
    let settings = settings("temperature = [1.0, 0.1]\nharden = 'largest'").unwrap();
    let mut network = network(&settings);
    let id = network.params().index_by_name()["dqa.second.alpha"];
    network.params_mut().set_values(id, vec![0.1, 0.9, 0.3]).unwrap();
    let hard = mixtures(&network, &settings, 100).hard(&network).unwrap();
    let second = distinct(&values(&hard, "second.weight"));
    assert!((5..=16).contains(&second), "four bits: {second}");
    assert!(distinct(&values(&hard, "first.weight")) <= 4);
    let lowest = mixtures(&network, &lowest, 100).hard(&network).unwrap();
    assert!(distinct(&values(&lowest, "second.weight")) <= 4);
    let plain = hard.without_free("dqa.").unwrap();
    assert_eq!(
        plain.params().len(),
        plain_network().params().len(),
        "neither α nor steps are left"
    );
}

#[test]
fn binary_relax_is_its_formula() {
    for (scheme, quantizers) in [
        ("binary_relax_2", "'min_max:2'"),
        ("binary_relax_3", "'min_max:2', 'min_max:4', 'min_max:8'"),
    ] {
        let text = format!("scheme = '{scheme}'\nquantizers = [{quantizers}]\nrelax_end = 9.0");
        let settings = settings(&text).unwrap();
        let network = network(&settings);
        assert_eq!(network.params().len(), plain_network().params().len(), "nothing is learnt");
        // ω is 3 at half of the run.
        let soft =
            values(&mixtures(&network, &settings, 50).soft(&network).unwrap(), "first.weight");
        let w = values(&network, "first.weight");
        let weights = Weights::new(&w, 6).unwrap();
        let quantized = |bits| {
            let branch =
                [weights.branch(Quantizer::MinMax { bits }, Per::Tensor, Zero::Paper, &[])];
            let mut q = vec![0.0; w.len()];
            Mixture::new(&w, 6, &branch, &[1.0]).forward(&mut q);
            q
        };
        let [two, four, eight] = [2, 4, 8].map(quantized);
        for (index, soft) in soft.iter().enumerate() {
            let expected = match scheme {
                "binary_relax_2" => (w[index] + 3.0 * two[index]) / 4.0,
                _ => (3.0 * two[index] + four[index] + eight[index]) / 5.0,
            };
            assert!((soft - expected).abs() < 1e-6, "{scheme} {index}: {soft} {expected}");
        }
    }
}

/// Figure 2: on normal weights the mixture of 2, 4 and 8 bits has a smaller error than that of 2 bits and the
/// weights, at every temperature.
#[test]
fn the_error_of_the_mixture_is_below_that_of_binary_relax() {
    let mut rng = ocelli_random::ChaCha8Rng::seed_from_u64(1);
    let even = move || -> f32 { rand::RngExt::random_range(&mut rng, -1.0..1.0) };
    let mut even = even;
    let w: Vec<f32> = (0..20_000).map(|_| (0..12).map(|_| even()).sum::<f32>() / 2.0).collect();
    let weights = Weights::new(&w, 1).unwrap();
    let branch = |name: &str| weights.branch(name.parse().unwrap(), Per::Tensor, Zero::Paper, &[]);
    let error = |branches: &[_], alpha: &[f64], temperature: f64| -> f64 {
        let shares = Attention { normalise: true, temperature }.shares(alpha);
        let shares: Vec<f32> = shares.into_iter().map(|share| share as f32).collect();
        let mut q = vec![0.0; w.len()];
        Mixture::new(&w, 1, branches, &shares).forward(&mut q);
        w.iter().zip(&q).map(|(w, q)| f64::from(w - q).powi(2)).sum::<f64>() / w.len() as f64
    };
    let two = error(&[branch("min_max:2")], &[1.0], 1.0);
    let mixture = ["min_max:2", "min_max:4", "min_max:8"].map(branch);
    let relaxed = ["min_max:2", "float"].map(branch);
    let mut shown = Vec::new();
    for step in 0..=40 {
        let temperature = 0.03 * (100.0_f64 / 0.03).powf(f64::from(step) / 40.0);
        let dqa = error(&mixture, &[4.0 / 7.0, 2.0 / 7.0, 1.0 / 7.0], temperature);
        let relaxed = error(&relaxed, &[0.75, 0.25], temperature);
        assert!(dqa <= relaxed + 1e-6 * two, "T = {temperature}: {dqa} {relaxed}");
        if step % 10 == 0 {
            shown.push(format!("{temperature:.3}: {dqa:.4} {relaxed:.4}"));
        }
        if step == 0 {
            assert!((dqa / two - 1.0).abs() < 1e-3 && (relaxed / two - 1.0).abs() < 1e-3);
        }
    }
    eprintln!(
        "figure: errors of DQA and Binary-Relax by T: {}; two bits {two:.4}",
        shown.join(", ")
    );
}

/// Figure 2 again, of a network: what the curve says is what mixtures of that temperature leave.
#[test]
fn the_curve_of_errors_is_that_of_the_mixtures_at_each_temperature() {
    let settings = settings("").unwrap();
    let network = network(&settings);
    let curve = error_curve(&network, &settings, 101).unwrap();
    assert_eq!((curve.len(), curve[0].temperature), (101, 100.0));
    assert!((curve[100].temperature - 0.03).abs() < 1e-12);
    let layers = ["first.weight", "second.weight", "fc.weight"];
    let squares = |other: Option<&Network>| -> f64 {
        let of = |name: &&str| {
            let own = values(&network, name);
            let q = other.map_or(vec![0.0; own.len()], |other| values(other, name));
            own.iter().zip(q).map(|(w, q)| f64::from(w - q).powi(2)).sum::<f64>()
        };
        layers.iter().map(of).sum()
    };
    for step in [0, 30, 57, 80, 100] {
        let soft = mixtures(&network, &settings, step).soft(&network).unwrap();
        let expected = squares(Some(&soft)) / squares(None);
        let found = curve[step as usize].mixture;
        assert!((found - expected).abs() < 1e-4 * expected, "{step}: {found} {expected}");
    }
    let hard = mixtures(&network, &settings, 100).hard(&network).unwrap();
    let two_bits = squares(Some(&hard)) / squares(None);
    let last = curve[100];
    assert!((last.mixture / two_bits - 1.0).abs() < 1e-3, "one quantizer is left");
    assert!((last.binary_relax / two_bits - (380.0_f64 / 381.0).powi(2)).abs() < 1e-6);
    assert!((curve[0].binary_relax / two_bits - 0.25).abs() < 1e-6, "half of the two bits");

    let none = super::fixture::settings("temperature = [2.0, 2.0]").unwrap();
    assert!(error_curve(&network, &none, 10).unwrap().is_empty(), "a constant temperature");
    let vanilla = super::fixture::settings("scheme = 'vanilla'").unwrap();
    assert!(error_curve(&plain_network(), &vanilla, 10).unwrap().is_empty());
}

#[test]
fn weights_that_are_not_finite_are_an_error_and_equal_ones_none() {
    let settings = settings("").unwrap();
    let mut network = network(&settings);
    let id = network.params().index_by_name()["second.weight"];
    let mut weights = network.params().to_values(id);
    weights[17] = f32::NAN;
    network.params_mut().set_values(id, weights.clone()).unwrap();
    let error = super::super::mixtures::Mixtures::new(&network, &settings, 1, 2).err().unwrap();
    assert_eq!(error.to_string(), "`second.weight`: element 17 is NaN, expected a finite value");

    network.params_mut().set_values(id, vec![0.25; weights.len()]).unwrap();
    let soft = mixtures(&network, &settings, 50).soft(&network).unwrap();
    assert!(values(&soft, "second.weight").iter().all(|w| (w - 0.25).abs() < 1e-6));

    let error = super::super::mixtures::Mixtures::new(&plain_network(), &settings, 1, 2);
    let error = error.err().unwrap().to_string();
    let expected = DqaError::NotPrepared { name: "dqa.first.alpha".to_owned() };
    assert_eq!(error, expected.to_string());
}

fn loader() -> Loader {
    let source = open("builtin:fashion-mnist", &OpenOptions::new(Split::Test)).unwrap();
    let input = InputConfig {
        size: 8,
        channels: 1,
        mean: vec![0.3],
        std: vec![0.3],
        ..InputConfig::default()
    };
    let transform = EvalTransform::new(input, EvalConfig::default()).unwrap();
    Loader::new(source, Arc::new(transform), LoaderConfig::eval(50)).unwrap()
}

#[test]
fn statistics_are_those_of_the_images_that_are_shown() {
    let (mut network, loader) = (plain_network(), loader());
    reestimate(&mut network, &loader, 0).unwrap();
    assert_eq!(values(&network, "norm.running_mean"), [0.0; 6], "none are asked for");
    reestimate(&mut network, &loader, 30).unwrap();
    let batch = loader.epoch(0, 0).next().unwrap().unwrap();
    let images = TensorData::new(batch.images.clone(), batch.shape);
    let images = Tensor::from_data(images, network.params().device());
    let first = network.graph().find("first").unwrap();
    let [maps] = network.run(images, [first], &mut Pass::Eval);
    let [images, channels, height, width] = maps.dims();
    let maps: Vec<f32> = maps.into_data().iter::<f32>().collect();
    let (mean, variance) =
        (values(&network, "norm.running_mean"), values(&network, "norm.running_var"));
    for channel in 0..channels {
        let plane = height * width;
        let of =
            (0..images).flat_map(|image| &maps[(image * channels + channel) * plane..][..plane]);
        let of: Vec<f64> = of.map(|value| f64::from(*value)).collect();
        let own = of.iter().sum::<f64>() / of.len() as f64;
        let spread = of.iter().map(|v| (v - own).powi(2)).sum::<f64>() / (of.len() as f64 - 1.0);
        assert!((f64::from(mean[channel]) - own).abs() < 1e-4 * (1.0 + own.abs()));
        assert!((f64::from(variance[channel]) - spread).abs() < 1e-3 * (1.0 + spread));
    }
}
