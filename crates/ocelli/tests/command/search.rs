//! `search` from its beginning to a winner that is trained, and everything that can go wrong with it.

use crate::background::{begin, signal, wait_for_lines};
use crate::support::{CommandOutcome, outcome, run_in};
use crate::tiny;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// `search.toml` beside the tiny dataset: a backbone of two stages, trials of one pass.
pub(crate) fn folder() -> tempfile::TempDir {
    let folder = tiny::folder();
    let root = folder.path();
    let recipe = fs::read_to_string(root.join("tiny.toml")).unwrap();
    let layout = "[model]\nname = \"efficientnetv2\"\n\
                  [model.layout]\nstem = 8\nstem_stride = 1\nhead = 16\nstages = [\n\
                  { op = \"fused_mbconv\", expand = 1, channels = 8, layers = 1 },\n\
                  { op = \"mbconv\", stride = 2, expand = 4, channels = 8, layers = 2 },\n]\n\
                  [search]\ntrials = 3\nepochs = 1\nminival_per_class = 8\ntimed_steps = 1\n";
    let recipe = recipe.replace("[model]\nname = \"resnet20_cifar\"\n", layout);
    fs::write(root.join("search.toml"), recipe).unwrap();
    folder
}

/// Networks and accuracies, which do not depend on time.
fn tried(folder: &Path) -> Vec<(Value, Value)> {
    let ledger = fs::read_to_string(folder.join("ledger.jsonl")).unwrap();
    let trial = |line: &str| {
        let mut trial: Value = serde_json::from_str(line).unwrap();
        (trial["stages"].take(), trial["correct"].take())
    };
    ledger.lines().skip(1).map(trial).collect()
}

#[test]
fn a_search_ends_with_a_front_and_a_recipe_that_trains() {
    let folder = folder();
    let root = folder.path();
    let json = run_in(root, "search search.toml --out found --json").success().json();
    assert_eq!((&json["outcome"], &json["trials"]), (&"finished".into(), &3.into()));
    assert_eq!((&json["search"], &json["failed"]), (&"found".into(), &0.into()));
    assert_eq!(json["backbone"]["network"], "Fk3e1×1 Mk3e4×2");
    assert_eq!((&json["backbone"]["trial"], &json["backbone"]["samples"]), (&0.into(), &24.into()));
    let front = json["front"].as_array().unwrap();
    assert!(front.contains(&json["winner"]), "{json}");
    assert!(front.iter().all(|row| row["step_ms"].as_f64().unwrap() > 0.0), "{json}");

    let found = root.join("found");
    let csv = fs::read_to_string(found.join("trials.csv")).unwrap();
    assert!(csv.starts_with("trial,status,role,reward,accuracy,"), "{csv}");
    assert_eq!((csv.lines().count(), csv.matches(",winner,").count()), (4, 1), "{csv}");
    assert!(!found.join("trial").exists(), "the runs of trials are not kept");

    assert_eq!(json["recipe"], "found/winner.toml");
    let cost = run_in(root, "cost --recipe found/winner.toml --classes 3 --json").success().json();
    assert_eq!(cost["params"], json["winner"]["params"]);
    let trained = run_in(root, "train found/winner.toml --out run --json").success().json();
    assert_eq!(trained["steps"], tiny::STEPS_PER_EPOCH * tiny::EPOCHS, "at full length");

    let text = run_in(root, "search --resume found --trials 4").success();
    assert!(text.stdout.contains("top-1") && text.stdout.contains("winner  found/winner.toml"));
    assert!(text.stderr.contains("3 of 4 trials are made"), "{}", text.stderr);
    assert!(text.stderr.contains("trial 3: reward"), "{}", text.stderr);
}

#[test]
fn killed_in_a_trial_and_resumed_a_search_tries_the_same_networks() {
    let folder = folder();
    let root = folder.path();
    let search = "search search.toml --trials 4 --sampler reinforce";
    run_in(root, &format!("{search} --out whole --threads 2")).success();
    let whole = tried(&root.join("whole"));
    for (name, with, code) in [("killed", "KILL", None), ("stopped", "TERM", Some(130))] {
        let child = begin(root, &format!("{search} --out {name} --threads 1"));
        // The head, and two that are whole.
        wait_for_lines(&root.join(name).join("ledger.jsonl"), 3);
        signal(&child, with);
        let ended = outcome(child.wait_with_output().unwrap());
        // The last trial may have been made before the signal came.
        assert!(ended.code == code || ended.code == Some(0), "{name}: {}", ended.stderr);
        let resumed = run_in(root, &format!("search --resume {name} --threads 2")).success();
        assert!(resumed.stderr.contains(" of 4 trials are made"), "{}", resumed.stderr);
        if code.is_some() && ended.code == code {
            assert!(ended.stderr.contains(&format!("ocelli search --resume {name}")));
        }
        let tried: Vec<_> = tried(&root.join(name));
        assert_eq!(tried.len(), 4);
        // What comes first does not depend on measured times.
        assert_eq!(tried[..2], whole[..2], "{name}");
    }
}

/// What a search wrote into its ledger and table, without how long it took.
fn written(folder: &Path) -> (Vec<Value>, String) {
    let ledger = fs::read_to_string(folder.join("ledger.jsonl")).unwrap();
    let trial = |line: &str| {
        let mut trial: Value = serde_json::from_str(line).unwrap();
        let fields = trial.as_object_mut().unwrap();
        // The hash covers the seconds.
        assert!(fields.remove("seconds").is_some() && fields.remove("hash").is_some());
        trial
    };
    (
        ledger.lines().skip(1).map(trial).collect(),
        fs::read_to_string(folder.join("winner.toml")).unwrap(),
    )
}

#[test]
fn searches_with_modelled_times_are_the_same_to_the_bit() {
    let folder = folder();
    let root = folder.path();
    let modelled = "--set search.step_time=modelled --trials 5 --sampler evolution";
    let search = format!("search search.toml {modelled} --set search.evolution.population=2");
    let search = format!("{search} --set search.evolution.tournament=2");
    let json = run_in(root, &format!("{search} --out one --threads 1 --json")).success().json();
    assert_eq!(json["step_time"], "modelled");
    run_in(root, &format!("{search} --out two --threads 2")).success();
    // Stopped and gone on with, too.
    run_in(root, &format!("{search} --out three --trials 3").replace("--trials 5 ", "")).success();
    let shown = run_in(root, "search --resume three --trials 5").success();
    assert!(shown.stdout.contains("modelled ms"), "{}", shown.stdout);
    let one = written(&root.join("one"));
    assert_eq!(one.0.len(), 5);
    assert_eq!(one, written(&root.join("two")));
    assert_eq!(one, written(&root.join("three")));
    let backbone = &one.0[0];
    assert_eq!(backbone["step_ms"], backbone["backbone_step_ms"], "the backbone is itself");
    let other = run_in(root, "search --resume one --set search.step_time=measured");
    assert_refused(&other, "step_time", "begin anew with another --out");
}

#[track_caller]
fn assert_refused(outcome: &CommandOutcome, message: &str, hint: &str) {
    assert!(outcome.bad_input().contains(message), "{message} in: {}", outcome.stderr);
    assert!(outcome.stderr.contains("hint: "), "{}", outcome.stderr);
    assert!(outcome.stderr.contains(hint), "{hint} in: {}", outcome.stderr);
}

#[test]
fn a_ledger_that_is_not_this_search_s_is_refused_by_what_differs() {
    let folder = folder();
    let root = folder.path();
    run_in(root, "search search.toml --out found --trials 1").success();
    let again = run_in(root, "search search.toml --out found");
    assert_refused(&again, "holds a search already", "`ocelli search --resume found` goes on");
    for (option, field) in [
        ("--set search.space.kernels=[3,7]", "space.kernels.1 5, now it is 7"),
        ("--set search.space.layers_around=2", "space.layers.0.2 not set, now it is 3"),
        ("--set model.layout.head=24", "space.backbone.head 16, now it is 24"),
        ("--set optimizer.lr=0.5", "recipe.optimizer.lr 0.05, now it is 0.5"),
        ("--sampler random", "sampler \"evolution\", now it is \"random\""),
        ("--seed 9", "seed 0, now it is 9"),
    ] {
        let other = run_in(root, &format!("search --resume found {option}"));
        assert_refused(&other, field, "begin anew with another --out");
    }

    let ledger = root.join("found/ledger.jsonl");
    let whole = fs::read_to_string(&ledger).unwrap();
    fs::write(&ledger, &whole[..whole.len() - 40]).unwrap();
    let resumed = run_in(root, "search --resume found --trials 1").success();
    assert!(resumed.stderr.contains("the last line was cut and is dropped; 0 trials are whole"));
    assert_eq!(tried(&root.join("found")).len(), 1);
    fs::write(&ledger, whole.replace("\"trial\":0", "\"trial\":7")).unwrap();
    assert_refused(
        &run_in(root, "search --resume found"),
        "line 2: it does not fit its hash",
        "the lines before it",
    );
    fs::write(&ledger, "junk\n").unwrap();
    assert_refused(&run_in(root, "search --resume found"), "line 1: not the head", "hint");
}

#[test]
fn a_search_that_cannot_be_is_refused_before_anything_is_made() {
    let folder = folder();
    let root = folder.path();
    for (option, message) in [
        ("--trials 0", "`search.trials` is 0"),
        ("--epochs-per-trial 0", "`search.epochs` is 0"),
        ("--set search.trails=3", "did you mean `search.trials`?"),
        ("--set search.space.expansions=[]", "`search.space.expansions` is empty"),
        ("--set search.space.ops=[\"pool\"]", "expected one of mbconv, fused_mbconv"),
        ("--set search.minival_per_class=33", "33"),
        ("--set train.accumulate=80", "72 images"),
        ("--set search.image_size=9000", "9000"),
        ("--set data.hold_out=0.1", "`data.hold_out` is 0.1, expected none"),
        ("--set data.extra=tiny", "`data.extra` is set, expected none"),
        ("--set data.labels=labels.tsv", "`data.labels` is set, expected none"),
        ("--data no/such", "no/such"),
    ] {
        let outcome = run_in(root, &format!("search search.toml --out found {option}"));
        assert!(outcome.bad_input().contains(message), "{message} in: {}", outcome.stderr);
        assert!(!root.join("found/ledger.jsonl").exists(), "{option}");
    }
    let outcome = run_in(root, "search tiny.toml --out found");
    assert_refused(&outcome, "`model.name` is resnet20_cifar", "efficientnetv2_small_cifar");
    assert_refused(&run_in(root, "search no-such"), "no such recipe", "search, cifar10-search");
    assert_refused(&run_in(root, "search --resume none"), "none/search.toml", "check the path");
    assert_eq!(run_in(root, "search search.toml --resume found").code, Some(2));
    assert_eq!(run_in(root, "search --sampler luck").code, Some(2));
}

#[test]
fn trials_that_diverge_are_recorded_and_a_search_without_any_winner_says_so() {
    let folder = folder();
    let root = folder.path();
    let wild = "--set optimizer.lr=1e30 --set schedule.kind=constant";
    let outcome = run_in(root, &format!("search search.toml --out wild --trials 2 {wild}"));
    assert_refused(&outcome, "no network could be trained; trial 0:", "lower optimizer.lr");
    let csv = fs::read_to_string(root.join("wild/trials.csv")).unwrap();
    assert_eq!(csv.matches(",failed,").count(), 2, "{csv}");
    let strict = "--set search.max_step_ratio=0.0001 --trials 1";
    let outcome = run_in(root, &format!("search search.toml --out slow {strict}"));
    assert_refused(&outcome, "no network has a step of at most 0.0001 times", "max_step_ratio");
}

#[test]
fn a_search_does_not_go_on_with_other_images() {
    let folder = folder();
    let root = folder.path();
    run_in(root, "search search.toml --trials 1 --out found").success();
    let images = root.join("tiny/train-images-idx3-ubyte");
    let mut bytes = fs::read(&images).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&images, bytes).unwrap();
    let refused = run_in(root, "search --resume found --trials 2");
    let message = refused.bad_input();
    assert!(message.starts_with("found: the "), "{message}");
    assert!(message.contains("images are others than before: image "), "{message}");
}
