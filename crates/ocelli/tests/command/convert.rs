//! `convert`: weights in, weights out, the same network.

use crate::support::run_in;
use crate::tiny;
use std::fs;
use std::path::Path;

#[test]
fn converted_weights_are_the_same_network() {
    let folder = tiny::folder();
    let root = folder.path();
    let trained = run_in(root, "train tiny.toml --out run --json").success().json();
    let weights = trained["model"].as_str().unwrap();
    run_in(root, &format!("convert {weights} half.safetensors --dtype f16")).success();
    let eval = |what: &str| run_in(root, &format!("eval {what} --data idx:tiny --json")).success();
    let (half, full) = (eval("half.safetensors").json(), eval("run").json());
    assert_eq!(half["correct"], full["correct"]);
    assert_eq!(half["model"], full["model"]);

    let wrong = run_in(root, &format!("convert {weights} out.safetensors --model resnet56_cifar"));
    assert!(wrong.bad_input().contains("another model"), "{}", wrong.stderr);
    assert!(!root.join("out.safetensors").exists(), "nothing half is written");
}

#[test]
fn files_that_are_no_weights_are_named() {
    let folder = tiny::folder();
    let root = folder.path();
    fs::write(root.join("page.pth"), "<!doctype html>").unwrap();
    let outcome = run_in(root, "convert page.pth out.safetensors");
    assert!(outcome.bad_input().contains("page.pth"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("web page"), "{}", outcome.stderr);
}

#[test]
fn published_weights_keep_their_accuracy() {
    let Some(weights) = ocelli_testkit::reference_data("weights/resnet20_cifar10.th") else {
        return;
    };
    let folder = tiny::folder();
    let root = folder.path();
    let line = format!("convert {} half.safetensors --dtype f16 --json", weights.display());
    let json = run_in(root, &line).success().json();
    assert_eq!(json["model"], "resnet20_cifar");
    assert_eq!(json["prefix"], "module.");
    assert!(json["bytes"].as_u64().unwrap() < weights.metadata().unwrap().len());
    // One image is enough to see that file and original give one prediction.
    fs::copy(
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/images/pixel.png"),
        root.join("pixel.png"),
    )
    .unwrap();
    let guess = |weights: &str| {
        let json = run_in(root, &format!("predict --weights {weights} pixel.png -k 1 --json"));
        json.success().json()["predictions"][0]["top"][0].take()
    };
    let (half, full) = (guess("half.safetensors"), guess(&weights.display().to_string()));
    assert_eq!(half["class"], full["class"]);
    let difference = half["probability"].as_f64().unwrap() - full["probability"].as_f64().unwrap();
    assert!(difference.abs() < 1e-2, "{half} {full}");
}

/// Of the 10,000 test pictures LeNet knows as many as Keras says of the same files, and ResNet-32 of
/// every twentieth as many as when it knows 9,231 of all.
#[test]
fn published_keras_networks_have_their_accuracy() {
    for (file, model, step, correct) in [
        ("lenet_cifar10_keras", "lenet_keras_cifar", 1, 7488),
        ("resnet32_cifar10_keras", "resnet32_keras_cifar", 20, 470),
    ] {
        let (Some(weights), Some(data)) = (
            ocelli_testkit::reference_data(&format!("weights/{file}.safetensors")),
            ocelli_testkit::reference_data("cifar10/test.tar"),
        ) else {
            return;
        };
        let folder = tiny::folder();
        let line = format!("convert {} own.safetensors --json", weights.display());
        let json = run_in(folder.path(), &line).success().json();
        assert_eq!((&json["model"], &json["scheme"]), (&model.into(), &"keras".into()));
        every(step, &data, &folder.path().join("part.tar"));
        let json = run_in(folder.path(), "eval own.safetensors --data part.tar --json");
        let json = json.success().json();
        let expected = (&(10_000 / step).into(), &correct.into());
        assert_eq!((&json["samples"], &json["correct"]), expected, "{model}");
    }
}

/// Writes every so-many-th file of a tar into another.
pub(crate) fn every(step: usize, tar: &Path, part: &Path) {
    let mut source = tar::Archive::new(fs::File::open(tar).unwrap());
    let mut target = tar::Builder::new(fs::File::create(part).unwrap());
    let files = source.entries().unwrap().map(Result::unwrap);
    for entry in files.filter(|entry| entry.header().entry_type().is_file()).step_by(step) {
        target.append(&entry.header().clone(), entry).unwrap();
    }
    target.finish().unwrap();
}
