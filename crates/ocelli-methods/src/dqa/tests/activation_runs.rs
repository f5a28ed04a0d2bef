//! Whole trainings with quantized activations: equal to the bit, hardened, opened again, and that they learn.

use super::fixture::{dict, files, metric, recipe, train, train_on};
use crate::METHODS;
use burn::tensor::{Tensor, TensorData};
use ocelli_data::{OpenOptions, Source, Split, Subset, open};
use ocelli_nn::graph::Op;
use ocelli_nn::{InferenceEngine, Network, Pass};
use ocelli_train::{Machine, Setup, TrainOutcome, Trained};
use std::sync::Arc;
use tempfile::TempDir;

fn run(overrides: &[&str]) -> (TempDir, [Vec<u8>; 2]) {
    let folder = TempDir::new().unwrap();
    let summary = train(&recipe(overrides).unwrap(), folder.path()).unwrap();
    let files = files(&summary);
    (folder, files)
}

#[test]
fn one_quantizer_is_plain_quantized_training_to_the_bit() {
    let one =
        ["train.max_steps=4", "dqa.quantizers=['min_max:2']", "dqa.activations=['min_max:4']"];
    let (_, dqa) = run(&[&one[..], &["dqa.lambda=9.0"]].concat());
    let (_, vanilla) = run(&[&one[..], &["dqa.scheme='vanilla'"]].concat());
    let (_, others) = run(&[
        "train.max_steps=4",
        "dqa.scheme='vanilla'",
        "dqa.activations=['min_max:4','min_max:8']",
    ]);
    assert!(dqa == vanilla, "neither attention nor penalty");
    assert!(dqa == others, "the quantizers after the first are not looked at");
    let (_, float) = run(&["train.max_steps=4", "dqa.scheme='vanilla'"]);
    assert!(dqa != float);
}

#[test]
fn runs_are_resumed_to_the_bit_with_ranges_attention_and_clips() {
    for more in [
        "dqa.activations=['min_max:2','min_max:4','min_max:8']",
        "dqa.activations=['pact:2','lsq:4','float']",
        "dqa.activations=['lsq:2']",
    ] {
        for ema in ["ema.enabled=false", "ema.enabled=true"] {
            let (whole, parts) = (TempDir::new().unwrap(), TempDir::new().unwrap());
            let of = |steps: &str| recipe(&[steps, more, ema, "dqa.alpha_lr=1"]).unwrap();
            let expected = train(&of("train.max_steps=5"), whole.path()).unwrap();
            let short = train(&of("train.max_steps=2"), parts.path()).unwrap();
            assert_eq!(short.outcome, TrainOutcome::LimitReached);
            let resumed = train(&of("train.max_steps=5"), parts.path()).unwrap();
            assert!(files(&resumed) == files(&expected), "{more} {ema}");

            let memory = dict(&expected, "optimizer.safetensors");
            let of = |name: &str| memory.get(&format!("weights.layer1.0.conv1.{name}"));
            let range = of("quantize.range").unwrap().values().unwrap();
            assert!(range[0] == 0.0 && range[1] > 0.0, "{range:?} after a ReLU");
            assert_eq!(of("quantize.pact2.clip").is_some(), more.contains("pact"));
            let alpha = memory.get("weights.dqa.layer1.0.conv1.quantize.alpha");
            assert_eq!(alpha.is_some(), more.contains(','));
            let start = [6.0 / 7.0, 5.0 / 7.0, 3.0 / 7.0];
            assert!(alpha.is_none_or(|alpha| alpha.values().unwrap() != start), "it learns");
            let average = memory.get("average.layer1.0.conv1.quantize.range");
            assert_eq!(average.is_some(), ema.ends_with("true"));
        }
    }
}

/// The values of some images that a network's quantized layers read, by the operation.
fn levels(network: &Network) -> Vec<(String, u32, usize)> {
    let pixels: Vec<f32> = (0..8 * 8 * 8).map(|at| (at as f32 * 0.37).sin()).collect();
    let images = TensorData::new(pixels, [8, 1, 8, 8]);
    let images = Tensor::<4>::from_data(images, network.params().device());
    let nodes = network.graph().quantizers().map(|(id, node, quantize)| {
        let [branch] = quantize.branches[..] else { panic!("{}: a mixture", node.name) };
        let [values] = network.run(images.clone(), [id], &mut Pass::Eval);
        let mut values: Vec<f32> = values.into_data().iter::<f32>().collect();
        values.sort_by(f32::total_cmp);
        values.dedup();
        (node.name.clone(), branch.quantizer.bits().unwrap(), values.len())
    });
    nodes.collect()
}

#[test]
fn what_is_saved_is_hardened_says_so_and_is_opened_by_itself() {
    for (activations, harden) in [
        ("['min_max:2','min_max:4','min_max:8']", "lowest"),
        ("['pact:2','lsq:4','pact:8']", "largest"),
        ("['lsq:3']", "lowest"),
    ] {
        let folder = TempDir::new().unwrap();
        let harden = format!("dqa.harden='{harden}'");
        let activations = format!("dqa.activations={activations}");
        let overrides = ["train.max_steps=4", "dqa.keep=['linear']", &harden, &activations];
        let recipe = recipe(&overrides).unwrap();
        let summary = train(&recipe, folder.path()).unwrap();
        let model = dict(&summary, "model.safetensors");
        assert!(model.iter().all(|tensor| !tensor.name().starts_with("dqa.")));
        let text = &model.metadata["activations"];
        assert!(text.contains("\"layer1.0.conv1\"") && !text.contains("\"linear\""), "{text}");
        assert!(!text.contains("\"conv1\""), "the image is as it is: {text}");

        let trained = Trained::open(folder.path(), None, &Machine::cpu(1).device).unwrap();
        assert_eq!(trained.network.params().len(), model.iter().count());
        let found = levels(&trained.network);
        assert_eq!(found.len(), 18, "each tensor once");
        for (name, bits, count) in &found {
            assert!(*count <= 1 << bits, "{name}: {count} values of {bits} bits");
        }
        assert!(found.iter().any(|(_, _, count)| *count > 2));
        let last = |name: &str| *metric(folder.path(), name).last().unwrap();
        assert_eq!(last("eval/top1"), summary.score.unwrap().share());
        let bits: u32 = found.iter().map(|(_, bits, _)| bits).sum();
        assert!((last("dqa/activation_bits") - f64::from(bits) / 18.0).abs() < 1e-9);
        if activations.contains("pact") {
            let name = "dqa/attention/layer1.0.conv1.quantize/lsq:4";
            assert!((0.0..=1.0).contains(&last(name)));
        }
        assert!(last("soft/eval/loss").is_finite());
    }
}

#[test]
fn a_float_network_starts_from_the_weights_of_one_with_quantized_activations() {
    let folder = TempDir::new().unwrap();
    let few = recipe(&["train.max_steps=2", "dqa.activations=['pact:4']"]).unwrap();
    let summary = train(&few, folder.path()).unwrap();
    let file = summary.checkpoint.unwrap().file("model.safetensors");
    let weights = format!("model.weights='{}'", file.display());
    for more in ["seed=3", "dqa.activations=['pact:2']"] {
        let next = recipe(&["train.max_steps=1", &weights, more]).unwrap();
        let Setup { network, weights, .. } = Setup::with(&next, METHODS, &Machine::cpu(1)).unwrap();
        let report = weights.unwrap();
        assert_eq!(report.beside.len(), 2 * 19, "{:?}: ranges and clips", report.beside);
        let is_quantize = |node: &&ocelli_nn::graph::Node| matches!(node.op, Op::Quantize(_));
        let count = network.graph().nodes().iter().filter(is_quantize).count();
        assert_eq!(count, if more.starts_with("dqa") { 19 } else { 0 });
        assert!(
            network
                .graph()
                .quantizers()
                .all(|(_, _, quantize)| { quantize.observed_range(network.params()).is_none() })
        );
    }
}

#[test]
fn evaluation_does_not_depend_on_the_batch() {
    let folder = TempDir::new().unwrap();
    let recipe = recipe(&["train.max_steps=3", "dqa.activations=['min_max:2']"]).unwrap();
    train(&recipe, folder.path()).unwrap();
    let trained = Trained::open(folder.path(), None, &Machine::cpu(1).device).unwrap();
    let mut engine = InferenceEngine::new(&trained.network).unwrap();
    let pixels: Vec<f32> = (0..5 * 64).map(|at| (at as f32 * 0.91).cos()).collect();
    let mut logits = |pixels: &[f32]| -> Vec<f32> {
        let images = TensorData::new(pixels.to_vec(), [pixels.len() / 64, 1, 8, 8]);
        let images = Tensor::<4>::from_data(images, trained.network.params().device());
        engine.logits(images).unwrap().into_data().iter::<f32>().collect()
    };
    let all = logits(&pixels);
    let one_by_one: Vec<f32> = pixels.chunks(64).flat_map(&mut logits).collect();
    assert_eq!(all, one_by_one);
}

/// Twenty images whose labels a network with few levels has to learn by heart.
#[test]
fn a_tiny_set_is_memorised_with_two_bits_for_weights_and_four_for_activations() {
    let source = open("builtin:fashion-mnist", &OpenOptions::new(Split::Test)).unwrap();
    let tiny: Arc<dyn Source> = Arc::new(Subset::first(source, 20));
    for (quantizers, activations) in [
        ("['sawb:2']", "['pact:4']"),
        ("['sawb:2','sawb:4','sawb:8']", "['min_max:4','min_max:8']"),
    ] {
        let [quantizers, activations] =
            [format!("dqa.quantizers={quantizers}"), format!("dqa.activations={activations}")];
        let recipe = recipe(&[
            "train.epochs=200",
            "train.batch_size=10",
            "train.eval_every=200",
            "optimizer.lr=0.02",
            "dqa.per='channel'",
            &quantizers,
            &activations,
        ])
        .unwrap();
        let machine = Machine::cpu(2);
        let setup = Setup::on(&recipe, METHODS, &machine, &tiny, &tiny).unwrap();
        let folder = TempDir::new().unwrap();
        let summary = train_on(&recipe, setup, folder.path()).unwrap();
        let last = |name: &str| *metric(folder.path(), name).last().unwrap();
        assert_eq!([last("dqa/bits"), last("dqa/activation_bits")], [2.0, 4.0]);
        let score = summary.score.unwrap();
        eprintln!("figure: {score}");
        assert_eq!(score.correct, 20, "{quantizers} {activations}");
    }
}
