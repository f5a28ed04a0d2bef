//! Interrupted, killed and damaged runs: nothing is lost, and the result is the same to the bit.

use crate::background::{begin, signal, wait_for_words};
use crate::support::{outcome, run_in};
use crate::tiny::{self, EPOCHS, STEPS_PER_EPOCH};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

const STEPS: u64 = STEPS_PER_EPOCH * EPOCHS;

fn model_at(run: &Path, step: u64) -> PathBuf {
    run.join(format!("checkpoints/step-{step}/model.safetensors"))
}

/// Waits until a run has logged `step`.
fn wait_for_step(run: &Path, step: u64) {
    wait_for_words(&run.join("metrics.jsonl"), &format!("{{\"step\":{step},"));
}

#[test]
fn killed_at_any_step_and_resumed_the_weights_are_the_same_bytes() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, "train tiny.toml --out whole --threads 2").success();
    let whole = fs::read(model_at(&root.join("whole"), STEPS)).unwrap();
    // In the middle of an epoch, at the last step of one, and before the first checkpoint.
    for (trial, step) in [3, STEPS_PER_EPOCH, 17].into_iter().enumerate() {
        let run = root.join(format!("killed-{trial}"));
        let mut child =
            begin(root, &format!("train tiny.toml --out killed-{trial} --threads {}", 1 + trial));
        wait_for_step(&run, step);
        child.kill().unwrap();
        child.wait().unwrap();
        run_in(root, &format!("train --resume killed-{trial} --threads {}", 3 - trial)).success();
        assert!(fs::read(model_at(&run, STEPS)).unwrap() == whole, "killed at step {step}");
    }
}

#[test]
fn a_signal_ends_the_step_saves_and_exits_with_130() {
    for name in ["INT", "TERM", "HUP"] {
        let folder = tiny::folder();
        let child =
            begin(folder.path(), "train tiny.toml --out run --set train.epochs=1000 --json");
        let run = folder.path().join("run");
        wait_for_step(&run, 2);
        signal(&child, name);
        let stopped = outcome(child.wait_with_output().unwrap());
        assert_eq!(stopped.code, Some(130), "{}", stopped.stderr);
        let json = stopped.json();
        assert_eq!(json["outcome"], "interrupted");
        assert!(model_at(&run, json["steps"].as_u64().unwrap()).exists());
        assert!(stopped.stderr.contains("ocelli train --resume run"), "{}", stopped.stderr);
        assert!(run_in(folder.path(), "eval run").success().stdout.contains("top-1"));
    }
}

#[test]
fn a_terminal_that_hangs_up_twice_is_no_second_signal() {
    let folder = tiny::folder();
    let child = begin(folder.path(), "train tiny.toml --out run --set train.epochs=1000 --json");
    wait_for_step(&folder.path().join("run"), 2);
    signal(&child, "HUP");
    signal(&child, "HUP");
    let stopped = outcome(child.wait_with_output().unwrap());
    assert_eq!(stopped.code, Some(130), "{}", stopped.stderr);
    assert_eq!(stopped.json()["outcome"], "interrupted");
}

#[cfg(target_os = "linux")]
#[test]
fn under_nohup_a_hang_up_is_not_heeded() {
    let folder = tiny::folder();
    let ocelli = crate::support::ocelli(["train", "tiny.toml", "--out", "run", "--json"]);
    let line = format!("trap '' HUP; exec {}", crate::support::shell_words(&ocelli));
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &line]).current_dir(folder.path());
    let child = shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for_step(&folder.path().join("run"), 2);
    signal(&child, "HUP");
    let done = outcome(child.wait_with_output().unwrap()).success();
    assert_eq!(done.json()["outcome"], "finished");
}

#[test]
fn a_damaged_checkpoint_is_passed_over_with_a_word() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, "train tiny.toml --out run --max-steps 10").success();
    let newest = model_at(&root.join("run"), 10);
    let mut bytes = fs::read(&newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&newest, bytes).unwrap();
    let resumed = run_in(root, "train --resume run --max-steps 12").success();
    assert!(resumed.stderr.contains("step-10"), "{}", resumed.stderr);
    assert!(resumed.stderr.contains("resuming after step 5"), "{}", resumed.stderr);
}

#[test]
fn auto_begins_a_run_goes_on_with_it_and_refuses_another_recipe() {
    let folder = tiny::folder();
    let root = folder.path();
    let steps = |line: &str| run_in(root, line).success().json()["steps"].clone();
    let auto = "train tiny.toml --resume auto --json";
    assert_eq!(steps(&format!("{auto} --out run --max-steps 2")), 2);
    assert_eq!(steps(&format!("{auto} --out run --max-steps 4")), 4);
    let other = run_in(root, &format!("{auto} --out run --set optimizer.lr=0.01"));
    assert!(other.bad_input().contains("begun with another recipe"), "{}", other.stderr);

    assert_eq!(steps(&format!("{auto} --max-steps 3")), 3);
    assert_eq!(steps(&format!("{auto} --max-steps 5")), 5);
    assert!(root.join("runs/tiny-1").exists() && !root.join("runs/tiny-2").exists());
}

#[test]
fn a_run_goes_on_under_its_own_recipe() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, "train tiny.toml --out run --max-steps 2").success();
    let changed = run_in(root, "train --resume run --set optimizer.lr=0.5");
    assert!(changed.bad_input().contains("optimizer.lr"), "{}", changed.stderr);
    let usage = run_in(root, "train tiny.toml --resume run");
    assert_eq!(usage.code, Some(2), "{}", usage.stderr);
}

#[test]
fn a_recipe_that_was_edited_is_refused_but_for_what_may_change() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, "train tiny.toml --out run --max-steps 6").success();
    let file = root.join("run/recipe.toml");
    let whole = fs::read_to_string(&file).unwrap();
    let edit = |from: &str, to: &str| {
        assert!(whole.contains(from));
        fs::write(&file, whole.replace(from, to)).unwrap();
    };
    edit("lr = 0.05", "lr = 0.06");
    let refused = run_in(root, "train --resume run");
    let message = refused.bad_input();
    assert!(message.contains("begun with optimizer.lr 0.05, now it is 0.06"), "{message}");
    edit("keep = 3", "keep = 2");
    run_in(root, "train --resume run --max-steps 7").success();
    fs::write(&file, "").unwrap();
    let refused = run_in(root, "train --resume run");
    let message = refused.bad_input();
    assert!(message.contains("recipe.toml: not the whole recipe of a run"), "{message}");
}

#[test]
fn a_run_whose_checkpoints_are_gone_does_not_begin_again() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, "train tiny.toml --out run --max-steps 8").success();
    fs::remove_dir_all(root.join("run/checkpoints")).unwrap();
    let refused = run_in(root, "train --resume run");
    let message = refused.bad_input();
    assert!(message.contains("holds no checkpoint, but the run had come to step 8"), "{message}");
    // However little was measured, the log tells of a checkpoint.
    let other = "train tiny.toml --out short --max-steps 2";
    run_in(root, other).success();
    fs::remove_dir_all(root.join("short/checkpoints")).unwrap();
    let refused = run_in(root, "train --resume short");
    assert!(refused.bad_input().contains("holds no checkpoint"), "{}", refused.stderr);
    // A run that was killed before its first checkpoint has lost nothing.
    fs::write(root.join("run/log.txt"), "").unwrap();
    let metrics = root.join("run/metrics.jsonl");
    let text = fs::read_to_string(&metrics).unwrap();
    let some: String = text.lines().take(3).flat_map(|line| [line, "\n"]).collect();
    fs::write(&metrics, some).unwrap();
    run_in(root, "train --resume run --max-steps 8").success();
}
