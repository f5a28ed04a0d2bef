//! `study` on a run from its beginning to its files.

use crate::support::run_in;
use crate::tiny;
use ocelli_testkit::reference_data;
use std::fs;

#[test]
fn the_redundancy_of_a_run_is_shown_and_written() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, "train tiny.toml --out run --max-steps 3").success();
    let line = "study ghost-redundancy run --images 4 --out found";
    let text = run_in(root, line).success().stdout;
    assert!(text.starts_with("resnet20_cifar at layer1.2: 16 maps of 8×8"), "{text}");
    let json = run_in(root, &format!("{line} --json")).success().json();
    assert_eq!((&json["layer"], &json["images"]), (&"layer1.2".into(), &4.into()));
    assert_eq!(json["kernels"], serde_json::json!([1, 3, 5, 7]));
    let pairs = json["pairs"].as_array().unwrap();
    assert_eq!(pairs.len(), 3);
    for pair in pairs {
        let errors: Vec<f64> =
            pair["mse"].as_array().unwrap().iter().map(|mse| mse.as_f64().unwrap()).collect();
        assert!(errors.windows(2).all(|pair| pair[1] <= pair[0] + 1e-9), "{errors:?}");
    }
    let page = fs::read_to_string(root.join("found/redundancy.html")).unwrap();
    for words in ["data:image/png;base64,", "Similar pairs", ">red<", ">green<", ">blue<"] {
        assert!(page.contains(words), "{words}");
    }
    assert!(fs::read(root.join("found/maps.png")).unwrap().starts_with(b"\x89PNG"));
    let csv = fs::read_to_string(root.join("found/redundancy.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 3 * 4 + 4);
}

#[test]
fn what_cannot_be_studied_is_bad_input() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, "train tiny.toml --out run --max-steps 1").success();
    let study = |more: &str| run_in(root, &format!("study ghost-redundancy run {more}"));
    let unknown = study("--layer layer1.0.conv9");
    assert!(unknown.bad_input().contains("layer1.0.conv"), "{}", unknown.stderr);
    assert!(study("--kernels 2").bad_input().contains("odd numbers"));
    assert!(study("--threshold 7").bad_input().contains("threshold"));
    assert!(study("--data no/such").bad_input().contains("no/such"));
    assert!(study("--layer linear").bad_input().contains("before pooling"));
    assert_eq!(study("--images 0").code, Some(2));
    assert_eq!(run_in(root, "study ghost-redundancy").code, Some(2));
}

#[test]
fn a_network_that_was_trained_elsewhere_has_maps_that_are_alike() {
    let (Some(weights), Some(data)) = (
        reference_data("weights/resnet56_cifar10.safetensors"),
        reference_data("cifar10/test.tar"),
    ) else {
        return;
    };
    let line = format!(
        "study ghost-redundancy --weights {} --model resnet56_cifar --data {} --images 4 --json",
        weights.display(),
        data.display()
    );
    let json = run_in(tiny::folder().path(), &line).success().json();
    assert_eq!(json["shape"], serde_json::json!([16, 32, 32]));
    let best = &json["pairs"][0];
    assert!(best["correlation"].as_f64().unwrap() > 0.3, "{best}");
    assert!(best["relative"][3].as_f64().unwrap() < 0.8, "{best}");
    assert_eq!(json["data"], "test.tar", "without the folders of a machine");
}
