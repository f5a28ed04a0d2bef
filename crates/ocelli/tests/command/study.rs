//! `study` on a run from its beginning to its files.

use crate::support::run_in;
use crate::tiny;
use ocelli_testkit::reference_data;
use std::fs;
use std::path::Path;

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

/// The lines of a file without the last `count`.
fn cut(path: &Path, count: usize) {
    let text = fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    fs::write(path, lines[..lines.len() - count].join("\n") + "\n").unwrap();
}

#[test]
fn the_loss_around_quantized_weights_is_measured_and_goes_on_where_it_was_killed() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, "train tiny.toml --out run --max-steps 6 --set dqa.lambda=5").success();
    let line = "study loss-surface run --grid 3 --images 30 --seed 4";
    let json = run_in(root, &format!("{line} --threads 1 --out one.csv --json")).success().json();
    assert_eq!((&json["outcome"], &json["points"]), (&"finished".into(), &9.into()));
    let networks = json["networks"].as_array().unwrap();
    let names: Vec<_> = networks.iter().map(|own| own["network"].as_str().unwrap()).collect();
    assert_eq!(names, ["hardened", "soft"]);
    assert_eq!(json["roughness"], networks[0]["roughness"]);
    assert!(json["roughness"].as_f64().unwrap() > 0.0);
    let eval = run_in(root, "eval run --json").success().json();
    assert_eq!(networks[0]["loss"], eval["loss"], "the centre is what was saved");
    assert_eq!(networks[0]["top1"], eval["top1"]);

    run_in(root, &format!("{line} --threads 2 --out two.csv")).success();
    let points = |name: &str| fs::read(root.join(name).with_extension("jsonl")).unwrap();
    assert!(points("one") == points("two"), "any number of threads");
    cut(&root.join("two.jsonl"), 5);
    run_in(root, &format!("{line} --out two.csv")).success();
    assert!(points("one") == points("two"), "killed after four points");
    let csv = fs::read_to_string(root.join("two.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 9 * 2);
    assert!(csv.starts_with("date,machine,command,commit,seed,model,checkpoint,step,data,"));
    let page = fs::read_to_string(root.join("one.html")).unwrap();
    assert_eq!(page.matches("<svg").count(), 4, "loss and accuracy of both");
    // Early in the training the mixture is another network.
    let early = run_in(root, &format!("{line} --at 0 --out early.csv --json")).success().json();
    assert_eq!(early["networks"][0]["loss"], eval["loss"]);
    assert_ne!(early["networks"][1]["loss"], networks[1]["loss"]);
}

#[test]
fn the_loss_around_other_weights_is_that_of_the_network_and_mistakes_are_named() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, "train tiny.toml --out run --max-steps 2").success();
    let line = "study loss-surface run --grid 3 --images 8";
    let json = run_in(root, &format!("{line} --out a.csv --json")).success().json();
    assert_eq!(json["networks"][0]["network"], "network");
    assert_eq!((&json["images"], &json["step"]), (&8.into(), &serde_json::Value::Null));
    let study = |more: &str| run_in(root, &format!("study loss-surface run --images 8 {more}"));
    for (more, words) in [
        ("--grid 4 --out x.csv", "`grid` is 4, expected an odd number"),
        ("--span 0 --out x.csv", "`span` is 0"),
        ("--out x.txt", "this writes .csv"),
        ("--at 0.5 --out x.csv", "not trained as a mixture"),
        ("--grid 3 --seed 9 --out a.csv", "begun with seed 0, now it is 9"),
        ("--out tiny.csv --data no/such", "no/such"),
    ] {
        let refused = study(more);
        assert!(refused.bad_input().contains(words), "{more}: {}", refused.stderr);
    }
    study("--grid 3 --seed 9 --out a.csv --force").success();
    fs::write(root.join("mine.csv"), "thesis").unwrap();
    assert!(study("--grid 3 --out mine.csv").bad_input().contains("another file"));
    assert_eq!(fs::read_to_string(root.join("mine.csv")).unwrap(), "thesis");
}
