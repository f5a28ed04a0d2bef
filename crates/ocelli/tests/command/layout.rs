//! A network that its recipe describes, from counting it to using it.

use crate::support::run_in;
use crate::tiny;
use std::fs;
use std::path::Path;

/// `described.toml`: the tiny recipe with a network of two stages.
fn describe(root: &Path) {
    let recipe = fs::read_to_string(root.join("tiny.toml")).unwrap();
    let layout = "[model]\nname = \"efficientnetv2\"\n\
                  [model.layout]\nstem = 8\nstem_stride = 1\nhead = 16\nstages = [\n\
                  { op = \"fused_mbconv\", expand = 1, channels = 8, layers = 1 },\n\
                  { op = \"mbconv\", kernel = 5, stride = 2, expand = 4, channels = 8, layers = 2 },\n]\n";
    let recipe = recipe.replace("[model]\nname = \"resnet20_cifar\"\n", layout);
    fs::write(root.join("described.toml"), recipe).unwrap();
}

#[test]
fn a_described_network_is_counted_trained_resumed_and_rebuilt() {
    let folder = tiny::folder();
    let root = folder.path();
    describe(root);
    let cost = run_in(root, "cost --recipe described.toml --classes 3 --json").success().json();
    assert_eq!((&cost["model"], &cost["height"]), (&"efficientnetv2".into(), &8.into()));
    assert_eq!(cost["params"], 4127, "counted by hand");

    let whole = run_in(root, "train described.toml --out whole --json").success().json();
    run_in(root, "train described.toml --out parts --max-steps 17").success();
    let parts = run_in(root, "train --resume parts --json").success().json();
    let weights = |run: &serde_json::Value| fs::read(root.join(run["model"].as_str().unwrap()));
    assert!(weights(&whole).unwrap() == weights(&parts).unwrap(), "resumed to the bit");

    let evaluated = run_in(root, "eval whole --json").success().json();
    assert_eq!(evaluated["model"], "efficientnetv2");
    assert_eq!(evaluated["correct"], whole["correct"]);
    let again = run_in(root, "cost --recipe whole/recipe.toml --classes 3 --json").success().json();
    assert_eq!(again, cost, "the run's recipe has the layout");

    let tuned = "train --pretrained whole --data idx:tiny --out tuned --set train.batch_size=8";
    run_in(root, &format!("{tuned} --max-steps 1")).success();
    let again = run_in(root, "cost --recipe tuned/recipe.toml --classes 3 --json").success().json();
    assert_eq!(again["params"], cost["params"], "weights say their layout");
}

#[test]
fn a_description_that_cannot_be_is_refused_by_field() {
    let folder = tiny::folder();
    let root = folder.path();
    describe(root);
    for (set, expected) in [
        ("model.layout.stem=0", "`layout.stem`: 0 is not possible, expected 1 to 8192"),
        ("model.layout.stages=[]", "`layout.stages`: 0"),
        ("model.layout.stages=[{op=\"mbconv\"}]", "`model.layout.stages.0.expand` is missing"),
        ("model.name=resnet18", "a table for `resnet18`"),
        ("model.layout.steem=3", "did you mean `model.layout.stem`?"),
    ] {
        let outcome = run_in(root, &format!("train described.toml --out run --set {set}"));
        assert!(outcome.bad_input().contains(expected), "{set}: {}", outcome.stderr);
    }
    assert!(!root.join("run").exists());
    let outcome = run_in(root, "cost efficientnetv2");
    assert!(outcome.bad_input().contains("a table of stages"), "{}", outcome.stderr);
}
