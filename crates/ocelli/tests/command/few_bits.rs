//! `quantize RUN --bits`: a run's network trained further to few bits, and packed.

use crate::background::{begin, signal, wait_for_words};
use crate::support::run_in;
use crate::tiny;
use serde_json::Value;
use std::fs;
use std::path::Path;

const PACKED: &str = "packed.safetensors";

/// A folder with a trained run.
fn folder() -> tempfile::TempDir {
    let folder = tiny::folder();
    run_in(folder.path(), "train tiny.toml --out run --max-steps 12").success();
    folder
}

fn packed(root: &Path, out: &str) -> Vec<u8> {
    fs::read(root.join(out).join(PACKED)).unwrap()
}

#[test]
fn a_run_becomes_a_packed_network_of_the_fewest_bits() {
    let folder = folder();
    let root = folder.path();
    let line = "quantize run --bits 2,4,8 --epochs 2 --out q2 --json";
    let answer = run_in(root, line).success().json();
    assert_eq!(answer["bits"], 2.0, "{answer}");
    let layers = answer["bits_per_layer"].as_object().unwrap();
    assert!(layers.len() == 20 && layers.values().all(|bits| bits == 2), "{layers:?}");
    assert_eq!(answer["bytes"], answer["predicted_bytes"]);
    assert_eq!(answer["bytes"], packed(root, "q2").len());
    let ratio = answer["float_bytes"].as_f64().unwrap() / answer["bytes"].as_f64().unwrap();
    assert!(ratio > 12.0, "{ratio}");
    let before = run_in(root, "eval run --json").success().json();
    let after = run_in(root, "eval q2/packed.safetensors --data idx:tiny --json").success().json();
    for (key, eval, own) in [
        ("before", &before["loss"], "float_loss"),
        ("before", &before["correct"], "float_correct"),
        ("after", &after["loss"], "loss"),
        ("after", &after["correct"], "correct"),
        ("after", &after["top1"], "top1"),
    ] {
        assert_eq!(eval, &answer[own], "{key}: {own}");
    }
    for file in ["quantize.json", "report.html", "run/recipe.toml", "run/report.html"] {
        assert!(root.join("q2").join(file).is_file(), "{file}");
    }
    let recipe = fs::read_to_string(root.join("q2/run/recipe.toml")).unwrap();
    for words in ["quantizers = [\"min_max:2\"", "epochs = 2", "lr = 0.0005", "kind = \"cosine\""] {
        assert!(recipe.contains(words), "{words}: {recipe}");
    }

    // The same once more goes on at the end.
    let bytes = packed(root, "q2");
    assert_eq!(run_in(root, line).success().json(), answer);
    assert!(packed(root, "q2") == bytes);
    let refused = run_in(root, "quantize run --bits 2,8 --epochs 2 --out q2");
    assert!(refused.bad_input().contains("begun with another recipe"), "{}", refused.stderr);
    assert!(packed(root, "q2") == bytes);
}

#[test]
fn killed_and_interrupted_the_same_command_goes_on_to_the_same_bytes() {
    let folder = folder();
    let root = folder.path();
    let line =
        |out: &str| format!("quantize run --bits 2,8 --activations 4 --epochs 2 --out {out}");
    run_in(root, &line("whole")).success();
    for (out, name, step) in [("killed", "KILL", 3), ("stopped", "INT", 14)] {
        let mut child = begin(root, &line(out));
        let metrics = root.join(out).join("run/metrics.jsonl");
        wait_for_words(&metrics, &format!("{{\"step\":{step},"));
        signal(&child, name);
        let code = child.wait().unwrap().code();
        if name == "INT" {
            assert!([Some(130), Some(0)].contains(&code), "{code:?}");
        }
        run_in(root, &line(out)).success();
        assert!(packed(root, out) == packed(root, "whole"), "{name} at step {step}");
    }
    let json = fs::read(root.join("whole/quantize.json")).unwrap();
    let json: Value = serde_json::from_slice(&json).unwrap();
    assert!([4, 8].map(Value::from).contains(&json["activations"]["bits"]), "{json}");
    let text = run_in(root, &line("whole")).success().stdout;
    assert!(text.contains("bits, as they were trained"), "{text}");
    let eval = run_in(root, "eval whole/packed.safetensors --data idx:tiny --json").success();
    assert_eq!(eval.json()["loss"], json["loss"]);
}

#[test]
fn what_cannot_be_trained_further_is_named() {
    let folder = folder();
    let root = folder.path();
    fs::copy(root.join("run/checkpoints/step-12/model.safetensors"), root.join("w.safetensors"))
        .unwrap();
    let line = "train tiny.toml --out simclr --set simclr.widths=[16,8] --max-steps 1";
    run_in(root, line).success();
    for (words, expected) in [
        ("w.safetensors --data idx:tiny --out q --bits 2,4", "no run with a recipe"),
        ("simclr --out q --bits 2,4", "was trained by `[simclr]`"),
        ("missing --out q --bits 2,4", "missing"),
        ("run --out q --bits 2,4 --keep stem.*", "dqa.keep.0"),
    ] {
        let refused = run_in(root, &format!("quantize {words}"));
        assert!(refused.bad_input().contains(expected), "{words}: {}", refused.stderr);
        assert!(!root.join("q/quantize.json").exists(), "{words}");
    }
    for words in [
        "run --out q --bits 4,2",
        "run --out q --bits 2,2",
        "run --out q --bits 0,2",
        "run --out q --bits 2,9",
        "run --out q --bits 2 --epochs 0",
        "run --out q --bits 2 --lr 0",
        "run --out q --epochs 2",
        "run --out q --lr 0.1",
        "run --out q --per channel",
        "run --out q --post-training --bits 2 --epochs 2",
        "--out q --bits 2,4",
    ] {
        let refused = run_in(root, &format!("quantize {words}"));
        assert_eq!(refused.code, Some(2), "{words}: {}", refused.stderr);
    }
    let refused = run_in(root, "quantize run --out q --bits 4,2");
    assert!(refused.stderr.contains("fewest first, as in 2,4,8"), "{}", refused.stderr);
}
