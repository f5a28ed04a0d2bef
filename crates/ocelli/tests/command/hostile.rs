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
    let typed = run_in(root, "predict run --x\u{1b}]0;x\u{7}\u{9b}2J");
    assert!(!typed.stderr.contains(|c: char| c.is_control() && c != '\n'), "{:?}", typed.stderr);
    assert_eq!(typed.code, Some(2));
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
    for line in [
        "predict pipe.toml pipe.png",
        "convert pipe.toml out.safetensors",
        "data list pipe.toml",
        "train tiny.toml --pretrained pipe.toml --out none",
        "predict run pipe.png --classes pipe.toml",
    ] {
        assert_eq!(run_in(root, line).code, Some(3), "{line}");
    }
    run_in(root, "train tiny.toml --out other --max-steps 5").success();
    fs::remove_file(root.join("other/log.txt")).unwrap();
    pipe(&root.join("other/log.txt"));
    assert!(run_in(root, "train --resume other").bad_input().contains("log.txt: no regular file"));
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

#[test]
fn nothing_of_the_user_s_is_overwritten() {
    let folder = tiny::folder();
    let root = folder.path();
    let thesis = |folder: &str| root.join(folder).join("report.html");
    for folder in ["run", "grid", "attack", "study"] {
        fs::create_dir(root.join(folder)).unwrap();
        fs::write(thesis(folder), "mine").unwrap();
    }
    run_in(root, "train tiny.toml --out trained --max-steps 1").success();
    let attack = "attack one-pixel trained --images 2 --population 8 --generations 1 --untargeted \
                  --set misclassified=attack --out attack";
    let study = "study ghost-redundancy --model resnet20_cifar --images 1 --out study";
    for (out, line) in [
        ("run", "train tiny.toml --max-steps 1 --out run"),
        ("grid", "train tiny.toml --grid seed=0,1 --max-steps 1 --out grid"),
        ("attack", attack),
        ("study", study),
    ] {
        let refused = run_in(root, line);
        let expected = format!("{out} holds other files, as report.html");
        assert_eq!(refused.bad_input(), expected, "{line}");
        assert!(refused.stderr.contains("--force"), "{line}");
        assert_eq!(fs::read(thesis(out)).unwrap(), b"mine", "{line}");
        assert_eq!(fs::read_dir(root.join(out)).unwrap().count(), 1, "{line}");
    }
    run_in(root, "train tiny.toml --max-steps 1 --out run --force").success();
    assert_ne!(fs::read(thesis("run")).unwrap(), b"mine", "it was asked for");

    let table = root.join("table.csv");
    fs::write(&table, "name,age\n").unwrap();
    let refused = run_in(root, "report trained --out table.csv");
    assert!(refused.bad_input().contains("table.csv exists already"), "{}", refused.stderr);
    let refused = run_in(root, "eval trained --confusion table.csv");
    let expected = "table.csv exists already and is another file";
    assert_eq!(refused.bad_input(), expected);
    assert_eq!(fs::read(&table).unwrap(), b"name,age\n");
    run_in(root, "eval trained --confusion table.csv --force").success();
    run_in(root, "eval trained --confusion table.csv").success();
}

#[test]
fn a_file_of_weights_does_not_decide_how_much_memory_is_taken() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, "train tiny.toml --out run --max-steps 5").success();
    let model = root.join("run/checkpoints/step-5/model.safetensors");
    let bytes = fs::read(&model).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = std::str::from_utf8(&bytes[8..8 + length]).unwrap();
    let size = header.find("size").unwrap();
    let value = size + header[size..].find(":8,").unwrap();
    let hostile = format!("{}:8192,{}", &header[..value], &header[value + 3..]);
    let hostile = format!("{hostile:<width$}", width = hostile.len().next_multiple_of(8));
    let file = [&(hostile.len() as u64).to_le_bytes(), hostile.as_bytes(), &bytes[8 + length..]];
    fs::write(root.join("huge.safetensors"), file.concat()).unwrap();
    fs::copy(IMAGE, root.join("pixel.png")).unwrap();
    for line in [
        "predict huge.safetensors pixel.png",
        "eval huge.safetensors --data idx:tiny",
        "attack one-pixel huge.safetensors --data idx:tiny",
    ] {
        let refused = run_in(root, &format!("{line} --max-memory 1G"));
        let message = refused.bad_input();
        assert!(message.contains("images of 8192 × 8192 pixels take about"), "{line}: {message}");
        assert!(refused.stderr.contains("--max-memory"), "{line}");
    }
    let train = "train tiny.toml --out no --set input.size=4096";
    assert!(run_in(root, &format!("{train} --max-memory 1G")).bad_input().contains("4096 × 4096"));
    assert!(!root.join("no").exists());
    run_in(root, "predict run pixel.png --max-memory 1G").success();
}
