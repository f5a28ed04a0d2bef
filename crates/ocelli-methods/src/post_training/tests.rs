//! Networks of few bits are what was asked for, and what cannot be is refused.

mod sizes;

use super::*;
use crate::Error;
use burn::tensor::{Device, Tensor};
use ocelli_kernels::quantize::{Mixture, Per, Weights, Zero};
use ocelli_nn::parameter::Role;
use ocelli_nn::registry::{self, ModelOptions};
use ocelli_nn::weights::{
    PackedLayout, PackedSize, ReadOptions, StateDict, network_from_packed, packed_bytes,
};
use ocelli_nn::{InferenceEngine, Network, PackedTensor};
use ocelli_random::Seed;
use std::collections::BTreeMap;

/// A network whose normalisations do something.
fn network() -> Network {
    let model = registry::find("resnet20_cifar").unwrap();
    let options = ModelOptions { num_classes: 3, ..model.options() };
    let mut network = model.network(&options, Seed(1), &Device::flex()).unwrap();
    let norms: Vec<_> = network
        .params()
        .iter()
        .filter(|(_, p)| [Role::NormScale, Role::RunningVar].contains(&p.spec.role))
        .map(|(id, param)| (id, param.spec.len()))
        .collect();
    for (id, len) in norms {
        let values = (0..len).map(|at| 0.6 + (at as f32 * 0.7).sin() * 0.4).collect();
        network.params_mut().set_values(id, values).unwrap();
    }
    network
}

fn config(bits: u32, per: Per) -> PostTrainingConfig {
    PostTrainingConfig { width: Width::Bits(bits), per, ..PostTrainingConfig::default() }
}

fn logits(network: &Network) -> Vec<f32> {
    let device = Device::flex();
    let values: Vec<f32> = (0..3 * 32 * 32).map(|at| (at as f32 * 0.37).sin()).collect();
    let image = Tensor::<1>::from_data(&values[..], &device).reshape([1, 3, 32, 32]);
    InferenceEngine::new(network).unwrap().logits(image).unwrap().into_data().iter().collect()
}

#[test]
fn more_bits_are_nearer_to_the_float_network() {
    let network = network();
    let float = logits(&network);
    for per in [Per::Channel, Per::Tensor] {
        let mut before = f32::INFINITY;
        for bits in [2, 4, 6, 8] {
            let found = PostTraining::new(&network, &config(bits, per)).unwrap();
            let quantized = found.network(&vec![Some(bits); found.layers().len()]).unwrap();
            let differences = logits(&quantized).into_iter().zip(&float);
            let error: f32 = differences.map(|(a, b)| (a - b).powi(2)).sum();
            assert!(error < before && error > 0.0, "{per:?}, {bits} bits: {error} after {before}");
            before = error;
            for layer in found.layers() {
                let id =
                    quantized.params().index_by_name()[format!("{}.weight", layer.name).as_str()];
                let packed = quantized.params().get(id).packed().unwrap();
                assert_eq!(packed.bits().bits(), if bits == 6 { 8 } else { bits });
                let channels = quantized.params().get(id).spec.shape[0];
                assert_eq!(packed.grids().len(), if per == Per::Tensor { 1 } else { channels });
                // The classifier has no normalisation.
                let has_norm = packed.multipliers().is_some();
                assert_eq!(
                    has_norm,
                    per == Per::Tensor && layer.name != "linear",
                    "{}",
                    layer.name
                );
                let part = packed.values().len() / channels;
                for values in packed.values().chunks(part) {
                    let mut distinct: Vec<u32> = values.iter().map(|v| v.to_bits()).collect();
                    distinct.sort_unstable();
                    distinct.dedup();
                    assert!(distinct.len() <= 1 << bits);
                }
            }
        }
    }
}

#[test]
fn sizes_are_known_before() {
    let network = network();
    let words = BTreeMap::from([("arch".to_owned(), "resnet20_cifar".to_owned())]);
    for per in [Per::Channel, Per::Tensor] {
        let budget = PostTrainingConfig {
            width: Width::Budget(1),
            per,
            keep: vec!["linear".into()],
            activations: None,
        };
        let found = PostTraining::new(&network, &budget).unwrap();
        let bits: Vec<u32> = (0..found.layers().len()).map(|at| found.widths()[at % 5]).collect();
        let chosen: Vec<Option<u32>> = bits.iter().copied().map(Some).collect();
        let written = packed_bytes(&found.network(&chosen).unwrap(), &words).unwrap();
        let size = found.layout(&bits).size(&words).unwrap();
        assert_eq!(size.file(), written.len() as u64);
        assert_eq!(found.kept().collect::<Vec<_>>(), [("linear", 192)]);
        let weights: usize = found.layers().iter().map(|layer| layer.weights).sum();
        assert_eq!(weights, 9 * (3 * 16 + 6 * 256 + 512 + 5 * 1024 + 2048 + 5 * 4096));
        let sum: usize = found
            .layers()
            .iter()
            .zip(&bits)
            .map(|(layer, bits)| layer.weights * *bits as usize)
            .sum();
        let mean = (sum + 192 * 32) as f64 / (weights + 192) as f64;
        assert!((found.mean_bits(&bits) - mean).abs() < 1e-9);
    }
}

#[test]
fn a_budget_is_kept_and_spent_where_it_matters() {
    let network = network();
    let config = PostTrainingConfig { width: Width::Budget(0), ..PostTrainingConfig::default() };
    let found = PostTraining::new(&network, &config).unwrap();
    let mut asked = 0;
    // As if the last layer alone mattered.
    let last = found.layers().len() - 1;
    let id = found.float().params().index_by_name()["linear.weight"];
    let sensitivity = found
        .sensitivity(
            |_| found.widths().to_vec(),
            |network| {
                asked += 1;
                let packed = network.params().get(id).packed();
                let loss = packed.map_or(0.5, |packed| 0.5 + 1.0 / f64::from(packed.bits().bits()));
                Ok::<_, Error>(loss)
            },
        )
        .unwrap();
    assert_eq!(asked, 1 + 5 * found.layers().len());
    assert_eq!(sensitivity.increases[0], [0.0; 5]);
    for (found, bits) in sensitivity.increases[last].iter().zip([1.0, 2.0, 3.0, 4.0, 8.0]) {
        assert!((found - 1.0 / bits).abs() < 1e-12, "{:?}", sensitivity.increases[last]);
    }
    let size = |layout: &PackedLayout| Ok(layout.size(&BTreeMap::new()).unwrap());
    let file = |bits: &[u32]| size(&found.layout(bits)).map(PackedSize::file).unwrap();
    let [smallest, largest] = [1, 8].map(|bits| file(&vec![bits; last + 1]));
    for budget in [smallest + 700, 80_000, 150_000, largest] {
        let bits = found.within(budget, &sensitivity, size).unwrap();
        assert!(file(&bits) <= budget, "{} of {budget}", file(&bits));
        assert_eq!(bits[last], 8, "{budget}: {bits:?}");
    }
    let refused = found.within(smallest - 1, &sensitivity, size).unwrap_err().to_string();
    assert!(refused.contains(&format!("the file has {smallest}")), "{refused}");
}

#[test]
fn what_cannot_be_quantized_is_refused_by_name() {
    let refused = |network: &Network, config: &PostTrainingConfig| {
        PostTraining::new(network, config).unwrap_err().to_string()
    };
    let good = network();
    for bits in [0, 9] {
        let expected = format!("`bits` is {bits}, expected 1 to 8");
        assert_eq!(refused(&good, &config(bits, Per::Channel)), expected);
    }
    let keep = |patterns: &[&str]| PostTrainingConfig {
        keep: patterns.iter().map(|&pattern| pattern.to_owned()).collect(),
        ..PostTrainingConfig::default()
    };
    let message = refused(&good, &keep(&["linear", "head.*"]));
    assert!(message.starts_with("no layer is called `head.*`; the first are conv1, "), "{message}");
    assert!(refused(&good, &keep(&["*"])).starts_with("all 20 layers are kept"));
    assert!(refused(&good, &keep(&["a[b"])).contains("`a[b` is not a pattern"));
    let set = |name: &str, value: &dyn Fn(usize) -> f32| {
        let mut network = good.clone();
        let id = network.params().index_by_name()[name];
        let len = network.params().get(id).spec.len();
        network.params_mut().set_values(id, (0..len).map(value).collect()).unwrap();
        network
    };
    let config = PostTrainingConfig::default();
    let message = refused(&set("linear.weight", &|_| 0.0), &config);
    assert_eq!(message, "layer `linear`: all 192 weights are 0, expected a range of values");
    let nan = set("linear.weight", &|at| if at == 7 { f32::NAN } else { at as f32 });
    let message = refused(&nan, &config);
    assert!(message.starts_with("layer `linear`: NaN at element 7 of its weights"), "{message}");
    let found = PostTraining::new(&good, &config).unwrap();
    let packed = found.network(&vec![Some(8); found.layers().len()]).unwrap();
    assert!(refused(&packed, &config).contains("has codes of 8 bits already"));
}

#[test]
fn activations_get_the_range_with_the_least_loss_and_are_kept_in_the_file() {
    let network = network();
    let config = PostTrainingConfig {
        activations: Some(8),
        keep: vec!["conv1".into()],
        ..PostTrainingConfig::default()
    };
    let found = PostTraining::new(&network, &config).unwrap();
    let bits = vec![8; found.layers().len()];
    let quantized = found.network(&bits.iter().copied().map(Some).collect::<Vec<_>>()).unwrap();
    let weights_only = logits(&quantized);
    // Signed bytes stand for weights of eight bits.
    for (_, param) in quantized.params().iter() {
        for grid in param.packed().map(PackedTensor::grids).unwrap_or_default() {
            assert_eq!(grid.offset, -128.0 * grid.step, "{}", param.spec.name);
        }
    }
    let image = || {
        let values: Vec<f32> = (0..3 * 32 * 32).map(|at| (at as f32 * 0.37).sin()).collect();
        Tensor::<1>::from_data(&values[..], &Device::flex()).reshape([1, 3, 32, 32])
    };
    let mut asked = Vec::new();
    let none = QuantizedActivations::new(&quantized, std::iter::empty(), |_| Ok::<_, Error>(0.0));
    assert!(none.unwrap_err().to_string().contains("no image to calibrate"));
    let chosen = QuantizedActivations::new(&quantized, [Ok(image())].into_iter(), |network| {
        asked.push(logits(network));
        Ok::<_, Error>([3.0, 2.0, 2.0, 4.0][asked.len() - 1])
    })
    .unwrap();
    assert_eq!((chosen.coverage, chosen.losses.len()), (COVERAGES[1], COVERAGES.len()));
    assert_eq!(logits(&chosen.network), asked[1]);
    assert!(asked.iter().all(|found| *found != weights_only), "they are on levels");
    // The image that conv1 reads stays as it is.
    let readers: Vec<_> =
        chosen.network.graph().quantizers().map(|(_, node, _)| &node.name).collect();
    assert!(!readers.iter().any(|name| name.starts_with("conv1")), "{readers:?}");

    let words = BTreeMap::from([("arch".to_owned(), "resnet20_cifar".to_owned())]);
    let written = packed_bytes(&chosen.network, &words).unwrap();
    let size = found.layout(&bits).size(&words).unwrap();
    assert_eq!(size.file(), written.len() as u64, "ranges and their names too");
    let dict = StateDict::from_bytes("p", written, &ReadOptions::default()).unwrap();
    let model = registry::find("resnet20_cifar").unwrap();
    let options = ModelOptions { num_classes: 3, ..model.options() };
    let graph = model.graph(&options).unwrap();
    let read = network_from_packed(&graph, &dict, &Device::flex()).unwrap();
    assert_eq!(logits(&read), logits(&chosen.network), "to the bit");
}

#[test]
fn a_network_on_few_levels_is_packed_to_the_bit() {
    let network = network();
    let refused = TrainedLevels::new(&network).unwrap_err().to_string();
    assert_eq!(refused, "none of 20 layers has weights on 256 levels or fewer");
    // As a training leaves it: hardened floats before normalisations, one layer kept.
    let mut trained = network.clone();
    let weights: Vec<_> = network
        .params()
        .iter()
        .filter(|(_, param)| param.spec.role == Role::Weight && param.spec.name != "conv1.weight")
        .map(|(id, param)| (id, param.spec.shape[0]))
        .collect();
    for (at, (id, channels)) in weights.iter().enumerate() {
        let values = network.params().to_values(*id);
        let fitted = Weights::new(&values, *channels).unwrap();
        let quantizer = ["min_max:2", "sawb:4", "bwn", "twn"][at % 4].parse().unwrap();
        let branch = fitted.branch(quantizer, Per::Tensor, Zero::Paper, &[]);
        let mut hard = vec![0.0; values.len()];
        Mixture::new(&values, *channels, &[branch], &[1.0]).forward(&mut hard);
        trained.params_mut().set_values(*id, hard).unwrap();
    }
    let found = TrainedLevels::new(&trained).unwrap();
    assert_eq!(logits(&found.network), logits(&trained));
    let bits: Vec<u32> = found.layers.iter().map(|layer| layer.bits).collect();
    assert_eq!(bits[..6], [32, 2, 4, 1, 2, 2]);
    assert_eq!(found.layers[0].bytes, 4 * found.layers[0].weights as u64);
    assert!(found.mean_bits() > 2.0 && found.mean_bits() < 3.0, "{}", found.mean_bits());
}
