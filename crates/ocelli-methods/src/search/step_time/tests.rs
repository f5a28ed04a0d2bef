use super::*;
use crate::search::{Candidate, Space, SpaceConfig, StageChoice};
use ocelli_nn::backbones::efficientnetv2::{BlockKind, Flavour, Layout, Variant, efficientnetv2};
use ocelli_nn::registry::ModelOptions;

fn cost(layout: &Layout) -> Cost {
    let options = ModelOptions { num_classes: 10, ..ModelOptions::default() };
    Cost::new(&efficientnetv2(layout, &options), 32, 32).unwrap()
}

#[test]
fn a_step_is_modelled_as_a_sum_by_hand() {
    let cost = Cost {
        params: 1_000_000,
        macs: 2_000_000,
        activations: 30_000,
        norm_elements: 20_000,
        layers: Vec::new(),
    };
    // 3 · 50 · 2e6 / 1e11 s, and 4 · (6 · 50 · 5e4 + 8 · 1e6) / 1e10 s.
    let expected = 3.0 + 9.2;
    assert!((modelled_step_ms(&cost, 50) - expected).abs() < 1e-12);
    assert!(modelled_step_ms(&cost, 100) < 2.0 * expected, "the update is the same for any batch");
}

/// `Fk3e4×2` and the like.
fn stage(name: &str) -> StageChoice {
    let parts: Vec<usize> =
        name[1..].split(['k', 'e', '×']).filter_map(|number| number.parse().ok()).collect();
    let op = if name.starts_with('F') { BlockKind::FusedMbConv } else { BlockKind::MbConv };
    StageChoice { op, kernel: parts[0], expand: parts[1], layers: parts[2] }
}

fn ranks(values: &[f64]) -> Vec<f64> {
    let rank = |value: &f64| values.iter().filter(|other| *other < value).count() as f64;
    values.iter().map(rank).collect()
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let sum = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
        a.iter().zip(b).map(|(a, b)| f(a - mean_a, b - mean_b)).sum()
    };
    sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt()
}

/// The model is for choosing, so it has to put networks in the order in which measured steps do:
/// `results/search_trials.csv` has the steps of a search on CIFAR-10, by its `step_ratio`.
#[test]
fn modelled_steps_rank_networks_as_measured_ones_do() {
    let csv = include_str!("../../../../../results/search_trials.csv");
    let head: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let column = |name: &str| head.iter().position(|other| *other == name).unwrap();
    let (ratio, network) = (column("step_ratio"), column("network"));
    let backbone = Variant::SMALL_CIFAR.layout(Flavour::PyTorch);
    let space = Space::new(&SpaceConfig::default(), backbone.clone()).unwrap();
    let base = modelled_step_ms(&cost(&backbone), 64);
    let (mut measured, mut modelled) = (Vec::new(), Vec::new());
    for line in csv.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let Ok(step_ratio) = fields[ratio].parse::<f64>() else { continue };
        let candidate = Candidate(fields[network].split(' ').map(stage).collect());
        assert_eq!(candidate.to_string(), fields[network]);
        measured.push(step_ratio);
        modelled.push(modelled_step_ms(&cost(&space.layout(&candidate)), 64) / base);
    }
    assert!(measured.len() >= 30, "{}", measured.len());
    let found = correlation(&ranks(&measured), &ranks(&modelled));
    let logarithms = |values: &[f64]| values.iter().map(|v| v.ln()).collect::<Vec<_>>();
    let linear = correlation(&logarithms(&measured), &logarithms(&modelled));
    ocelli_testkit::figure("rank correlation of modelled with measured steps", found);
    ocelli_testkit::figure("correlation of their logarithms", linear);
    assert!(found > 0.9, "{found}");
}
