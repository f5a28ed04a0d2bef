//! Grids: a run for every combination of settings, resumed where they stopped.

use crate::support::{CommandOutcome, run_in};
use crate::tiny::{self, EPOCHS, STEPS_PER_EPOCH};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

const STEPS: u64 = STEPS_PER_EPOCH * EPOCHS;

fn rows(json: &Value) -> &Vec<Value> {
    json["rows"].as_array().unwrap()
}

/// The columns of a grid's sheet by their heads.
pub(crate) fn column(folder: &Path, head: &str) -> Vec<String> {
    let mut csv = csv::Reader::from_path(folder.join("grid.csv")).unwrap();
    let at = csv.headers().unwrap().iter().position(|name| name == head).unwrap();
    csv.records().map(|record| record.unwrap()[at].to_owned()).collect()
}

#[test]
fn every_cell_is_a_run_and_the_grid_a_table() {
    let folder = tiny::folder();
    let root = folder.path();
    let line = "train tiny.toml --grid seed=0,1 --grid optimizer.lr=0.05,0.01 --out grid";
    let json = run_in(root, &format!("{line} --json")).success().json();
    assert_eq!((&json["out"], rows(&json).len()), (&"grid".into(), 4));
    for row in rows(&json) {
        assert_eq!((&row["status"], &row["steps"]), (&"finished".into(), &STEPS.into()), "{row}");
        assert_eq!(row["samples"], 30);
        for key in ["params", "macs", "activations", "top1", "best_top1", "seconds"] {
            assert!(row[key].as_f64().is_some_and(|value| value > 0.0), "{key} of {row}");
        }
    }
    assert_eq!(rows(&json)[1]["settings"]["optimizer.lr"], 0.01);
    let cell = root.join("grid/seed=1,lr=0.01");
    let recipe = fs::read_to_string(cell.join("recipe.toml")).unwrap();
    assert!(recipe.contains("seed = 1") && recipe.contains("lr = 0.01"), "{recipe}");
    assert!(cell.join("report.html").exists());
    assert_eq!(column(&root.join("grid"), "seed"), ["0", "0", "1", "1"]);

    // Again, nothing is trained; with another seed, only that.
    let changed = |cell: &str| -> SystemTime {
        let file = root.join("grid").join(cell).join("cell.json");
        fs::metadata(file).unwrap().modified().unwrap()
    };
    let before = changed("seed=0,lr=0.05");
    let again = run_in(root, &format!("{line} --json")).success();
    assert!(again.stderr.contains("seed=0,lr=0.05: finished before"), "{}", again.stderr);
    assert_eq!(again.json(), json);
    let more = "train tiny.toml --grid seed=0,1,2 --grid optimizer.lr=0.05 --out grid";
    let table = run_in(root, more).success().stdout;
    assert_eq!(table.lines().count(), 4, "{table}");
    assert!(table.starts_with("seed  lr "), "{table}");
    assert_eq!(changed("seed=0,lr=0.05"), before);
}

#[test]
fn a_cell_that_stopped_goes_on_and_ends_as_one_that_did_not() {
    let folder = tiny::folder();
    let root = folder.path();
    let line = "train tiny.toml --grid seed=0,1";
    let part = run_in(root, &format!("{line} --out parts --max-steps 7 --json")).success().json();
    assert!(rows(&part).iter().all(|row| row["status"] == "limit_reached" && row["steps"] == 7));
    run_in(root, &format!("{line} --out parts")).success();
    run_in(root, &format!("{line} --out whole")).success();
    for seed in 0..2 {
        let model = |grid: &str| {
            let path = format!("{grid}/seed={seed}/checkpoints/step-{STEPS}/model.safetensors");
            fs::read(root.join(path)).unwrap()
        };
        assert!(model("parts") == model("whole"), "seed {seed}");
    }
    let other = run_in(root, &format!("{line} --out parts --set optimizer.lr=0.2"));
    assert!(other.bad_input().contains("begun with another recipe"), "{}", other.stderr);
}

#[test]
fn what_fails_in_one_cell_keeps_no_other_from_its_turn() {
    let folder = tiny::folder();
    let root = folder.path();
    // A diverging rate, a ratio that cannot be, and one that can.
    let line = "train tiny.toml --grid optimizer.lr=1e30,0.05 --grid model.ghost.ratio=0,2 \
                --max-steps 20 --out grid";
    let outcome = run_in(root, line);
    assert!(outcome.bad_input().contains("3 of 4 trainings failed"), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("0 is not possible, expected 1 to 64"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("is not finite at step"), "{}", outcome.stdout);
    let status = column(&root.join("grid"), "status");
    assert_eq!(status, ["failed", "failed", "failed", "limit_reached"]);
}

#[test]
fn a_dry_run_shows_the_published_costs_and_trains_nothing() {
    let folder = tiny::folder();
    let root = folder.path();
    let recipe = "[model]\nname = 'vgg16_fc512_cifar'\n[model.ghost]\nkeep_first = false\n\
                  [data]\nsource = 'nowhere.tar'\n\
                  [[grid]]\nmodel.ghost.ratio = [2, 3, 4, 5]\n";
    fs::write(root.join("vgg.toml"), recipe).unwrap();
    // The costs do not need the data, which a training would look for in vain.
    let outcome = run_in(root, "train vgg.toml --dry-run --json");
    assert!(outcome.bad_input().contains("nowhere.tar"), "{}", outcome.stderr);
    let json = outcome.json();
    let counts = |key: &str| -> Vec<u64> {
        rows(&json).iter().map(|row| row[key].as_u64().unwrap()).collect()
    };
    assert_eq!(counts("params"), [7_650_474, 5_218_476, 3_982_362, 3_269_697]);
    assert_eq!(counts("macs"), [158_109_696, 107_240_040, 80_432_640, 65_665_296]);
    assert!(!root.join("runs").exists());
    let plain = run_in(root, "train tiny.toml --dry-run").success().stdout;
    assert!(plain.lines().count() == 2 && plain.contains("params"), "{plain}");
}

#[track_caller]
fn assert_refused(outcome: &CommandOutcome, code: i32, words: &str) {
    assert_eq!(outcome.code, Some(code), "{}", outcome.stderr);
    assert!(outcome.stderr.contains(words), "{}", outcome.stderr);
}

#[test]
fn a_grid_that_cannot_be_is_refused_as_a_whole() {
    let folder = tiny::folder();
    let train = |more: &str| run_in(folder.path(), &format!("train tiny.toml {more}"));
    assert_refused(&train("--grid seed"), 2, "section.key=VALUE");
    assert_refused(&train("--grid seed=1,2 --resume auto"), 2, "cannot be used with");
    assert_refused(&train("--grid optimzer.lr=1,2"), 3, "did you mean `optimizer.lr`?");
    assert_refused(&train("--grid train.epochs=0,-1"), 3, "expected");
    assert!(!folder.path().join("runs").exists(), "nothing is made");
}
