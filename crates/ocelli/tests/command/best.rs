//! Which checkpoint of a run the other commands open, and trainings that stop early.

use crate::grid::column;
use crate::support::{CommandOutcome, run_in};
use crate::tiny;
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// Learns for two epochs, and loses it in the third by steps that are far too large.
const RUINED: &str = "train tiny.toml --out run --set schedule.kind=multi_step \
                      --set schedule.milestones=[2] --set schedule.decay=1e3 \
                      --set optimizer.clip_norm=1 --json";
const LAST: u64 = tiny::STEPS_PER_EPOCH * tiny::EPOCHS;

/// A run that ended worse than it was, with what its training said.
fn ruined() -> (TempDir, Value) {
    let folder = tiny::folder();
    let trained = run_in(folder.path(), RUINED).success().json();
    let top1 = |key: &str| trained[key].as_f64().unwrap();
    assert!(top1("best_top1") > top1("top1"), "{trained}");
    assert!(trained["best_step"].as_u64().unwrap() < LAST, "{trained}");
    assert_eq!(trained["stopped_early"], false);
    fs::write(folder.path().join("a.png"), include_bytes!("../images/pixel.png")).unwrap();
    (folder, trained)
}

fn checkpoint(root: &Path, line: &str) -> (Value, CommandOutcome) {
    let outcome = run_in(root, line).success();
    (outcome.json()["checkpoint"].clone(), outcome)
}

#[test]
fn every_command_opens_the_best_and_says_so() {
    let (folder, trained) = ruined();
    let (root, best) = (folder.path(), &trained["best_step"]);
    let evaluated = run_in(root, "eval run --json").success().json();
    assert_eq!(evaluated["top1"], trained["best_top1"]);
    let last = run_in(root, "eval run --checkpoint last --json").success().json();
    assert_eq!(last["top1"], trained["top1"]);
    assert_eq!(
        (&last["checkpoint"]["step"], &last["checkpoint"]["which"]),
        (&LAST.into(), &"last".into())
    );
    let line = format!("eval run --checkpoint step-{best} --json");
    assert_eq!(run_in(root, &line).success().json()["top1"], trained["best_top1"]);

    let attack = "attack one-pixel run --images 1 --population 8 --generations 1 --untargeted";
    for (number, command) in [
        "predict run a.png --json",
        &format!("{attack} --compare fgsm --out attack --json"),
        "convert run out.safetensors --json",
        "cost run --json",
    ]
    .iter()
    .enumerate()
    {
        let (chosen, outcome) = checkpoint(root, command);
        assert_eq!((&chosen["step"], &chosen["which"]), (best, &"best".into()), "{command}");
        assert_eq!(chosen["top1"], trained["best_top1"], "{command}");
        assert!(chosen["why"].as_str().unwrap().contains(" of 30"), "{chosen}");
        let words = format!("run: step {best}, the best (top-1 ");
        assert!(outcome.stderr.contains(&words), "{number}: {}", outcome.stderr);
    }
    let converted = run_in(root, "eval out.safetensors --data idx:tiny --json").success().json();
    assert_eq!(converted["correct"], evaluated["correct"]);
    assert_eq!(converted["checkpoint"], Value::Null);
    let text = run_in(root, "eval run").success().stdout;
    assert!(text.contains(&format!("checkpoint   step {best}, the best (top-1 ")), "{text}");
    let page = fs::read_to_string(root.join("run/report.html")).unwrap();
    assert!(page.contains("best top-1") && page.contains(&format!("best, step {best}")), "marked");

    let line = "train tiny.toml --pretrained run --out finer --max-steps 1";
    let outcome = run_in(root, line).success();
    assert!(outcome.stderr.contains(&format!("run: step {best}, the best")), "{}", outcome.stderr);
    let recipe = fs::read_to_string(root.join("finer/recipe.toml")).unwrap();
    assert!(recipe.contains(&format!("step-{best}/model.safetensors")), "{recipe}");
    run_in(root, "train tiny.toml --pretrained run --checkpoint last --out worse --max-steps 1")
        .success();
    let recipe = fs::read_to_string(root.join("worse/recipe.toml")).unwrap();
    assert!(recipe.contains(&format!("step-{LAST}/model.safetensors")), "{recipe}");

    // A finished run that is trained again is what it ended with, and goes on from there.
    let again = run_in(root, "train --resume run --json").success().json();
    for key in ["steps", "top1", "best_top1", "best_step"] {
        assert_eq!(again[key], trained[key], "{key}");
    }
}

#[test]
fn an_attack_goes_on_with_the_checkpoint_that_it_began_with() {
    let (folder, trained) = ruined();
    let root = folder.path();
    let attack = "attack one-pixel run --images 1 --population 8 --generations 1 --untargeted \
                  --checkpoint last --set misclassified=attack --out attack --json";
    let (chosen, _) = checkpoint(root, attack);
    assert_eq!(chosen["step"], LAST);
    let settings = fs::read_to_string(root.join("attack/attack.toml")).unwrap();
    assert!(settings.contains(&format!("checkpoint = \"step-{LAST}\"")), "{settings}");
    let resume = "attack one-pixel --resume attack --images 2 --json";
    assert_eq!(checkpoint(root, resume).0["step"], LAST, "not the best, {}", trained["best_step"]);
    // Attacks of earlier versions do not say which: it was the last.
    let kept = settings.lines().filter(|line| !line.starts_with("checkpoint"));
    let kept: String = kept.flat_map(|line| [line, "\n"]).collect();
    fs::write(root.join("attack/attack.toml"), kept).unwrap();
    assert_eq!(
        checkpoint(root, "attack one-pixel --resume attack --images 3 --json").0["step"],
        LAST
    );
}

#[test]
fn a_best_that_is_gone_or_damaged_is_told() {
    let (folder, trained) = ruined();
    let (root, best) = (folder.path(), &trained["best_step"]);
    let model = root.join(format!("run/checkpoints/step-{best}/model.safetensors"));
    let mut bytes = fs::read(&model).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&model, bytes).unwrap();
    let (chosen, outcome) = checkpoint(root, "eval run --json");
    assert_eq!((&chosen["step"], &chosen["which"]), (&LAST.into(), &"last".into()));
    assert!(chosen["why"].as_str().unwrap().starts_with("the best is damaged"), "{chosen}");
    assert!(outcome.stderr.contains("passing over the damaged checkpoint"), "{}", outcome.stderr);
    let outcome = run_in(root, &format!("eval run --checkpoint step-{best}"));
    assert!(outcome.bad_input().contains("have changed"), "{}", outcome.stderr);

    fs::remove_dir_all(model.parent().unwrap()).unwrap();
    let (chosen, outcome) = checkpoint(root, "eval run --json");
    let why = chosen["why"].as_str().unwrap();
    assert!(why.starts_with(&format!("the best has no checkpoint: step {best}")), "{why}");
    assert!(outcome.stderr.contains("the best has no checkpoint"), "{}", outcome.stderr);
}

#[test]
fn a_checkpoint_that_cannot_be_chosen_is_bad_input() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, "train tiny.toml --out run --max-steps 1").success();
    let outcome = run_in(root, "eval run --checkpoint step-7");
    assert!(outcome.bad_input().ends_with("run: no checkpoint of step 7; there are 1"));
    assert!(outcome.stderr.contains("hint: "), "{}", outcome.stderr);
    let outcome = run_in(root, "eval run/checkpoints/step-1 --checkpoint last --data idx:tiny");
    assert!(outcome.bad_input().contains("no run's folder"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("hint: leave out --checkpoint"), "{}", outcome.stderr);
    for line in ["eval run --checkpoint 7", "train tiny.toml --checkpoint best"] {
        assert_eq!(run_in(root, line).code, Some(2), "{line}");
    }
}

#[test]
fn a_training_without_progress_stops_early_and_says_so_everywhere() {
    let folder = tiny::folder();
    let root = folder.path();
    let sets = "--set optimizer.lr=1e-12 --set train.epochs=30 --set train.patience=2";
    let dry = run_in(root, &format!("train tiny.toml {sets} --dry-run")).success().stdout;
    assert!(dry.contains("patience"), "{dry}");
    let dry = run_in(root, &format!("train tiny.toml {sets} --dry-run --json")).success().json();
    assert_eq!(dry["rows"][0]["patience"], 2);

    let outcome = run_in(root, &format!("train tiny.toml --out run {sets} --json")).success();
    let trained = outcome.json();
    assert_eq!(
        (&trained["stopped_early"], &trained["outcome"]),
        (&true.into(), &"stopped_early".into())
    );
    let (best, steps) = (&trained["best_step"], trained["steps"].as_u64().unwrap());
    assert_eq!(steps, best.as_u64().unwrap() + 2 * tiny::STEPS_PER_EPOCH, "{trained}");
    assert!(
        outcome.stderr.contains("stopped early, no better in 2 evaluations"),
        "{}",
        outcome.stderr
    );
    let rows = fs::read_to_string(root.join("run/metrics.jsonl")).unwrap();
    assert!(rows.lines().last().unwrap().contains("\"train/stopped_early\":1"), "{rows}");
    let page = fs::read_to_string(root.join("run/report.html")).unwrap();
    assert!(page.contains("stopped early at step"));
    let text = run_in(root, "train --resume run").success().stdout;
    assert!(text.contains("stopped early (train.patience)"), "it stays stopped: {text}");
    assert_eq!(run_in(root, "eval run --json").success().json()["checkpoint"]["step"], *best);

    let grid = format!("train tiny.toml --grid seed=0,1 --out grid {sets}");
    let json = run_in(root, &format!("{grid} --json")).success().json();
    for row in json["rows"].as_array().unwrap() {
        assert_eq!(row["status"], "stopped_early", "{row}");
        assert!(row["best_step"].as_u64().unwrap() < row["steps"].as_u64().unwrap(), "{row}");
    }
    let steps = column(&root.join("grid"), "best_step");
    assert_eq!(steps[0], json["rows"][0]["best_step"].to_string());
    let again = run_in(root, &grid).success();
    assert_eq!(again.stderr.matches("finished before").count(), 2, "{}", again.stderr);
    let longer = format!("{grid} --set train.patience=3 --json");
    let longer = run_in(root, &longer).success().json();
    let steps = |json: &Value| json["rows"][0]["steps"].as_u64().unwrap();
    assert!(steps(&longer) > steps(&json), "more patience goes on: {longer}");
}

/// A run whose checkpoints are all damaged has some, and none to be trusted.
#[test]
fn a_run_without_a_sound_checkpoint_says_what_is_wrong() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, "train tiny.toml --out run --max-steps 12").success();
    for step in fs::read_dir(root.join("run/checkpoints")).unwrap() {
        fs::write(step.unwrap().path().join("model.safetensors"), "cut").unwrap();
    }
    for line in ["eval run", "predict run x.png", "convert run x.safetensors"] {
        let refused = run_in(root, line);
        assert!(refused.bad_input().contains("can be trusted; the newest"), "{}", refused.stderr);
    }
}
