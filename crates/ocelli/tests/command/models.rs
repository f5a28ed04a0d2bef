//! `models` and `cost`.

use crate::support::run;
use insta::assert_snapshot;

/// The published counts, as in the papers and in timm: name, image size, parameters, MACs.
const PUBLISHED: &[(&str, usize, u64, u64)] = &[
    ("ghostnet_050", 224, 2_587_292, 42_328_152),
    ("ghostnet_100", 224, 5_182_508, 141_150_512),
    ("ghostnet_130", 224, 7_358_820, 227_003_256),
];

#[test]
fn costs_are_the_published_ones() {
    for &(name, size, params, macs) in PUBLISHED {
        let cost = run(&format!("cost {name} --size {size} --json")).success().json();
        assert_eq!(cost["model"], name);
        assert_eq!(cost["params"], params, "{name}");
        assert_eq!(cost["macs"], macs, "{name}");
        assert_eq!(cost["height"], size, "{name}");
    }
}

#[test]
fn the_cost_is_as_reviewed() {
    assert_snapshot!("cost", run("cost ghostnet_100").snapshot());
}

#[test]
fn layers_add_up_to_the_whole() {
    let cost = run("cost efficientnetv2_b0 --layers --json").success().json();
    for key in ["params", "macs", "activations"] {
        let layers = cost["layers"].as_array().unwrap();
        let sum: u64 = layers.iter().map(|layer| layer[key].as_u64().unwrap()).sum();
        assert_eq!(sum, cost[key].as_u64().unwrap(), "{key}");
    }
}

#[test]
fn the_classifier_follows_the_number_of_classes() {
    let params = |line: &str| run(line).success().json()["params"].as_u64().unwrap();
    let thousand = params("cost ghostnet_100 --json");
    let ten = params("cost ghostnet_100 --classes 10 --json");
    assert_eq!(thousand - ten, 990 * (1280 + 1), "weights and biases of 990 classes");
}

#[test]
fn an_unknown_model_is_answered_with_the_nearest() {
    assert_snapshot!("unknown_model", run("cost ghostnt_100").snapshot());
}

#[test]
fn what_others_have_published_is_listed() {
    let models = run("models tf_efficientnetv2_s --json").success().json();
    let model = &models["models"][0];
    assert_eq!(
        (&model["weights"]["project"], &model["weights"]["license"]),
        (&"timm".into(), &"Apache-2.0".into())
    );
    assert_eq!(
        (&model["accuracy"]["top1"], &model["accuracy"]["size"]),
        (&0.839.into(), &384.into())
    );
    let table = run("models resnet18").success().stdout;
    assert!(table.contains("69.76 %  torchvision"), "{table}");
}

#[test]
fn models_are_found_by_glob_family_and_tag() {
    let names = |line: &str| -> Vec<String> {
        let models = run(line).success().json()["models"].take();
        let name = |model: &serde_json::Value| model["name"].as_str().unwrap().to_owned();
        models.as_array().unwrap().iter().map(name).collect()
    };
    let all = names("models --json");
    assert!(all.len() > 20, "{all:?}");
    let ghosts = names("models ghostnet_1* --json");
    assert!(!ghosts.is_empty() && ghosts.iter().all(|name| name.starts_with("ghostnet_1")));
    let family = names("models --family ghostnet --json");
    assert!(family.len() > ghosts.len() && family.len() < all.len(), "{family:?}");
    let message = run("models nosuch*").bad_input().to_owned();
    assert!(message.contains("nosuch*"), "{message}");
}
