//! What `ocelli bench` measures and how it talks with peers. How fast anything is, is not tested.

use crate::support::run_in;
use crate::tiny;
use burn::tensor::Device;
use ocelli::nn::registry;
use ocelli::nn::weights::save;
use ocelli::random::Seed;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const QUICK: &str = "--rounds 1 --turn 0";

/// A Python that speaks the language of `bench/peers/peer.py`, in a shell.
fn write_python(folder: &Path, body: &str) {
    let path = folder.join("python");
    fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn models_are_timed_in_inference_and_training() {
    let folder = tiny::folder();
    let line = format!("bench models resnet20_cifar@16 --batch 2 {QUICK} --out rows.csv --json");
    let outcome = run_in(folder.path(), &line).success();
    let report = outcome.json();
    let rows = report["rows"].as_array().unwrap();
    // Each is told when it has been measured, and all of them are the result.
    let told = outcome.stderr.matches("resnet20_cifar@16: ocelli: ").count();
    assert_eq!(told, rows.len(), "{}", outcome.stderr);
    let tasks: Vec<_> = rows.iter().map(|row| (row["task"].as_str(), &row["images"])).collect();
    let (one, two) = (&1.into(), &2.into());
    assert_eq!(
        tasks,
        [(Some("inference"), one), (Some("inference"), two), (Some("training step"), two)]
    );
    assert!(rows.iter().all(|row| row["ms"].as_f64().unwrap() > 0.0));
    assert_eq!(rows[0]["subject"], "resnet20_cifar@16");
    let csv = fs::read_to_string(folder.path().join("rows.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + rows.len());
    assert!(csv.starts_with("date,machine,command,commit,seed,threads,rounds,subject,"), "{csv}");
}

#[test]
fn backbones_are_counted_timed_and_found_in_the_literature() {
    let folder = tiny::folder();
    let line = format!(
        "bench backbones resnet20_cifar ghostnet_small --batch 2 {QUICK} --out rows.csv --json"
    );
    let report = run_in(folder.path(), &line).success().json();
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(
        (&rows[0]["model"], &rows[1]["model"]),
        (&"ghostnet_small".into(), &"resnet20_cifar".into())
    );
    let row = &rows[1];
    assert_eq!((&row["size"], &row["params"]), (&32.into(), &269_722.into()));
    assert_eq!((&row["batch"], &row["train_batch"]), (&2.into(), &2.into()));
    for speed in ["latency_ms", "infer_images_per_second", "train_images_per_second"] {
        assert!(row[speed].as_f64().unwrap() > 0.0, "{speed}: {row}");
    }
    assert_eq!(row["top1"], 0.9173);
    assert_eq!(row["weights_license"], "BSD-2-Clause");
    assert!(rows[0]["top1"].is_null() && rows[0]["weights_project"].is_null(), "ours");
    let csv = fs::read_to_string(folder.path().join("rows.csv")).unwrap();
    assert_eq!(csv.lines().count(), 3, "{csv}");

    let line = format!("bench backbones resnet20_cifar --batch 2 {QUICK} --infer-only");
    let table = run_in(folder.path(), &line).success().stdout;
    let cells: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(cells[..4], ["resnet20_cifar", "32", "0.27M", "40.55M"], "{table}");
    assert_eq!(cells[cells.len() - 3..], ["91.73", "%", "akamaster/pytorch_resnet_cifar10"]);
}

#[test]
fn a_backbone_whose_training_does_not_fit_is_skipped_with_the_reason() {
    let folder = tiny::folder();
    let line = format!("bench backbones resnet20_cifar --memory 0.001 {QUICK}");
    let outcome = run_in(folder.path(), &format!("{line} --batch 2 --json")).success();
    let row = outcome.json()["rows"][0].take();
    let reason = row["train_skipped"].as_str().unwrap();
    assert!(reason.starts_with("a batch of 2 takes about"), "{reason}");
    assert!(row["train_images_per_second"].is_null() && row["batch"] == 2, "{row}");
    assert!(outcome.stderr.contains("resnet20_cifar: training is skipped"), "{}", outcome.stderr);

    // Some 4 MiB for each image, and as much for what does not depend on them.
    let outcome = run_in(folder.path(), &format!("{line} --memory 0.05 --json"));
    assert_eq!(outcome.code, Some(2), "named twice");
    let line = format!("bench backbones resnet20_cifar --memory 0.05 {QUICK} --json");
    let row = run_in(folder.path(), &line).success().json()["rows"][0].take();
    assert_eq!(row["batch"], 128);
    let batch = row["train_batch"].as_u64().unwrap();
    assert!((4..=32).contains(&batch), "halved until it fits: {batch}");
}

#[test]
fn peers_are_asked_for_the_same_and_compared() {
    let folder = tiny::folder();
    let reply = "read line; printf '%s\\n' \"$line\" > asked; echo '{\"ms\": 1e9}'";
    write_python(folder.path(), &format!("echo '{{\"name\": \"'$3' 1.0\"}}'\n{reply}"));
    let line = format!(
        "bench kernels resnet20_cifar@4 --batch 3 {QUICK} --threads 2 --peers ./python --json"
    );
    let report = run_in(folder.path(), &line).success().json();
    let rows = report["rows"].as_array().unwrap();
    let first: Vec<_> = rows[..3].iter().map(|row| row["tool"].as_str().unwrap()).collect();
    assert_eq!(first, ["ocelli", "pytorch 1.0", "pytorch-channels-last 1.0"]);
    assert!(rows[0]["speedup"].is_null() && rows[1]["speedup"].as_f64().unwrap() > 1.0);
    let asked = fs::read_to_string(folder.path().join("asked")).unwrap();
    let asked: serde_json::Value = serde_json::from_str(&asked).unwrap();
    assert_eq!((&asked["images"], &asked["in_channels"]), (&3.into(), &3.into()));
    assert_eq!(asked["data_gradient"], false, "of the first convolution");
}

#[test]
fn networks_on_integers_are_compared_with_floats_and_with_files() {
    let folder = tiny::folder();
    let asked = "printf '%s\\n' \"$line\" > asked; echo '{\"ms\": 1e9}'";
    let reply = format!("while read line; do {asked}; done");
    write_python(folder.path(), &format!("echo '{{\"name\": \"'$3' 1.0\"}}'\n{reply}"));
    let line = format!(
        "bench integers resnet20_cifar@8 --batch 2 --layers {QUICK} --peers ./python --out rows.csv \
         --json"
    );
    let report = run_in(folder.path(), &line).success().json();
    let rows = report["rows"].as_array().unwrap();
    let tools: Vec<_> = rows.iter().map(|row| row["tool"].as_str().unwrap()).collect();
    let peers = ["onnxruntime-integers 1.0", "onnxruntime-floats 1.0"];
    let expected = [&["ocelli on integers", "ocelli in floats"][..], &peers].concat();
    assert_eq!(tools, expected.repeat(2), "single images, then two");
    assert!(rows[0]["speedup"].is_null() && rows[1]["speedup"].as_f64().unwrap() > 0.0);
    assert!(rows[2]["speedup"].as_f64().unwrap() > 1.0);
    let asked = fs::read_to_string(folder.path().join("asked")).unwrap();
    let asked: serde_json::Value = serde_json::from_str(&asked).unwrap();
    assert!(asked["integers"].as_str().unwrap().ends_with("integers.onnx"), "{asked}");
    assert_eq!((&asked["size"], &asked["images"]), (&8.into(), &2.into()));
    // The image becomes codes, nothing but the logits is of floats, and shares make a whole.
    let layers = report["layers"].as_array().unwrap();
    assert_eq!(layers.iter().filter(|row| row["images"] == 2).count(), layers.len() / 2);
    assert!(layers.iter().all(|row| row["on_integers"] == true), "{layers:?}");
    assert_eq!(layers.iter().filter(|row| row["work"] == "layer").count(), 2 * 20);
    let shares = layers.iter().map(|row| row["share"].as_f64().unwrap()).sum::<f64>();
    assert!((shares - 2.0).abs() < 0.01, "{shares}");
    let csv = fs::read_to_string(folder.path().join("rows.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + rows.len());
    let table = format!("bench integers resnet20_cifar@8 --batch 1 --layers {QUICK}");
    let table = run_in(folder.path(), &table).success().stdout;
    assert!(table.contains("of peak") && table.contains("layer3.2.conv2"), "{table}");
}

#[test]
fn a_step_of_simclr_is_compared_by_its_views() {
    let folder = tiny::folder();
    let answer = "read line; printf '%s\\n' \"$line\" > asked; echo '{\"ms\": 1e9}'";
    write_python(folder.path(), &format!("echo '{{\"name\": \"'$3' 1.0\"}}'\n{answer}"));
    let line = format!("bench simclr --batch 2 {QUICK} --threads 2 --peers ./python --json");
    let report = run_in(folder.path(), &line).success().json();
    let rows = report["rows"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["images"]), (5, &4.into()), "two views of each picture");
    assert_eq!(rows[4]["tool"], "pytorch-compiled-channels-last 1.0");
    let asked = fs::read_to_string(folder.path().join("asked")).unwrap();
    let asked: serde_json::Value = serde_json::from_str(&asked).unwrap();
    assert_eq!((&asked["task"], &asked["images"]), (&"simclr step".into(), &4.into()));
    assert_eq!(asked["model"], "resnet20_cifar");
}

#[test]
fn attacks_of_both_ways_and_of_peers_are_compared_by_the_evaluation() {
    let folder = tiny::folder();
    fs::create_dir(folder.path().join("weights")).unwrap();
    let reply = "read line; printf '%s\\n' \"$line\" > asked-$3
weights=$(expr \"$line\" : '.*\"weights\":\"\\([^\"]*\\)\"'); head -c 8 \"$weights\" > head-$3
echo '{\"ms\": 1e9, \"images\": 801, \"settings\": \"batch 128\"}'";
    write_python(folder.path(), &format!("echo '{{\"name\": \"'$3' 1.0\"}}'\n{reply}"));
    let line = format!(
        "bench attack lenet_keras_cifar --generations 1 --weights weights {QUICK} --threads 2 \
         --peers ./python --out rows.csv --json"
    );
    let outcome = run_in(folder.path(), &line).success();
    assert!(
        outcome.stderr.contains("lenet_keras_cifar@32: random weights, weights has no others"),
        "{}",
        outcome.stderr
    );
    let report = outcome.json();
    let rows = report["rows"].as_array().unwrap();
    let tools: Vec<_> = rows.iter().map(|row| row["tool"].as_str().unwrap()).collect();
    assert_eq!(tools, ["ocelli delta", "ocelli dense", "torchattacks 1.0", "art 1.0"]);
    let evaluations: Vec<_> = rows.iter().map(|row| row["evaluations"].as_f64()).collect();
    assert_eq!(evaluations, [Some(800.0), Some(800.0), Some(801.0), Some(801.0)]);
    assert!(rows[0]["speedup"].is_null() && rows[1]["speedup"].as_f64().unwrap() > 0.0);
    assert!(rows[2]["speedup"].as_f64().unwrap() > 1.0);
    assert_eq!(
        (&rows[2]["settings"], &rows[2]["weights"]),
        (&"batch 128".into(), &"random".into())
    );
    let csv = fs::read_to_string(folder.path().join("rows.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + rows.len(), "{csv}");

    let asked = fs::read_to_string(folder.path().join("asked-art")).unwrap();
    let asked: serde_json::Value = serde_json::from_str(&asked).unwrap();
    assert_eq!((&asked["population"], &asked["generations"]), (&400.into(), &1.into()));
    let logarithms = asked["log_probabilities"].as_array().unwrap();
    let probability = |it: &serde_json::Value| it.as_f64().unwrap().exp();
    let sum: f64 = logarithms.iter().map(probability).sum();
    assert!(logarithms.len() == 10 && (sum - 1.0).abs() < 1e-6, "{logarithms:?}");
    assert_eq!(fs::read(folder.path().join("head-art")).unwrap().len(), 8, "weights were there");
    let gone = Path::new(asked["weights"].as_str().unwrap());
    assert!(!gone.exists(), "and are gone");
}

#[test]
fn weights_of_a_folder_are_attacked() {
    let folder = tiny::folder();
    let weights = folder.path().join("weights");
    fs::create_dir(&weights).unwrap();
    let model = registry::find("lenet_keras_cifar").unwrap();
    let network = model.network(&model.options(), Seed(3), &Device::flex()).unwrap();
    save(&network, model.arch, &weights.join("mine.safetensors")).unwrap();
    let line = format!("bench attack lenet_keras_cifar --generations 1 --weights weights {QUICK}");
    let outcome = run_in(folder.path(), &line).success();
    assert!(outcome.stderr.contains("weights of weights/mine.safetensors"), "{}", outcome.stderr);
    let cells: Vec<&str> = outcome.stdout.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(cells[..5], ["lenet_keras_cifar@32", "mine.safetensors", "ocelli", "delta", "800"]);
}

#[test]
fn a_peer_that_fails_is_left_out_and_named() {
    let folder = tiny::folder();
    write_python(folder.path(), "echo '{\"error\": \"no module named torchvision\"}'");
    let line = format!("bench data idx:tiny --size 8 {QUICK} --peers ./python --json");
    let outcome = run_in(folder.path(), &line).success();
    assert!(outcome.stderr.contains("torchvision stays away: no module"), "{}", outcome.stderr);
    let report = outcome.json();
    let rows = report["rows"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["subject"]), (1, &"idx:tiny".into()));
}

#[test]
fn what_cannot_be_timed_is_named() {
    let folder = tiny::folder();
    let bad = |line: &str| run_in(folder.path(), line).bad_input().to_owned();
    assert!(bad("bench models resnet19").contains("resnet19"));
    assert!(bad("bench data no-such.tar").starts_with("no-such.tar: "));
    assert!(
        bad("bench models resnet20_cifar --rounds 1 --peers ./no-python").contains("no-python")
    );
    assert!(bad("bench attack lenet").contains("lenet"));
    assert!(bad("bench attack --weights no-such").contains("no-such"));
    assert!(bad("bench backbones ghostnt*").contains("no model matches `ghostnt*`"));
    assert!(bad("bench backbones --family ghost").contains("no model matches `ghost`"));
    assert_eq!(run_in(folder.path(), "bench models resnet18@8x9").code, Some(2));
    assert_eq!(run_in(folder.path(), "bench backbones --peers ./python").code, Some(2));
}
