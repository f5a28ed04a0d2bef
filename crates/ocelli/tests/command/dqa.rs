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
fn the_page_of_a_run_tells_of_bits_attention_errors_and_which_layer_hurts() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, &format!("{LINE} --out run")).success();
    let page = || fs::read_to_string(root.join("run/report.html")).unwrap();
    let html = page();
    for words in [
        "packed bytes",
        "soft to hard, points",
        "share of min_max:2",
        "Attention of each layer",
        "Quantization error by temperature",
        "Binary-Relax, last weights",
        "mixture in evaluation",
    ] {
        assert!(html.contains(words), "{words}");
    }
    assert!(!html.contains("loss saved in floats"), "it was not measured");
    // A figure for each layer and measurement would be more than a hundred.
    assert!(html.matches("<svg").count() < 20, "{}", html.matches("<svg").count());
    let packed = run_in(root, "quantize run --json").success().json();
    let bytes = packed["bytes"].as_u64().unwrap();
    let grouped = format!("{},{:03}", bytes / 1000, bytes % 1000);
    assert!(html.contains(&grouped), "{grouped} bytes, as it is packed");

    run_in(root, "report run --sensitivity 32").success();
    assert!(page().contains("loss saved in floats"));
    let saved = fs::read_to_string(root.join("run/sensitivity.json")).unwrap();
    let saved: serde_json::Value = serde_json::from_str(&saved).unwrap();
    assert_eq!((&saved["images"], &saved["layers"][0]["name"]), (&32.into(), &"conv1".into()));
    assert_eq!(saved["layers"].as_array().unwrap().len(), 20);
    for layer in saved["layers"].as_array().unwrap() {
        assert!(layer["added_alone"].as_f64().unwrap().is_finite(), "{layer}");
    }
    run_in(root, "report run").success();
    assert!(page().contains("loss saved in floats"), "it is kept");

    run_in(root, "train tiny.toml --out plain --max-steps 2").success();
    let refused = run_in(root, "report plain --sensitivity 8");
    assert!(refused.bad_input().contains("no checkpoint of a quantized training"));
}

#[test]
fn networks_are_compared_by_their_size() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, &format!("{LINE} --out run --max-steps 6")).success();
    run_in(root, "train tiny.toml --out plain --max-steps 6").success();
    run_in(root, "quantize run").success();
    for bits in [8, 4] {
        run_in(root, &format!("quantize plain --post-training --bits {bits} --out q{bits}"))
            .success();
    }
    let line = "report run plain q8 q4 --out pareto.html --json";
    let json = run_in(root, line).success().json();
    let networks = json["networks"].as_array().unwrap();
    let names: Vec<_> = networks.iter().map(|own| own["name"].as_str().unwrap()).collect();
    let expected =
        ["run, 2.00 bits", "plain", "resnet20_cifar, floats", "q8, 8.00 bits", "q4, 4.00 bits"];
    assert_eq!(names, expected, "the network before is there once");
    assert_eq!(networks[0]["is_on_front"], true, "none is smaller: {networks:?}");
    let bytes: Vec<u64> = networks.iter().map(|own| own["bytes"].as_u64().unwrap()).collect();
    assert!(bytes[0] < bytes[4] && bytes[4] < bytes[3] && bytes[3] < bytes[2], "{bytes:?}");
    let page = fs::read_to_string(root.join("pareto.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("q4, 4.00 bits"));
    assert_eq!(run_in(root, "report run plain").code, Some(2), "--out is missing");
    fs::create_dir(root.join("empty")).unwrap();
    let refused = run_in(root, "report run empty --out x.html");
    assert!(refused.bad_input().contains("empty: no run that was evaluated"));
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
