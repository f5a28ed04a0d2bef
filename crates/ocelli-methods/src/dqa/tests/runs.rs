//! Whole trainings: what is equal to the bit, what is written, and that they learn.

use super::fixture::{dict, files, metric, recipe, train};
use ocelli_train::{Machine, TrainOutcome, Trained};
use tempfile::TempDir;

fn run(overrides: &[&str]) -> (TempDir, [Vec<u8>; 2]) {
    let folder = TempDir::new().unwrap();
    let summary = train(&recipe(overrides).unwrap(), folder.path()).unwrap();
    let files = files(&summary);
    (folder, files)
}

#[test]
fn one_quantizer_is_plain_quantized_training_to_the_bit() {
    let one = ["train.max_steps=4", "dqa.quantizers=['min_max:2']"];
    let (_, dqa) = run(&[&one[..], &["dqa.lambda=9.0"]].concat());
    let (_, vanilla) = run(&[&one[..], &["dqa.scheme='vanilla'"]].concat());
    let (_, others) = run(&["train.max_steps=4", "dqa.scheme='vanilla'"]);
    assert!(dqa == vanilla, "neither attention nor penalty");
    assert!(dqa == others, "the quantizers after the first are not looked at");
}

#[test]
fn full_precision_is_supervised_training_to_the_bit() {
    let (_, plain) = run(&["train.max_steps=3"]);
    let (_, section) = run(&["train.max_steps=3", "dqa.scheme='full_precision'"]);
    assert!(plain == section);
}

#[test]
fn runs_are_resumed_to_the_bit_and_keep_all_that_is_learnt() {
    for more in [
        "dqa.normalise=true",
        "dqa.quantizers=['lsq:2','lsq:4','float']",
        "dqa.bn_reestimate=150",
        "ema.enabled=true",
    ] {
        let per = "dqa.per='channel'";
        let (whole, parts) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let expected =
            train(&recipe(&["train.max_steps=6", more, per]).unwrap(), whole.path()).unwrap();
        let short =
            train(&recipe(&["train.max_steps=2", more, per]).unwrap(), parts.path()).unwrap();
        assert_eq!(short.outcome, TrainOutcome::LimitReached);
        let resumed =
            train(&recipe(&["train.max_steps=6", more, per]).unwrap(), parts.path()).unwrap();
        assert!(files(&resumed) == files(&expected), "{more}");

        let [model, memory] =
            ["model.safetensors", "optimizer.safetensors"].map(|name| dict(&expected, name));
        assert!(
            model.iter().all(|tensor| !tensor.name().starts_with("dqa.")),
            "no α is in a model"
        );
        let alpha = memory.get("weights.dqa.conv1.alpha").unwrap().values().unwrap();
        let start = [6.0 / 7.0, 5.0 / 7.0, 3.0 / 7.0];
        assert!(alpha != start, "{more}: it learns");
        assert!(memory.get("weights.conv1.weight").is_some());
        assert_eq!(memory.get("weights.dqa.conv1.step.0").is_some(), more.contains("lsq"));
        assert_eq!(memory.get("average.dqa.conv1.alpha").is_some(), more.contains("ema"));
    }
}

#[test]
fn what_is_saved_is_hardened_and_the_mixture_is_measured_beside_it() {
    let folder = TempDir::new().unwrap();
    // A low rate leaves α near its start, where two bits have the largest share: at higher ones the shares of
    // two and four bits come close to each other, and neither is the only one at T = 0.03.
    let recipe = recipe(&["train.epochs=2", "optimizer.lr=0.0002", "dqa.keep=['linear']"]).unwrap();
    let summary = train(&recipe, folder.path()).unwrap();
    let steps = summary.state.step as usize;
    let model = dict(&summary, "model.safetensors");
    for tensor in model.iter().filter(|tensor| tensor.shape().len() == 4) {
        let mut values = tensor.values().unwrap();
        values.sort_by(f32::total_cmp);
        values.dedup();
        assert!(values.len() <= 4, "{}: {} values", tensor.name(), values.len());
    }
    let kept = model.get("linear.weight").unwrap().values().unwrap();
    assert!(kept.iter().any(|w| kept.iter().filter(|other| *other == w).count() == 1));

    let last = |name: &str| *metric(folder.path(), name).last().unwrap();
    let score = summary.score.unwrap();
    assert_eq!(last("eval/top1"), score.share());
    assert!((last("soft/eval/top1") - score.share()).abs() < 0.01, "two bits are left at T = 0.03");
    let shares = ["min_max:2", "min_max:4", "min_max:8"]
        .map(|name| last(&format!("dqa/attention/conv1/{name}")));
    assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9 && shares[0] > 0.99, "{shares:?}");
    assert_eq!(
        (last("dqa/bits"), last("dqa/bits/conv1"), last("dqa/temperature")),
        (2.0, 2.0, 0.03)
    );
    let errors = metric(folder.path(), "dqa/error");
    assert!(
        errors.len() == 2 && errors[0] < errors[1],
        "it grows as the mixture hardens: {errors:?}"
    );
    assert!((last("dqa/error") - last("dqa/error_hardened")).abs() < 1e-3);
    let losses = metric(folder.path(), "train/loss");
    eprintln!("figure: losses {losses:?} of {steps} steps, top-1 {}", score.share());

    let trained = Trained::open(folder.path(), None, &Machine::cpu(1).device).unwrap();
    assert_eq!(trained.network.params().len(), model.iter().count());
}

#[test]
fn every_scheme_and_quantizer_trains() {
    for overrides in [
        "dqa.quantizers=['bwn','twn','float']",
        "dqa.quantizers=['sawb:2','sawb:4','sawb:8']",
        "dqa.quantizers=['dorefa:2','dorefa:4','dorefa:8']",
        "dqa.quantizers=['twn','min_max:4','min_max:8']",
        "dqa.scheme='binary_relax_2'",
        "dqa.scheme='binary_relax_3'",
        "dqa.zero='aligned'",
        "dqa.start='uniform'",
    ] {
        let (folder, _) = run(&["train.max_steps=2", overrides]);
        assert_eq!(metric(folder.path(), "eval/top1").len(), 1, "{overrides}");
        let losses = metric(folder.path(), "eval/loss");
        assert!(losses.iter().all(|loss| loss.is_finite()), "{overrides}");
    }
}
