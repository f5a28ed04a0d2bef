//! `[dqa]`: training with weights on few levels, from a recipe to a report.

use crate::background::{begin, wait_for_words};
use crate::support::run_in;
use crate::tiny::{self, EPOCHS, STEPS_PER_EPOCH};
use std::fs;
use std::path::Path;

const LINE: &str = "train tiny.toml --set dqa.lambda=5";

/// The model and the optimiser's file after the last step.
fn last(run: &Path) -> [Vec<u8>; 2] {
    let checkpoint = run.join(format!("checkpoints/step-{}", EPOCHS * STEPS_PER_EPOCH));
    ["model.safetensors", "optimizer.safetensors"]
        .map(|file| fs::read(checkpoint.join(file)).unwrap())
}

#[test]
fn killed_at_three_steps_and_resumed_weights_and_attention_are_the_same_bytes() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, &format!("{LINE} --out whole --threads 2")).success();
    let whole = last(&root.join("whole"));
    // In the middle of an epoch, at the last step of one, and before the first checkpoint.
    for (trial, step) in [3, STEPS_PER_EPOCH, 17].into_iter().enumerate() {
        let run = root.join(format!("killed-{trial}"));
        let line = format!("{LINE} --out killed-{trial} --threads {}", 1 + trial);
        let mut child = begin(root, &line);
        wait_for_words(&run.join("metrics.jsonl"), &format!("{{\"step\":{step},"));
        child.kill().unwrap();
        child.wait().unwrap();
        run_in(root, &format!("train --resume killed-{trial} --threads {}", 3 - trial)).success();
        assert!(last(&run) == whole, "killed at step {step}");
    }

    let metrics = fs::read_to_string(root.join("whole/metrics.jsonl")).unwrap();
    for name in ["soft/eval/top1", "dqa/attention/conv1/min_max:2", "dqa/bits", "dqa/error"] {
        assert!(metrics.contains(&format!("\"{name}\":")), "{name} is not in {metrics}");
    }
    run_in(root, "eval whole").success();
    run_in(root, "report whole").success();
}

#[test]
fn schemes_are_axes_of_a_grid_and_mistakes_are_named() {
    let folder = tiny::folder();
    let root = folder.path();
    let grid = "--grid dqa.scheme=full_precision,vanilla,binary_relax_2,binary_relax_3,dqa";
    run_in(root, &format!("{LINE} --out grid --max-steps 2 {grid}")).success();
    let table = fs::read_to_string(root.join("grid/grid.csv")).unwrap();
    assert_eq!(table.lines().count(), 6, "{table}");

    for (setting, words) in [
        ("dqa.quantizers=[\"min_max:9\"]", "dqa.quantizers.0"),
        ("dqa.quantizers=[\"min_max:0\"]", "1 to 8 bits"),
        ("dqa.keep=[\"layer9.*\"]", "dqa.keep.0"),
        ("dqa.schem=\"dqa\"", "dqa.scheme"),
        ("dqa.temperature=[100,0]", "dqa.temperature.1"),
    ] {
        let refused = run_in(root, &format!("{LINE} --out x --set {setting}"));
        assert!(refused.bad_input().contains(words), "{setting}: {}", refused.stderr);
        assert!(!root.join("x").exists(), "{setting}");
    }
}
