use super::*;
use burn::tensor::Device;
use ocelli_data::{
    EvalConfig, EvalTransform, InputConfig, Loader, LoaderConfig, OpenOptions, Split, Subset, open,
};
use ocelli_nn::Network;
use ocelli_nn::graph::{Builder, ConvSettings, NormSettings};
use ocelli_nn::init::InitScheme;
use ocelli_nn::parameter::Role;
use ocelli_random::Seed;
use ocelli_train::{Exact, Local, evaluate};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

fn network() -> Network {
    let (mut b, image) = Builder::new(1, InitScheme::FanInUniform, NormSettings::default());
    let x = b.conv("first", image, ConvSettings::new(6, 3).with_bias());
    let x = b.batch_norm("norm", x);
    let features = b.conv("depthwise", x, ConvSettings::depthwise(6, 3));
    let pooled = b.global_avg_pool("pool", features);
    let logits = b.linear("fc", pooled, 10);
    Network::new(b.finish(features, pooled, logits), Seed(3), &Device::flex())
}

fn loader() -> Loader {
    let source = open("builtin:fashion-mnist", &OpenOptions::new(Split::Test)).expect("embedded");
    let input = InputConfig {
        size: 8,
        channels: 1,
        mean: vec![0.3],
        std: vec![0.3],
        ..InputConfig::default()
    };
    let transform = EvalTransform::new(input, EvalConfig::default()).expect("possible");
    let source = Arc::new(Subset::first(source, 40));
    Loader::new(source, Arc::new(transform), LoaderConfig::eval(16)).expect("possible")
}

fn grid() -> LossSurfaceGrid {
    LossSurfaceConfig { grid: 3, span: 0.5 }.check().expect("possible")
}

fn norm(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
}

#[test]
fn directions_have_the_norms_of_filters_and_leave_all_else() {
    let network = network();
    let directions = Directions::new(&network, Seed(5));
    let mut moved = 0;
    for (id, param) in network.params().iter() {
        let Some(both) = directions.of(id) else {
            assert_ne!(param.spec.role, Role::Weight, "{}", param.spec.name);
            continue;
        };
        assert_eq!(param.spec.role, Role::Weight, "{}", param.spec.name);
        let values = network.params().to_values(id);
        let len = values.len() / param.spec.shape[0];
        for direction in both {
            for (own, filter) in direction.chunks(len).zip(values.chunks(len)) {
                assert!((norm(own) / norm(filter) - 1.0).abs() < 1e-6, "{}", param.spec.name);
            }
        }
        assert_ne!(both[0], both[1], "two directions");
        assert_ne!(directions.of(id), Directions::new(&network, Seed(6)).of(id), "by the seed");
        moved += 1;
    }
    assert_eq!(moved, 3, "two kernels and a matrix");

    let at = directions.at(&network, [0.5, -2.0]).expect("the same network");
    for (id, param) in network.params().iter() {
        let [before, after] = [&network, &at].map(|network| network.params().to_values(id));
        assert_eq!(before != after, param.spec.role == Role::Weight, "{}", param.spec.name);
        if let Some([a, b]) = directions.of(id) {
            assert!((after[1] - (before[1] + 0.5 * a[1] - 2.0 * b[1])).abs() < 1e-6);
        }
    }
    // A filter of zeros has no length.
    let mut zero = network.clone();
    let id = zero.params().index_by_name()["fc.weight"];
    let mut values = zero.params().to_values(id);
    values[..6].fill(0.0);
    zero.params_mut().set_values(id, values).expect("as long");
    let directions = Directions::new(&zero, Seed(5));
    assert_eq!(directions.of(id).expect("moved")[0][..6], [0.0; 6]);
}

#[test]
fn settings_that_are_impossible_are_named() {
    let refused =
        |grid, span| LossSurfaceConfig { grid, span }.check().expect_err("impossible").to_string();
    assert!(refused(20, 1.0).contains("`grid` is 20, expected an odd number from 3"));
    assert!(refused(1, 1.0).contains("`grid` is 1"));
    assert!(refused(21, 0.0).contains("`span` is 0"));
    assert!(refused(21, f64::NAN).contains("`span` is NaN"));
    let grid = LossSurfaceConfig { grid: 21, span: 0.3 }.check().expect("possible");
    assert_eq!(grid.point(grid.centre()), [0.0, 0.0], "exactly");
    assert_eq!((grid.point(0), grid.point(20)), ([-0.3, -0.3], [0.3, -0.3]));
}

fn points(side: usize, of: impl Fn(f64, f64) -> Option<f64>) -> Vec<SurfacePoint> {
    let half = (side / 2) as f64;
    let loss = |at: usize| of((at % side) as f64 - half, (at / side) as f64 - half);
    let score = |at| SurfaceScore { loss: loss(at).map(Exact), top1: Some(Exact(0.5)) };
    (0..side * side).map(|point| SurfacePoint { point, scores: vec![score(point)] }).collect()
}

#[test]
fn a_parabola_is_as_rough_as_its_second_derivatives() {
    let names = ["network".to_owned()];
    let of = |points: &[SurfacePoint]| summaries(&names, 7, points).remove(0);
    // x² + 3 y² has second differences of 2 and 6.
    let bowl = of(&points(7, |x, y| Some(1.0 + x * x + 3.0 * y * y)));
    assert_eq!((bowl.roughness, bowl.concavity), (Some(4.0), Some(0.0)));
    assert_eq!((bowl.loss, bowl.lowest, bowl.highest), (Some(1.0), Some(1.0), Some(37.0)));
    assert_eq!((bowl.top1, bowl.not_finite), (Some(0.5), 0));
    let steep = of(&points(7, |x, y| Some((x * x + 3.0 * y * y).exp())));
    assert!((steep.log_roughness.expect("known") - 4.0).abs() < 1e-9);
    assert!(steep.roughness > Some(1e9), "the corners rule it");
    let saddle = of(&points(7, |x, y| Some(x * x - 3.0 * y * y)));
    assert_eq!((saddle.roughness, saddle.concavity), (Some(4.0), Some(3.0)));
    let flat = of(&points(7, |x, y| Some(2.0 * x - y)));
    assert_eq!(flat.roughness, Some(0.0));
    // A point that is not finite takes the triples with it that it is in.
    let hole = of(&points(7, |x, y| (x != 3.0 || y != 3.0).then_some(x * x + 3.0 * y * y)));
    assert_eq!((hole.roughness, hole.not_finite), (Some(4.0), 1));
}

fn identity(seed: u64) -> SurfaceIdentity {
    SurfaceIdentity {
        model: "toy".to_owned(),
        weights: "0123".to_owned(),
        networks: vec!["network".to_owned()],
        step: None,
        data: "abcd".to_owned(),
        images: 40,
        input: InputConfig::default(),
        eval: EvalConfig::default(),
        seed,
        grid: 3,
        span: 0.5,
    }
}

/// Measures all points, or stops after so many.
fn measure(path: &Path, most: usize) -> (bool, Vec<SurfacePoint>) {
    let (network, images, grid) = (network(), loader(), grid());
    let models = |_: &Network| Ok(Vec::new());
    let subject = SurfaceSubject { network: &network, models: &models, images: &images };
    let directions = Directions::new(&network, Seed(5));
    let mut journal = SurfaceJournal::open(path, &identity(5), &grid).expect("a journal");
    let stop = AtomicBool::new(false);
    let mut progress = |done| stop.store(done as usize >= most, Ordering::Relaxed);
    let is_whole =
        measure_surface(&grid, &directions, &subject, &mut journal, &stop, &mut progress)
            .expect("measured");
    (is_whole, journal.points().to_vec())
}

#[test]
fn a_study_that_stopped_goes_on_to_the_same_bytes_and_knows_its_own() {
    let folder = TempDir::new().expect("a folder");
    let [whole, parts] = ["whole.jsonl", "parts.jsonl"].map(|name| folder.path().join(name));
    let (is_whole, points) = measure(&whole, usize::MAX);
    assert!(is_whole && points.len() == 9);
    let loss = evaluate(&network(), &loader(), &Local, &mut |_| ()).expect("measured").scores.loss;
    assert_eq!(
        points[4].scores[0].loss,
        Some(Exact(loss)),
        "the centre is the network, to the bit"
    );
    let losses: Vec<_> = points.iter().map(|point| point.scores[0].loss).collect();
    assert!(losses.iter().all(Option::is_some) && losses[0] != losses[8], "{losses:?}");

    assert!(!measure(&parts, 4).0);
    // What a crash left of a line.
    let mut cut = fs::read(&parts).expect("written");
    cut.extend(b"{\"point\":4,\"sco");
    fs::write(&parts, cut).expect("written");
    assert_eq!(measure(&parts, usize::MAX), (true, points));
    let bytes = |path| fs::read(path).expect("written");
    assert!(bytes(&whole) == bytes(&parts));

    let other = SurfaceJournal::open(&whole, &identity(6), &grid()).expect_err("another seed");
    assert!(other.to_string().contains("begun with seed 5, now it is 6"), "{other}");
    let text = fs::read_to_string(&whole).expect("text");
    fs::write(&whole, text.replacen("\"point\":3", "\"point\":7", 1)).expect("written");
    let altered = SurfaceJournal::open(&whole, &identity(5), &grid()).expect_err("altered");
    assert!(altered.to_string().contains("line 5"), "{altered}");
}
