//! `train`, `eval`, `predict` and `report` on a run from its beginning to its end.

use crate::support::{run_in, run_with_stdin};
use crate::tiny::{self, EPOCHS, STEPS_PER_EPOCH};
use serde_json::Value;
use std::fs;
use std::path::Path;

const PIXEL: &[u8] = include_bytes!("../images/pixel.png");

/// The keys that scripts rely on.
fn assert_keys(json: &Value, keys: &[&str]) {
    for key in keys {
        assert!(json.get(key).is_some_and(|value| !value.is_null()), "{key} of {json}");
    }
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_run_is_trained_evaluated_used_and_reported() {
    let folder = tiny::folder();
    let root = folder.path();
    let trained = run_in(root, "train tiny.toml --out runs/one --json").success().json();
    assert_keys(
        &trained,
        &["run", "steps", "seconds", "images_per_second", "samples", "correct", "top1"],
    );
    assert_eq!(trained["run"], "runs/one");
    assert_eq!(trained["outcome"], "finished");
    assert_eq!(trained["steps"], STEPS_PER_EPOCH * EPOCHS);
    assert_eq!(trained["samples"], 30);
    assert!(trained["top1"].as_f64().unwrap() > 0.5, "stripes are easy: {trained}");

    let run = root.join("runs/one");
    let names = files(&run);
    for name in ["checkpoints", "log.txt", "metrics.jsonl", "recipe.toml", "report.html"] {
        assert!(names.contains(&name.to_owned()), "{name} in {names:?}");
    }
    assert!(names.iter().any(|name| name.starts_with("events.out.tfevents.")), "{names:?}");

    let line = "eval runs/one --checkpoint last --json --confusion c.csv";
    let evaluated = run_in(root, line).success().json();
    assert_keys(&evaluated, &["model", "samples", "correct", "top1", "latency_ms"]);
    for key in ["samples", "correct", "top1", "top5"] {
        assert_eq!(evaluated[key], trained[key], "{key}");
    }
    assert_eq!(evaluated["per_class"].as_array().unwrap().len(), 3);
    let matrix = fs::read_to_string(root.join("c.csv")).unwrap();
    assert_eq!(matrix.lines().next(), Some("true \\ predicted,0,1,2"));
    let counts = matrix.lines().skip(1).flat_map(|line| line.split(',').skip(1));
    assert_eq!(counts.map(|count| count.parse::<u64>().unwrap()).sum::<u64>(), 30);

    let page = run_in(root, "report runs/one --out page.html").success();
    assert_eq!(page.stdout, "page.html\n");
    let page = fs::read_to_string(root.join("page.html")).unwrap();
    for words in ["Loss", "Confusion matrix", "resnet20_cifar on idx:tiny"] {
        assert!(page.contains(words), "{words}");
    }
}

#[test]
fn pictures_are_classified_by_name_from_folders_and_from_stdin() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, "train tiny.toml --out run --max-steps 1").success();
    fs::create_dir_all(root.join("pictures/more")).unwrap();
    for name in ["a.png", "more/b.png", "notes.txt"] {
        fs::write(root.join("pictures").join(name), PIXEL).unwrap();
    }
    let json = run_in(root, "predict run pictures --top 2 --json").success().json();
    assert_eq!(json["model"], "resnet20_cifar");
    let predictions = json["predictions"].as_array().unwrap();
    let images: Vec<_> = predictions.iter().map(|found| found["image"].as_str().unwrap()).collect();
    assert_eq!(images, ["pictures/a.png", "pictures/more/b.png"]);
    assert_eq!(predictions[0]["top"].as_array().unwrap().len(), 2);

    let lines = run_with_stdin(root, "predict run - --json-lines", "pictures/a.png\n\n").success();
    let line: Value = serde_json::from_str(lines.stdout.trim_end()).unwrap();
    assert_eq!(line, predictions_of(root, "predict run pictures/a.png --json"));

    let text = run_in(root, "predict run pictures/a.png -k 1").success().stdout;
    assert!(text.starts_with("pictures/a.png\n") && text.contains(" %  "), "{text}");
}

/// The one prediction of a command.
fn predictions_of(folder: &Path, line: &str) -> Value {
    run_in(folder, line).success().json()["predictions"][0].take()
}

#[test]
fn a_picture_that_cannot_be_read_is_named_after_the_others() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, "train tiny.toml --out run --max-steps 1").success();
    fs::write(root.join("good.png"), PIXEL).unwrap();
    fs::write(root.join("bad.png"), b"\0\0\0\x1cftypavif").unwrap();
    let outcome = run_in(root, "predict run missing.png good.png bad.png good.png -k 1");
    assert!(outcome.bad_input().contains("2 of 4 images"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("bad.png: not a JPEG, PNG, WebP, GIF"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("missing.png: "), "{}", outcome.stderr);
    // Every prediction stands at its picture.
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(
        [lines[0], lines[2], lines[4], lines[6]],
        ["missing.png", "good.png", "bad.png", "good.png"]
    );
    assert!(lines[5].contains("unreadable: ") && lines[5].contains("an AVIF file"), "{lines:?}");
    for json in ["--json", "--json-lines"] {
        let line = format!("predict run good.png missing.png good.png bad.png {json}");
        let outcome = run_in(root, &line);
        assert_eq!(outcome.code, Some(3));
        let printed: Vec<Value> = match json {
            "--json" => outcome.json()["predictions"].as_array().unwrap().clone(),
            _ => outcome.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        };
        let images: Vec<&str> = printed.iter().map(|a| a["image"].as_str().unwrap()).collect();
        assert_eq!(images, ["good.png", "missing.png", "good.png", "bad.png"], "{json}");
        assert!(
            printed[3]["error"].as_str().unwrap().contains("AVIF") && printed[2]["top"].is_array()
        );
    }
}

#[test]
fn folders_of_pictures_are_looked_through_as_datasets_are() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, "train tiny.toml --out run --max-steps 1").success();
    for name in ["__MACOSX", ".git", "b"] {
        fs::create_dir_all(root.join("pictures").join(name)).unwrap();
        fs::write(root.join("pictures").join(name).join("x.png"), PIXEL).unwrap();
    }
    for name in ["._a.png", ".hidden.jpg", "notes.txt", "a.png", "c.GIF"] {
        fs::write(root.join("pictures").join(name), PIXEL).unwrap();
    }
    let json = run_in(root, "predict run pictures --json").success().json();
    let predictions = json["predictions"].as_array().unwrap();
    let images: Vec<&str> = predictions.iter().map(|p| p["image"].as_str().unwrap()).collect();
    assert_eq!(images, ["pictures/a.png", "pictures/b/x.png", "pictures/c.GIF"]);

    fs::create_dir_all(root.join("empty/.git")).unwrap();
    fs::write(root.join("empty/notes.txt"), "none").unwrap();
    fs::write(root.join("empty/._a.png"), PIXEL).unwrap();
    let outcome = run_in(root, "predict run empty");
    assert_eq!(outcome.bad_input(), "empty: no image found");
    let outcome = run_in(root, "predict run pictures empty");
    assert_eq!(outcome.bad_input(), "empty: no image found");
    let outcome = run_with_stdin(root, "predict run -", "\n");
    assert_eq!(outcome.bad_input(), "stdin names no image");
    let outcome = run_in(root, "predict resnet20_cifar pictures");
    let message = outcome.bad_input();
    assert!(message.starts_with("resnet20_cifar is a network without weights"), "{message}");
    assert!(outcome.stderr.contains("--weights FILE"), "{}", outcome.stderr);
}

#[test]
fn limits_end_a_run_early_and_are_not_part_of_its_recipe() {
    let folder = tiny::folder();
    let root = folder.path();
    let json = run_in(root, "train tiny.toml --out run --max-steps 7 --json").success().json();
    assert_eq!((&json["steps"], &json["outcome"]), (&7.into(), &"limit_reached".into()));
    let recipe = fs::read_to_string(root.join("run/recipe.toml")).unwrap();
    assert!(!recipe.contains("max_steps"), "{recipe}");
    let json = run_in(root, "train --resume run --json").success().json();
    assert_eq!((&json["steps"], &json["outcome"]), (&36.into(), &"finished".into()));
    let json = run_in(root, "train --resume run --json").success().json();
    assert_eq!(json["samples"], 30, "a finished run is evaluated again");
}

#[test]
fn runs_are_numbered_and_the_seed_is_part_of_the_recipe() {
    let folder = tiny::folder();
    let root = folder.path();
    for number in 1..=2 {
        let line = format!("train tiny.toml --max-steps 1 --seed {number} --json");
        let json = run_in(root, &line).success().json();
        let run = format!("runs/tiny-{number}");
        assert_eq!(json["run"], run);
        let recipe = fs::read_to_string(root.join(run).join("recipe.toml")).unwrap();
        assert!(recipe.starts_with(&format!("seed = {number}\n")), "{recipe}");
    }
}

#[test]
fn commands_at_once_without_out_get_folders_of_their_own() {
    let folder = tiny::folder();
    let root = folder.path();
    let at_once = |line: &str| {
        let children: Vec<_> = (0..4).map(|_| crate::background::begin(root, line)).collect();
        let outcome = |child: std::process::Child| {
            let done = crate::support::outcome(child.wait_with_output().unwrap());
            done.success().json()
        };
        children.into_iter().map(outcome).collect::<Vec<Value>>()
    };
    let expect = |printed: &[Value], key: &str, stem: &str| {
        let mut folders: Vec<&str> =
            printed.iter().map(|json| json[key].as_str().unwrap()).collect();
        folders.sort_unstable();
        let expected: Vec<String> = (1..=4).map(|number| format!("runs/{stem}-{number}")).collect();
        assert_eq!(folders, expected);
    };
    expect(&at_once("train tiny.toml --max-steps 1 --json"), "run", "tiny");
    let attack = "attack one-pixel runs/tiny-1 --images 2 --population 8 --generations 1 \
                  --untargeted --json";
    expect(&at_once(attack), "attack", "attack");
    let line = format!("{root}/tiny.toml", root = root.display());
    fs::copy(&line, root.join("rates.toml")).unwrap();
    let grid = "train rates.toml --grid seed=0,1 --max-steps 1 --json";
    expect(&at_once(grid), "out", "rates");
}

#[test]
fn one_number_stands_for_all_channels() {
    let folder = tiny::folder();
    let root = folder.path();
    for set in [
        "--set input.mean=0.5 --set input.std=1",
        "--set input.mean=[0.5] --set input.std=[1.0]",
        "--set input.channels=3 --set input.mean=0.5 --set input.std=1",
        "--set input.channels=3 --set input.mean=[0.5,0.5,0.5] --set input.std=[1,1,1]",
    ] {
        run_in(root, &format!("train tiny.toml --out run --max-steps 2 {set}")).success();
        let json = run_in(root, "eval run --json").success().json();
        assert_eq!(json["samples"], 30, "{set}");
        fs::remove_dir_all(root.join("run")).unwrap();
    }
    let recipe = fs::read_to_string(root.join("tiny.toml")).unwrap();
    fs::write(root.join("one.toml"), recipe.replace("mean = [0.3]", "mean = 0.3")).unwrap();
    let loss = |line: &str| run_in(root, line).success().json()["top1"].clone();
    let one = loss("train one.toml --out one --max-steps 12 --json");
    assert_eq!(one, loss("train tiny.toml --out list --max-steps 12 --json"));
    let wrong = run_in(root, "train tiny.toml --out wrong --set input.mean=half");
    let message = wrong.bad_input();
    let expected =
        "tiny.toml: `input.mean` is the text \"half\", expected a number or a list of numbers";
    assert_eq!(message, expected);
}
