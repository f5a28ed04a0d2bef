//! Files that strangers made: names that a terminal would obey, pipes, endless files and messages.

use crate::background::{begin, wait_for_words};
use crate::support::{outcome, run_in};
use crate::tiny;
use std::fs::{self, File};
use std::path::Path;

const IMAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/images/pixel.png");

fn copy_image(to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(IMAGE, to).unwrap();
}

fn sparse(path: &Path, length: u64) {
    File::create(path).unwrap().set_len(length).unwrap();
}

#[cfg(unix)]
fn pipe(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[cfg(unix)]
#[test]
fn names_do_not_command_the_terminal() {
    let folder = tiny::folder();
    let root = folder.path();
    let hostile = "b\u{1b}[31mad\nTrouser  999";
    for class in ["good", hostile] {
        for number in 0..8 {
            copy_image(
                &root.join("photos").join(class).join(format!("{number}\u{1b}]0;x\u{7}.png")),
            );
        }
    }
    fs::write(root.join("photos").join(hostile).join("bad\u{1b}[2J.png"), "no image").unwrap();
    let train = "train tiny.toml --data photos --set data.hold_out=0.25 --set data.error_budget=9 \
                 --max-steps 1 --out run";
    for line in [
        "data list photos",
        "data verify photos",
        train,
        "eval run --per-class --error-budget 9",
        "predict run photos --top 2",
    ] {
        let outcome = run_in(root, line);
        for text in [&outcome.stdout, &outcome.stderr] {
            let commands = |c: char| c.is_control() && c != '\n';
            assert!(!text.contains(commands), "{line}: {text:?}");
            assert!(!text.lines().any(|line| line.starts_with("Trouser")), "{line}: {text}");
        }
    }
    let listed = run_in(root, "data list photos --json").success().json();
    assert_eq!(listed["classes"][0]["name"], hostile, "JSON has its own escapes");
}

#[cfg(unix)]
#[test]
fn a_pipe_is_no_picture_and_no_file_of_a_run() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, "train tiny.toml --out run --max-steps 5").success();
    pipe(&root.join("pipe.png"));
    let predicted = run_in(root, "predict run pipe.png");
    assert!(predicted.stderr.contains("pipe.png: not a regular file"), "{}", predicted.stderr);
    assert_eq!(predicted.code, Some(3));
    pipe(&root.join("pipe.toml"));
    assert!(run_in(root, "train pipe.toml").bad_input().contains("not a regular file"));
    let model = root.join("run/checkpoints/step-5/model.safetensors");
    fs::remove_file(&model).unwrap();
    pipe(&model);
    let refused = run_in(root, "train --resume run");
    assert!(refused.bad_input().contains("not a regular file"), "{}", refused.stderr);
}

#[test]
fn no_text_file_is_read_without_a_limit() {
    let folder = tiny::folder();
    let root = folder.path();
    sparse(&root.join("huge.toml"), 1 << 33);
    let huge = run_in(root, "train huge.toml");
    assert!(huge.bad_input().contains("huge.toml: 8589934592 bytes"), "{}", huge.stderr);
    run_in(root, "train tiny.toml --out run --max-steps 1").success();
    for (file, line) in [
        ("metrics.jsonl", "train --resume run"),
        ("evaluation.json", "report run"),
        ("recipe.toml", "train --resume run"),
        ("data.json", "train --resume run"),
    ] {
        let path = root.join("run").join(file);
        let whole = fs::read(&path).unwrap();
        sparse(&path, 1 << 33);
        let refused = run_in(root, line);
        assert!(refused.bad_input().contains(&format!("{file}: 8589934592 bytes")), "{file}");
        fs::write(&path, whole).unwrap();
    }
}

#[test]
fn a_setting_that_would_never_end_is_refused() {
    let folder = tiny::folder();
    let line = "train tiny.toml --set augment.rand_augment.layers=1000000000";
    let refused = run_in(folder.path(), line);
    let expected = "`augment.rand_augment.layers` is 1000000000, expected up to 64";
    assert!(refused.bad_input().contains(expected), "{}", refused.stderr);
}

#[test]
fn a_message_is_never_endless() {
    let folder = tiny::folder();
    let long = "x".repeat(100_000);
    let refused = run_in(folder.path(), &format!("train {long}.toml"));
    assert!(refused.bad_input().len() < 1100);
}

#[test]
fn a_run_whose_folder_is_removed_ends_and_does_not_make_it_again() {
    let folder = tiny::folder();
    let root = folder.path();
    let child = begin(root, "train tiny.toml --out run --set train.epochs=100000");
    wait_for_words(&root.join("run/metrics.jsonl"), "{\"step\":2,");
    // As a file manager does it: in one step.
    fs::rename(root.join("run"), root.join("elsewhere")).unwrap();
    let ended = outcome(child.wait_with_output().unwrap());
    let message = ended.bad_input();
    assert!(message.contains("run: the run's folder was removed while it trained"), "{message}");
    assert!(!root.join("run").exists());
}

#[test]
fn what_a_killed_writer_left_is_swept_away() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, "train tiny.toml --out run --max-steps 1").success();
    let left = root.join("run/.incomplete-x7Hs2a");
    fs::write(&left, "half").unwrap();
    run_in(root, "train --resume run --max-steps 2").success();
    assert!(!left.exists());
}
