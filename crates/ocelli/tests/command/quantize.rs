//! `quantize`: networks of few bits, and the files that hold them.

use crate::support::run_in;
use crate::tiny;
use burn::tensor::Device;
use ocelli::nn::parameter::Role;
use ocelli::nn::registry::{self, ModelOptions};
use ocelli::nn::weights::{ReadOptions, StateDict, save};
use ocelli::random::Seed;
use ocelli::train::Trained;
use ocelli_testkit::reference_data;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const PACKED: &str = "q/packed.safetensors";

/// A folder with a trained network, and one that was quantized with `options`.
fn quantized(options: &str) -> (TempDir, Value) {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, "train tiny.toml --out run --max-steps 12").success();
    let line = format!("quantize run --post-training --out q --calibration 48 {options} --json");
    let answer = run_in(root, &line).success().json();
    (folder, answer)
}

fn open(path: &Path) -> StateDict {
    StateDict::open(path, &ReadOptions::default()).unwrap()
}

#[test]
fn a_fresh_process_that_has_only_the_packed_file_gives_the_same_logits() {
    for options in
        ["--bits 8 --activations 8", "--bits 3 --per tensor --keep conv1", "--budget 60kB"]
    {
        let (folder, answer) = quantized(options);
        let packed = folder.path().join(PACKED);
        let alone = tiny::folder();
        fs::copy(&packed, alone.path().join("p.safetensors")).unwrap();
        let eval = run_in(alone.path(), "eval p.safetensors --data idx:tiny --json").success();
        let eval = eval.json();
        // The mean of 30 logarithms of sums of exponentials: one bit of one logit would show.
        for key in ["model", "samples", "correct", "top1", "loss"] {
            assert_eq!(eval[key], answer[key], "{options}: {key}");
        }
        // And in one process, to the bit.
        let [run, read] = ["run", PACKED]
            .map(|path| Trained::open(&folder.path().join(path), None, &Device::flex()).unwrap());
        assert_eq!(run.metadata(), read.metadata(), "preprocessing, classes and options");
    }
}

#[test]
fn the_answer_has_the_size_of_the_file_and_the_bits_of_each_layer() {
    let (folder, answer) = quantized("--bits 2 --keep linear --keep layer1.0.*");
    let root = folder.path();
    let bytes = fs::metadata(root.join(PACKED)).unwrap().len();
    assert_eq!(answer["bytes"], bytes);
    assert_eq!(answer["predicted_bytes"], bytes);
    assert_eq!(answer["samples"], 30);
    let layers = answer["bits_per_layer"].as_object().unwrap();
    assert_eq!(layers.len(), 20);
    let bits = |layer: &str| layers[layer].clone();
    assert_eq!(
        [bits("conv1"), bits("layer1.0.conv2"), bits("linear")],
        [2, 32, 32].map(Value::from)
    );
    let kept = 2 * 16 * 16 * 9 + 64 * 3;
    let all = 9 * (16 + 6 * 256 + 512 + 5 * 1_024 + 2_048 + 5 * 4_096) + 64 * 3;
    assert_eq!(answer["bits"], f64::from(2 * (all - kept) + 32 * kept) / f64::from(all));
    let written: Value =
        serde_json::from_slice(&fs::read(root.join("q/quantize.json")).unwrap()).unwrap();
    assert_eq!(written, answer);
    let page = fs::read_to_string(root.join("q/report.html")).unwrap();
    for words in ["Which layer hurts", "Where the bytes are", "layer3.2.conv2", "<svg"] {
        assert!(page.contains(words), "{words}");
    }
    let dict = open(&root.join(PACKED));
    assert!(dict.get("conv1.weight").is_none() && dict.get("conv1.weight.2bit").is_some());
    assert!(dict.get("linear.weight").is_some(), "it is kept");
    assert!(!dict.iter().any(|entry| entry.name().contains("running")), "all is folded");
    // The same once more is the same file; another folder is needed for other work.
    let again = "quantize run --post-training --calibration 48 --bits 2 --keep linear \
                 --keep layer1.0.* --out again";
    run_in(root, again).success();
    let files =
        ["q", "again"].map(|to| fs::read(root.join(to).join("packed.safetensors")).unwrap());
    assert!(files[0] == files[1]);
    let refused = run_in(root, "quantize run --post-training --out run");
    assert!(refused.bad_input().contains("holds other files"), "{}", refused.stderr);
}

#[test]
fn a_budget_is_kept_and_the_rest_of_the_commands_take_the_file() {
    let (folder, answer) = quantized("--budget 0.09MB");
    let root = folder.path();
    assert!(answer["bytes"].as_u64().unwrap() <= 90_000);
    let bits: Vec<u64> = answer["bits_per_layer"]
        .as_object()
        .unwrap()
        .values()
        .map(|bits| bits.as_u64().unwrap())
        .collect();
    assert!(bits.iter().all(|bits| [1, 2, 3, 4, 8].contains(bits)), "{bits:?}");
    assert!(bits.iter().any(|one| *one != bits[0]), "layers differ: {bits:?}");
    let image = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/images/pixel.png");
    let predict = run_in(root, &format!("predict {PACKED} {image} --json")).success().json();
    assert_eq!(predict["predictions"][0]["top"].as_array().map(Vec::len), Some(3), "{predict}");
    let attack = "attack one-pixel q/packed.safetensors --data idx:tiny --images 2 --population 5 \
                  --generations 1 --untargeted --json";
    assert_eq!(run_in(root, attack).success().json()["images"], 2);
    for line in [
        "convert q/packed.safetensors out.safetensors",
        "train tiny.toml --pretrained q/packed.safetensors --out other",
    ] {
        let refused = run_in(root, line);
        assert!(
            refused.bad_input().contains("packed: its weights are codes"),
            "{}",
            refused.stderr
        );
        assert!(refused.stderr.contains("hint: "), "{}", refused.stderr);
    }
    let refused =
        run_in(root, "quantize q/packed.safetensors --data idx:tiny --post-training --out r");
    assert!(refused.bad_input().contains("bits already"), "{}", refused.stderr);
    let refused = run_in(root, "quantize run --post-training --budget 9kB --out r");
    assert!(refused.bad_input().contains("with one bit for each weight"), "{}", refused.stderr);
}

#[test]
fn a_packed_file_that_was_cut_or_altered_is_refused_by_name() {
    let (folder, _) = quantized("--bits 1");
    let root = folder.path();
    let bytes = fs::read(root.join(PACKED)).unwrap();
    let mut changes = vec![bytes[..bytes.len() - 1].to_vec(), bytes[..40].to_vec()];
    for at in [100, bytes.len() / 2, bytes.len() - 1] {
        let mut altered = bytes.clone();
        altered[at] ^= 4;
        changes.push(altered);
    }
    for changed in changes {
        fs::write(root.join("p.safetensors"), changed).unwrap();
        let refused = run_in(root, "eval p.safetensors --data idx:tiny");
        assert!(refused.bad_input().starts_with("p.safetensors: "), "{}", refused.stderr);
    }
    let refused = run_in(root, "predict p.safetensors tiny.toml");
    assert!(refused.bad_input().contains("altered"), "{}", refused.stderr);
    assert!(refused.stderr.contains("hint: copy it again"), "{}", refused.stderr);
}

#[test]
fn what_cannot_be_quantized_is_bad_input_or_usage() {
    let folder = tiny::folder();
    let root = folder.path();
    let model = registry::find("resnet20_cifar").unwrap();
    let options = ModelOptions { num_classes: 3, in_channels: 1, ..model.options() };
    let network = model.network(&options, Seed(1), &Device::flex()).unwrap();
    save(&network, "resnet20_cifar", &root.join("good.safetensors")).unwrap();
    let with = |file: &str, value: &dyn Fn(usize) -> f32| {
        let mut network = network.clone();
        let id = network.params().index_by_name()["linear.weight"];
        network.params_mut().set_values(id, (0..192).map(value).collect()).unwrap();
        save(&network, "resnet20_cifar", &root.join(file)).unwrap();
    };
    with("constant.safetensors", &|_| 0.5);
    with("nan.safetensors", &|at| if at == 3 { f32::NAN } else { 0.1 });
    let quantize = |words: &str| {
        run_in(root, &format!("quantize --data idx:tiny --post-training --out q {words}"))
    };
    for (words, expected, hint) in [
        ("--weights constant.safetensors", "layer `linear`: all 192 weights are 0.5", "--keep"),
        ("--weights nan.safetensors", "`linear.weight`: NaN at element 3", ""),
        ("--weights good.safetensors --keep head.*", "no layer is called `head.*`", "ocelli cost"),
        ("--weights good.safetensors --keep *", "nothing to quantize", "ocelli cost"),
        ("--weights missing.safetensors", "missing.safetensors", "check the path"),
    ] {
        let refused = quantize(words);
        assert!(refused.bad_input().contains(expected), "{words}: {}", refused.stderr);
        assert!(refused.stderr.contains(hint), "{words}: {}", refused.stderr);
        assert!(!root.join("q").exists(), "{words}: nothing is left");
    }
    for words in [
        "--weights good.safetensors --bits 0",
        "--weights good.safetensors --bits 9",
        "--weights good.safetensors --bits 2,4",
        "--weights good.safetensors --activations 9",
        "--weights good.safetensors --calibration 0",
        "--weights good.safetensors --budget 0",
        "--weights good.safetensors --budget 1MB --bits 8",
        "",
    ] {
        assert_eq!(quantize(words).code, Some(2), "{words}");
    }
    let line = "quantize --weights good.safetensors --data idx:none --post-training --out q";
    assert!(run_in(root, line).bad_input().contains("none"));
    for words in ["--budget 1MB", "--activations 8", "--keep linear", "--per tensor"] {
        let line = format!("quantize --weights good.safetensors --data idx:tiny --out q {words}");
        assert_eq!(run_in(root, &line).code, Some(2), "{words} without --post-training");
    }
    let refused = run_in(root, "quantize --weights good.safetensors --data idx:tiny --out q");
    assert!(refused.bad_input().contains("none of 20 layers"), "{}", refused.stderr);
    assert!(refused.stderr.contains("hint: --post-training"), "{}", refused.stderr);
    let line = "quantize --weights good.safetensors --data idx:tiny --post-training";
    assert_eq!(run_in(root, line).code, Some(2), "--out is needed");
    assert_eq!(json!(quantize("--weights good.safetensors --json").success().json()["bits"]), 8.0);
}

#[test]
fn a_network_that_was_trained_on_few_levels_is_packed_without_loss() {
    let folder = tiny::folder();
    let root = folder.path();
    let model = registry::find("resnet20_cifar").unwrap();
    let options = ModelOptions { num_classes: 3, in_channels: 1, ..model.options() };
    let mut network = model.network(&options, Seed(1), &Device::flex()).unwrap();
    let weights: Vec<_> = network
        .params()
        .iter()
        .filter(|(_, param)| param.spec.role == Role::Weight && param.spec.name != "linear.weight")
        .map(|(id, _)| id)
        .collect();
    for id in weights {
        let values = network.params().to_values(id).into_iter();
        let values = values.map(|value| if value < 0.0 { -0.1 } else { 0.1 }).collect();
        network.params_mut().set_values(id, values).unwrap();
    }
    save(&network, "resnet20_cifar", &root.join("levels.safetensors")).unwrap();
    let line = "quantize --weights levels.safetensors --data idx:tiny --out q --json";
    let answer = run_in(root, line).success().json();
    assert_eq!(answer["bits_per_layer"]["conv1"], 1);
    assert_eq!(answer["bits_per_layer"]["linear"], 32);
    assert_eq!(answer["loss"], answer["float_loss"], "to the bit");
    assert_eq!(answer["bytes"], answer["predicted_bytes"]);
    assert_eq!(answer["bytes"], fs::metadata(root.join(PACKED)).unwrap().len());
    let eval = run_in(root, "eval q/packed.safetensors --data idx:tiny --json").success().json();
    assert_eq!(eval["loss"], answer["loss"]);
}

/// Eight bits, for weights and activations, cost a trained network less than half a point.
#[test]
fn eight_bits_keep_the_accuracy_of_published_weights() {
    let (Some(weights), Some(data)) = (
        reference_data("weights/resnet20_cifar10.safetensors"),
        reference_data("cifar10/test.tar"),
    ) else {
        return;
    };
    let data = data.display().to_string().replace("test.tar", "{split}.tar");
    let folder = TempDir::new().unwrap();
    let line = format!(
        "quantize --model resnet20_cifar --weights {} --post-training --bits 8 --activations 8 \
         --data {data} --calibration 256 --out q --json",
        weights.display()
    );
    let answer = run_in(folder.path(), &line).success().json();
    let count = |key: &str| answer[key].as_f64().unwrap();
    assert_eq!([count("samples"), count("float_correct")], [10_000.0, 9_173.0]);
    assert!((count("correct") - 9_173.0).abs() <= 50.0, "{}", answer["correct"]);
    assert!(count("float_bytes") / count("bytes") > 3.75, "{}", answer["bytes"]);
    assert_eq!(answer["calibration"]["is_apart"], true);
    ocelli_testkit::figure("right answers of 10,000 with 8 bits", count("correct"));
}
