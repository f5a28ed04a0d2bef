//! `attack one-pixel` from its beginning to its files, and everything that can go wrong with it.

use crate::background::{begin, signal, wait_for_lines};
use crate::support::{CommandOutcome, outcome, run_in};
use crate::tiny;
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// The tiny dataset with a run that has learnt something of it.
fn folder() -> TempDir {
    let folder = tiny::folder();
    run_in(folder.path(), "train tiny.toml --out run").success();
    folder
}

const SHORT: &str = "attack one-pixel run --images 4 --population 20 --generations 5";

fn csv(folder: &Path) -> String {
    fs::read_to_string(folder.join("results.csv")).unwrap()
}

#[test]
fn an_attack_leaves_rates_and_every_attempt() {
    let folder = folder();
    let root = folder.path();
    let line = format!(
        "{SHORT} --pixels 1,3 --targeted --untargeted --baseline random --out found --json"
    );
    let json = run_in(root, &line).success().json();
    assert_eq!((&json["attack"], &json["outcome"]), (&"found".into(), &"finished".into()));
    assert_eq!((&json["model"], &json["images"]), (&"resnet20_cifar".into(), &4.into()));
    assert_eq!(json["of"], "targeted, 1 pixel");
    let groups = json["groups"].as_array().unwrap();
    let kinds: Vec<_> = groups.iter().map(|group| group["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds[..3], ["targeted", "untargeted_derived", "untargeted_direct"]);
    assert_eq!(
        (groups.len(), &groups[0]["attempts"], &groups[1]["attempts"]),
        (6, &8.into(), &4.into())
    );
    assert_eq!(json["success_rate"], groups[0]["success_rate"]);
    assert!(json["evaluations"].as_u64().unwrap() <= 4 * 2 * 3 * 20 * 6, "{json}");
    assert!(json["evaluations_per_second"].as_f64().unwrap() > 0.0);
    assert_eq!(groups[0]["random"]["evaluations"], groups[0]["evaluations"]);

    let found = root.join("found");
    let text = csv(&found);
    assert!(text.starts_with("image,name,true_class,clean_class,"), "{text}");
    assert_eq!(text.lines().count(), 1 + 4 * 2 * 3);
    let summary: Value =
        serde_json::from_slice(&fs::read(found.join("summary.json")).unwrap()).unwrap();
    assert_eq!(summary, json);
    let settings = fs::read_to_string(found.join("attack.toml")).unwrap();
    for words in
        ["pixels = [1, 3]", "population = 20", "[subject]", "data = \"idx:tiny\"\nof_run = true"]
    {
        assert!(settings.contains(words), "{words} in: {settings}");
    }

    let text = run_in(root, &format!("{SHORT} --untargeted --preset scipy-peer")).success();
    assert!(text.stdout.contains("untargeted, direct"), "{}", text.stdout);
    assert!(text.stdout.contains("runs/attack-1/results.csv"), "{}", text.stdout);
    assert!(text.stderr.contains("4 images, 4 attempts"), "{}", text.stderr);
}

#[test]
fn the_fewest_pixels_that_succeed_are_looked_for() {
    let folder = folder();
    let root = folder.path();
    let line =
        "attack one-pixel run --images 4 --population 20 --generations 2 --untargeted --fewest";
    let text = run_in(root, &format!("{line} --out found")).success();
    for words in ["fewest pixels", "none"] {
        assert!(text.stdout.contains(words), "{words} in: {}", text.stdout);
    }
    assert!(text.stderr.contains("4 images, up to 20 attempts"), "{}", text.stderr);
    let found = root.join("found");
    let settings = fs::read_to_string(found.join("attack.toml")).unwrap();
    assert!(settings.contains("pixels = [1, 2, 3, 4, 5]\nfewest = true"), "{settings}");
    let summary: Value =
        serde_json::from_slice(&fs::read(found.join("summary.json")).unwrap()).unwrap();
    let fewest = &summary["fewest_pixels"][0];
    let counts = fewest["counts"].as_array().unwrap();
    let cases: u64 = counts.iter().map(|count| count[1].as_u64().unwrap()).sum();
    assert_eq!((counts.len(), cases + fewest["failures"].as_u64().unwrap()), (5, 4));
    let rates = summary["groups"].as_array().unwrap();
    assert!(rates.is_sorted_by_key(|group| group["success_rate"].as_f64().unwrap()), "{rates:?}");
    assert!(fs::read_to_string(found.join("report.html")).unwrap().contains("How few pixels"));

    let refused = run_in(root, &format!("{line} --pixels 5,1 --out other"));
    assert_refused(&refused, "`pixels` is [5, 1], with `fewest`, expected numbers that rise");
}

#[test]
fn other_attacks_are_set_beside_it() {
    let folder = folder();
    let root = folder.path();
    let line = format!(
        "{SHORT} --untargeted --compare fgsm,local-search --set compare.rounds=5 --out found"
    );
    let text = run_in(root, &line).success();
    for words in ["of image", "FGSM", "local search", "untargeted, direct"] {
        assert!(text.stdout.contains(words), "{words} in: {}", text.stdout);
    }
    let found = root.join("found");
    let lines = fs::read_to_string(found.join("rivals.csv")).unwrap();
    assert!(lines.starts_with("image,name,true_class,clean_class,attack,success,"), "{lines}");
    assert_eq!(lines.lines().filter(|line| line.contains(",fgsm,")).count(), 4);
    assert_eq!(lines.lines().filter(|line| line.contains(",local_search,")).count(), 4);
    let summary: Value =
        serde_json::from_slice(&fs::read(found.join("summary.json")).unwrap()).unwrap();
    let rivals = summary["rivals"].as_array().unwrap();
    assert_eq!((&rivals[0]["attack"], &rivals[0]["attempts"]), (&"fgsm".into(), &4.into()));
    assert_eq!(rivals[0]["mean_gradients"], 1.0);
    // The settings say so, and the attack goes on with them.
    let more = run_in(root, "attack one-pixel --resume found --images 5 --json").success().json();
    assert_eq!(more["rivals"][1]["attempts"], 5);
}

#[test]
fn threads_change_nothing_and_more_images_go_on() {
    let folder = folder();
    let root = folder.path();
    run_in(root, &format!("{SHORT} --out one --threads 1")).success();
    run_in(root, &format!("{SHORT} --out two --threads 2")).success();
    assert_eq!(csv(&root.join("one")), csv(&root.join("two")));
    run_in(root, "attack one-pixel --resume one --images 6").success();
    let more = csv(&root.join("one"));
    assert!(more.starts_with(&csv(&root.join("two"))) && more.lines().count() == 1 + 6 * 2);
}

#[test]
fn killed_and_resumed_an_attack_has_the_same_results() {
    let folder = folder();
    let root = folder.path();
    let attack = "attack one-pixel run --images 4 --population 50 --generations 12 \
                  --set stop=never --targeted --untargeted --pixels 1,2";
    run_in(root, &format!("{attack} --out whole --threads 2")).success();
    let whole = csv(&root.join("whole"));
    for (name, with, code) in [("killed", "KILL", None), ("stopped", "TERM", Some(130))] {
        let child = begin(root, &format!("{attack} --out {name} --threads 1"));
        // The head, and two that are whole.
        wait_for_lines(&root.join(name).join("attacked.jsonl"), 3);
        signal(&child, with);
        let ended = outcome(child.wait_with_output().unwrap());
        assert!(ended.code == code || ended.code == Some(0), "{name}: {}", ended.stderr);
        if ended.code == Some(130) {
            assert!(ended.stderr.contains("ocelli attack one-pixel --resume stopped"));
            assert!(root.join("stopped/under_way.json").exists());
        }
        let line = format!("attack one-pixel --resume {name} --threads 2 --json");
        let json = run_in(root, &line).success().json();
        assert_eq!(json["outcome"], "finished");
        assert_eq!(csv(&root.join(name)), whole, "{name}");
        assert!(!root.join(name).join("under_way.json").exists());
    }
}

#[test]
fn attacks_are_a_metric_of_training() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, "train tiny.toml --out plain").success();
    let trained = run_in(root, "train tiny.toml --out run --eval-attack 3 --eval-attack-every 2");
    let trained = trained.success();
    let metrics = fs::read_to_string(root.join("run/metrics.jsonl")).unwrap();
    let attacked: Vec<Value> = metrics
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|row: &Value| row.get("attack/success_rate").is_some())
        .collect();
    assert_eq!(attacked.len(), 1, "after the second of three epochs: {metrics}");
    let seldom = "train tiny.toml --set train.eval_every=2 --set train.epochs=6 --eval-attack 1 \
                  --eval-attack-every 3 --out seldom";
    run_in(root, seldom).success();
    let metrics = fs::read_to_string(root.join("seldom/metrics.jsonl")).unwrap();
    let epochs: Vec<Value> = metrics
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|row| row.get("attack/success_rate").is_some())
        .map(|row| row["epoch"].clone())
        .collect();
    assert_eq!(epochs, [4.0, 6.0], "the first evaluations after three and six epochs");
    let rate = attacked[0]["attack/success_rate"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&rate) && attacked[0]["eval/top1"].is_number());
    assert!(trained.stderr.contains("attack/success_rate"), "{}", trained.stderr);
    let weights =
        |run: &str| fs::read(root.join(run).join("checkpoints/step-36/model.safetensors")).unwrap();
    assert!(weights("plain") == weights("run"), "it decides nothing");
    assert_eq!(run_in(root, "train tiny.toml --eval-attack 0").code, Some(2));
}

#[track_caller]
fn assert_refused(outcome: &CommandOutcome, message: &str) {
    assert!(outcome.bad_input().contains(message), "{message} in: {}", outcome.stderr);
}

#[test]
fn another_attack_s_folder_is_refused_by_what_differs() {
    let folder = folder();
    let root = folder.path();
    run_in(root, &format!("{SHORT} --out found")).success();
    let again = run_in(root, &format!("{SHORT} --out found"));
    assert_refused(&again, "holds an attack already");
    assert!(again.stderr.contains("`ocelli attack one-pixel --resume found`"), "{}", again.stderr);
    for (option, field) in [
        ("--seed 3", "config.seed 0, now it is 3"),
        ("--inference dense", "victim.inference \"delta\", now it is \"dense\""),
        ("--population 30", "config.evolution.population 20, now it is 30"),
        ("--untargeted", "config.targeted true, now it is false"),
        ("--set stop=never", "config.stop \"paper\", now it is \"never\""),
        ("--size 16", "victim.input.size 8, now it is 16"),
    ] {
        let other = run_in(root, &format!("attack one-pixel --resume found {option}"));
        assert_refused(&other, field);
        assert!(other.stderr.contains("hint: go on under its own settings"), "{}", other.stderr);
    }
    run_in(root, "train tiny.toml --out other --seed 5 --max-steps 9").success();
    fs::write(root.join("names.txt"), "0\n1\n2\n").unwrap();
    run_in(root, &format!("{SHORT} --classes names.txt --out with-names")).success();
    run_in(root, "attack one-pixel --resume with-names").success();
    fs::remove_file(root.join("names.txt")).unwrap();
    assert_refused(&run_in(root, "attack one-pixel --resume with-names"), "names.txt");
    // As it was written before: a dataset by its name, which may be the run's.
    let settings = root.join("found/attack.toml");
    let text = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, text.replace("of_run = true\n", "")).unwrap();
    run_in(root, "attack one-pixel --resume found").success();
    fs::write(&settings, text).unwrap();
    let other = run_in(root, "attack one-pixel --resume found --weights other");
    assert_refused(&other, "victim.weights");
    assert_refused(&run_in(root, "attack one-pixel --resume none"), "none/attack.toml");
}

#[test]
fn what_cannot_be_attacked_is_bad_input() {
    let folder = folder();
    let root = folder.path();
    for (option, message) in [
        ("--pixels 65", "`pixels` is 65, expected up to 64, the pixels of 8×8"),
        ("--pixels 0", "`pixels` is 0"),
        ("--images 0", "`images` is 0"),
        ("--population 3", "`population` is 3"),
        ("--set evolution.populaton=9", "did you mean `evolution.population`?"),
        ("--set evolution.bounds=bounce", "expected one of clip, redraw, wrap, reflect"),
        ("--oracle --set oracle_limit=100", "takes 16384 evaluations each"),
        ("--oracle --pixels 1,2", "`oracle` is true for [1, 2] pixels"),
        ("--data builtin:fashion-mnist", "different classes"),
        ("--data no/such", "no/such"),
    ] {
        let refused = run_in(root, &format!("attack one-pixel run --out found {option}"));
        assert_refused(&refused, message);
        assert!(!root.join("found").exists(), "{option}");
    }
    assert_eq!(run_in(root, &format!("{SHORT} --set preset=paper")).code, Some(2));
    assert_eq!(run_in(root, "attack one-pixel run --preset su").code, Some(2));
    assert_eq!(run_in(root, "attack one-pixel --images 3").code, Some(2));
    assert_eq!(run_in(root, "attack").code, Some(2));
}

#[test]
fn what_fooled_a_network_can_be_trained_on() {
    let folder = folder();
    let root = folder.path();
    // Twenty of 64 pixels fool any network.
    let line = "attack one-pixel run --images 8 --population 20 --generations 9 --split train \
                --untargeted --pixels 1,20 --save-adversaries --out found --json";
    let found = run_in(root, line);
    let fooled: u64 = found.success().json()["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["successes"].as_u64().unwrap())
        .sum();
    assert!(fooled > 0, "nothing to test with");
    let shard = run_in(root, "data list found/adversaries.tar --json");
    assert_eq!(shard.success().json()["samples"], fooled);
    fs::remove_file(root.join("found/adversaries.tar")).unwrap();
    run_in(root, "attack one-pixel --resume found").success();
    assert!(root.join("found/adversaries.tar").exists(), "a resumed attack knows what it is for");
    let real = "attack one-pixel run --save-adversaries --set rounding=real --out real";
    assert_refused(&run_in(root, real), "`rounding` is real, and pictures hold whole colours");

    // Batches of one, so that every image is a step.
    let line = "train tiny.toml --pretrained run --set train.epochs=1 --set train.batch_size=1 \
                --set data.extra=found/adversaries.tar --out again --json";
    let json = run_in(root, line).success().json();
    assert_eq!((&json["steps"], &json["samples"]), (&(96 + fooled).into(), &30.into()));
    let other = run_in(root, "train --resume again --set data.extra=tiny");
    assert!(!other.stderr.contains("begun with"), "it may lie elsewhere: {}", other.stderr);
    run_in(root, "train tiny.toml --out plain --max-steps 1").success();
    let other = run_in(root, "train --resume plain --set data.extra=found/adversaries.tar");
    assert_refused(&other, "data.extra not set");
    let other = run_in(root, "train tiny.toml --set data.extra=builtin:fashion-mnist");
    assert_refused(&other, "class");
}

#[test]
fn folders_that_are_no_attack_s_are_refused() {
    let folder = folder();
    let root = folder.path();
    assert_refused(&run_in(root, &format!("{SHORT} --out run")), "run holds a training run");
    fs::create_dir(root.join("empty")).unwrap();
    fs::write(root.join("empty/attack.toml"), "").unwrap();
    let empty = run_in(root, "attack one-pixel --resume empty");
    assert_refused(&empty, "empty/attack.toml: `[subject]` is missing");

    // A crash between the settings and the journal.
    run_in(root, &format!("{SHORT} --out found")).success();
    let whole = csv(&root.join("found"));
    fs::remove_file(root.join("found/attacked.jsonl")).unwrap();
    run_in(root, "attack one-pixel --resume found").success();
    assert_eq!(csv(&root.join("found")), whole);
}

#[test]
fn the_oracle_confirms_every_success_on_grey_images() {
    let folder = folder();
    let root = folder.path();
    let line = "attack one-pixel run --images 1 --untargeted --oracle --population 40 \
                --generations 5 --out found --json";
    let json = run_in(root, line).success().json();
    let oracle = &json["groups"][0]["oracle"];
    assert_eq!(oracle["false_claims"], 0);
    assert_eq!(json["baseline_evaluations"], 64 * 256);
    assert!(oracle["found"].as_u64() <= oracle["attackable"].as_u64());
}
