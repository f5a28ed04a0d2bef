//! `export`: a network as an ONNX file.

use crate::support::run_in;
use crate::tiny;
use std::fs;

#[test]
fn a_run_is_written_with_all_that_its_user_needs() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, "train tiny.toml --out run").success();
    let json = run_in(root, "export run run.onnx --json").success().json();
    let bytes = fs::read(root.join("run.onnx")).unwrap();
    assert_eq!(json["bytes"].as_u64().unwrap(), bytes.len() as u64);
    for (key, value) in [
        ("path", "run.onnx"),
        ("kind", "classifier"),
        ("weights", "float32"),
        ("model", "resnet20_cifar"),
    ] {
        assert_eq!(json[key], value, "{json}");
    }
    assert_eq!((&json["opset"], &json["outputs"]), (&17.into(), &3.into()), "{json}");
    // Sums are formed in another order, so that equality to the bit would mean that nothing was computed.
    let difference = json["relative_difference"].as_f64().unwrap();
    assert!(difference > 0.0 && difference < 1e-4, "{json}");
    assert!(json["max_difference"].as_f64().unwrap() > 0.0, "{json}");
    assert_eq!(json["checkpoint"]["which"], "best");
    let text = String::from_utf8_lossy(&bytes);
    for word in
        ["\"mean\":[0.3]", "\"crop_pct\":1.0", "idx:tiny", "resnet20_cifar", "logits", "image"]
    {
        assert!(text.contains(word), "{word} is not in the file");
    }

    let again = run_in(root, "export run run.onnx");
    assert!(again.bad_input().ends_with("run.onnx exists already"), "{}", again.stderr);
    assert!(again.stderr.contains("hint: --force replaces it"), "{}", again.stderr);
    let forced = run_in(root, "export run run.onnx --force --opset 13 --size 16 --json");
    let forced = forced.success().json();
    assert_eq!((&forced["opset"], &forced["size"]), (&13.into(), &16.into()));
    let text = run_in(root, "export --weights run other.onnx").success().stdout;
    assert!(text.starts_with("wrote other.onnx: resnet20_cifar, "), "{text}");
    assert!(text.contains("opset 17, images of 8 × 8, the logits of 3 classes"), "{text}");
}

#[test]
fn features_are_written_as_such() {
    let folder = tiny::folder();
    let root = folder.path();
    let line = "train tiny.toml --out run --set simclr.widths=[16,8] --set train.epochs=1";
    run_in(root, line).success();
    let json = run_in(root, "export run run.onnx --json").success().json();
    assert_eq!((&json["kind"], &json["outputs"]), (&"embedding".into(), &8.into()), "{json}");
}

#[test]
fn what_cannot_be_written_is_named() {
    let folder = tiny::folder();
    let root = folder.path();
    let outcome = run_in(root, "export run photos.safetensors");
    assert!(outcome.bad_input().contains("photos.safetensors: this writes .onnx"));
    assert!(outcome.stderr.contains("hint: name it photos.onnx"), "{}", outcome.stderr);
    let outcome = run_in(root, "export nowhere photos.onnx");
    assert!(outcome.bad_input().contains("nowhere"), "{}", outcome.stderr);
    for (line, words) in [
        ("export photos.onnx", "name the file to write after the model"),
        ("export run photos.onnx --weights run", "give MODEL or --weights, not both"),
        ("export run photos.onnx --opset 12", "opset 12: expected 13 to 22"),
        ("export run photos.onnx --opset 23", "opset 23: expected 13 to 22"),
        ("export run photos.onnx --opset new", "`new` is not a version"),
        ("export run photos.onnx --size 0", "0 is not in 1..=8192"),
        ("export", "MODEL OUT"),
    ] {
        let outcome = run_in(root, line);
        assert_eq!(outcome.code, Some(2), "{line}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(words), "{line}: {}", outcome.stderr);
    }
    assert!(!root.join("photos.onnx").exists(), "nothing half is written");
}

#[test]
fn an_image_that_is_too_small_is_refused() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(
        root,
        "train tiny.toml --out run --set train.epochs=1 --set model.name=\"lenet_keras_cifar\" \
                  --set input.size=32",
    )
    .success();
    let outcome = run_in(root, "export run run.onnx --size 8");
    assert!(outcome.bad_input().contains("cannot take an input of shape"), "{}", outcome.stderr);
    assert!(!root.join("run.onnx").exists());
}
