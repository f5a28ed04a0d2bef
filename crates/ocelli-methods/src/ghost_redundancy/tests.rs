use super::*;
use burn::tensor::Device;
use ocelli_data::{EvalConfig, EvalTransform, InputConfig, Loader, LoaderConfig, OpenOptions};
use ocelli_data::{Split, Subset, open};
use ocelli_nn::Network;
use ocelli_nn::registry::{self, ModelOptions};
use ocelli_random::{Purpose, Seed};
use rand::RngExt;
use std::sync::Arc;

const SIDE: usize = 24;
/// A filter that no smaller one is equal to.
const FILTER: [f64; 9] = [0.5, -0.25, 0.125, 1.0, 0.75, -0.5, 0.25, 0.0, -1.0];

fn noise(seed: u64) -> Vec<f32> {
    let mut random = Seed(seed).stream(Purpose::AUGMENT, 0, 0);
    (0..SIDE * SIDE).map(|_| random.random::<f32>()).collect()
}

/// A map under a 3×3 filter, with zeros outside.
fn filtered(map: &[f32], filter: &[f64; 9], bias: f64) -> Vec<f32> {
    let at = |row: isize, column: isize| {
        let inside = 0..SIDE as isize;
        let is_inside = inside.contains(&row) && inside.contains(&column);
        if is_inside { f64::from(map[(row * SIDE as isize + column) as usize]) } else { 0.0 }
    };
    let row_and_column = |index: usize| ((index / SIDE) as isize, (index % SIDE) as isize);
    let value = |index| {
        let (row, column) = row_and_column(index);
        let taps = filter.iter().enumerate().map(|(tap, weight)| {
            weight * at(row + tap as isize / 3 - 1, column + tap as isize % 3 - 1)
        });
        (taps.sum::<f64>() + bias) as f32
    };
    (0..SIDE * SIDE).map(value).collect()
}

fn fit(source: &[f32], target: &[f32], bias: bool) -> Vec<Fit> {
    NormalEquations::new(source, SIDE, &[1, 3, 5, 7], bias).fit(target)
}

#[test]
fn a_known_filter_is_found_by_kernels_that_are_large_enough() {
    let source = noise(1);
    let fits = fit(&source, &filtered(&source, &FILTER, 0.3), true);
    for fit in &fits {
        eprintln!(
            "figure: MSE of a known 3×3 filter, fitted with d = {}: {:.3e}",
            fit.kernel, fit.mse
        );
    }
    assert!(fits[0].mse > 1e-2, "d = 1: {}", fits[0].mse);
    for fit in &fits[1..] {
        assert!(fit.mse < 1e-10, "d = {}: {}", fit.kernel, fit.mse);
        assert!((fit.bias - 0.3).abs() < 1e-5);
        let centre = fit.kernel / 2;
        for (tap, expected) in FILTER.iter().enumerate() {
            let (row, column) = (centre + tap / 3 - 1, centre + tap % 3 - 1);
            let found = fit.taps[row * fit.kernel + column];
            assert!((found - expected).abs() < 1e-5, "d = {}, tap {tap}: {found}", fit.kernel);
        }
    }
    let without = fit_without_bias(&source, &filtered(&source, &FILTER, 0.0));
    assert!(without[1].mse < 1e-10 && without[1].bias == 0.0);
}

fn fit_without_bias(source: &[f32], target: &[f32]) -> Vec<Fit> {
    fit(source, target, false)
}

#[test]
fn errors_do_not_grow_with_the_kernel() {
    for seed in 0..20 {
        let (source, target) = (noise(seed), noise(seed + 100));
        let fits = fit(&source, &target, seed % 2 == 0);
        for pair in fits.windows(2) {
            assert!(pair[1].mse <= pair[0].mse + 1e-12, "{pair:?}");
        }
        assert!(fits[0].mse <= 0.34, "no worse than nothing at all");
    }
}

#[test]
fn maps_without_structure_are_fitted_too() {
    let (zeros, flat) = (vec![0.0; SIDE * SIDE], vec![0.5; SIDE * SIDE]);
    let target = noise(3);
    for source in [&zeros, &flat] {
        for fit in fit(source, &target, true) {
            assert!(fit.mse.is_finite() && fit.taps.iter().all(|tap| tap.is_finite()));
        }
    }
    assert!(fit(&target, &flat, true).iter().all(|fit| fit.mse < 1e-12), "a bias is enough");
}

fn maps(all: &[Vec<f32>]) -> Maps {
    Maps::new(all.concat(), [all.len(), SIDE, SIDE]).unwrap()
}

#[test]
fn alike_maps_are_paired_and_each_once() {
    let (a, b) = (noise(1), noise(2));
    let twice = |map: &[f32]| map.iter().map(|value| 2.0 * value + 1.0).collect::<Vec<_>>();
    let all = [a.clone(), b.clone(), vec![1.0; SIDE * SIDE], twice(&a), twice(&b), twice(&a)];
    let correlations = correlations(&maps(&all));
    assert!((correlations[3] - 1.0).abs() < 1e-6 && correlations[2] == 0.0);
    assert!((correlations[6 + 1] - 1.0).abs() < 1e-6, "a map is itself");
    let pairs = most_similar(&correlations, 6, 3);
    let mut taken: Vec<usize> = pairs.iter().flat_map(|(a, b)| [*a, *b]).collect();
    taken.sort_unstable();
    assert_eq!(taken, [0, 1, 2, 3, 4, 5], "{pairs:?}");
    assert!(pairs.contains(&(1, 4)));
    assert_eq!(most_similar(&correlations, 6, 100).len(), 3, "no map is in two pairs");
}

#[test]
fn the_share_of_maps_that_another_makes_is_counted() {
    let source = noise(1);
    let all = [source.clone(), filtered(&source, &FILTER, 0.0), noise(2), vec![0.5; SIDE * SIDE]];
    let maps = maps(&all);
    let errors = errors::Errors::new(&maps, &Config::default());
    let with_filter = errors.at(0, 1);
    assert!(with_filter.relative[0] > 0.5 && with_filter.relative[1] < 1e-9);
    let fits = fit(&all[0], &all[1], true);
    for (fit, mse) in fits.iter().zip(with_filter.mse) {
        assert!((fit.mse - mse).abs() < 1e-9, "both ways to the error agree");
    }
    assert!(errors.best_of(2)[3] > 0.8, "noise is made of nothing");
}

fn network(name: &str) -> Network {
    let model = registry::find(name).unwrap();
    let options = ModelOptions { num_classes: 10, ..model.options() };
    model.network(&options, Seed(1), &Device::flex()).unwrap()
}

fn loader(images: u64) -> Loader {
    let source = open("builtin:fashion-mnist", &OpenOptions::new(Split::Test)).unwrap();
    let source = Arc::new(Subset::first(source, images));
    let input = InputConfig { size: 28, ..InputConfig::default() };
    let transform = EvalTransform::new(input, EvalConfig::default()).unwrap();
    Loader::new(source, Arc::new(transform), LoaderConfig::eval(2)).unwrap()
}

fn run(config: &Config) -> crate::Result<Study> {
    study(&network("resnet20_cifar"), &loader(3), config, &mut |_| {})
}

#[test]
fn a_network_is_studied_at_its_first_stage_or_any_layer() {
    let found = run(&Config { kernels: vec![1, 3], ..Config::default() }).unwrap();
    assert_eq!((found.layer.as_str(), found.shape, found.images), ("layer1.2", [16, 28, 28], 3));
    assert_eq!((found.pairs.len(), found.redundancy.len()), (3, 2));
    for pair in &found.pairs {
        assert!(pair.mse[1] <= pair.mse[0] + 1e-9 && pair.mse.len() == 2, "{pair:?}");
        assert!(pair.correlation > 0.0 && pair.correlation <= 1.0 + 1e-9);
    }
    assert!(found.redundancy[1].share >= found.redundancy[0].share);
    assert_eq!(found.first.count, 16);
    let at = Config { layer: Some("layer2.0.conv1".into()), pairs: 1, ..Config::default() };
    let found = run(&at).unwrap();
    assert_eq!((found.shape, found.pairs.len()), ([32, 14, 14], 1));
}

#[test]
fn what_cannot_be_studied_is_named() {
    let refuse = |config: Config| run(&config).unwrap_err().to_string();
    let layer = |name: &str| Config { layer: Some(name.into()), ..Config::default() };
    let message = refuse(layer("layer1.0.conv3"));
    assert!(
        message.contains("`layer1.0.conv3`") && message.contains("layer1.0.conv1"),
        "{message}"
    );
    assert!(refuse(layer("linear")).contains("before pooling"));
    for kernels in [vec![], vec![2], vec![3, 1], vec![17]] {
        assert!(refuse(Config { kernels, ..Config::default() }).contains("kernels"));
    }
    for threshold in [0.0, 1.5, f64::NAN] {
        assert!(refuse(Config { threshold, ..Config::default() }).contains("threshold"));
    }
    let empty = study(&network("resnet20_cifar"), &loader(0), &Config::default(), &mut |_| {});
    assert!(empty.is_err());
}
