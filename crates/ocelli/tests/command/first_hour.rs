//! What a new user tries first.

use crate::support::{CommandOutcome, run, run_in};
use crate::tiny;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// A picture in colour: text, which is a PPM.
const COLOURED: &str = "P3 2 2 255 250 10 10 10 250 10 10 10 250 90 90 90 ";
const GREY: &str = "P2 2 2 255 250 10 90 30 ";

/// A folder of one part: `count` pictures in each of three classes.
fn photos(root: &Path, content: &str, count: usize) {
    for class in ["ant", "bee", "cat"] {
        let folder = root.join("photos").join(class);
        fs::create_dir_all(&folder).unwrap();
        for number in 0..count {
            fs::write(folder.join(format!("{number}.ppm")), content).unwrap();
        }
    }
}

#[track_caller]
fn assert_said(outcome: &CommandOutcome, words: &str) {
    assert!(outcome.stderr.contains(words), "`{words}` in: {}", outcome.stderr);
}

#[test]
fn data_and_model_by_set_are_no_grey_fashion() {
    let folder = tiny::folder();
    let root = folder.path();
    photos(root, COLOURED, 20);
    let small = "--set input.size=8 --max-steps 1 --set train.batch_size=4";
    let by_set =
        format!("train --set data.source=photos --set model.name=resnet20_cifar --out set {small}");
    let outcome = run_in(root, &by_set).success();
    assert_said(&outcome, "photos: one part; 0.1 of each class is held out for evaluation");
    let by_option = format!("train --data photos --model resnet20_cifar --out option {small}");
    run_in(root, &by_option).success();
    let recipe = |run: &str| fs::read_to_string(root.join(run).join("recipe.toml")).unwrap();
    assert_eq!(recipe("set"), recipe("option"));
    assert!(recipe("set").contains("channels = 3"), "{}", recipe("set"));
    assert!(recipe("set").contains("hold_out = 0.1"), "it is recorded");
    let eval = run_in(root, "eval set --json").success().json();
    assert_eq!(eval["samples"], 6, "a tenth of each class");
    // The same command goes on with the same run.
    let again =
        format!("{by_set} --resume auto --max-steps 2 --json").replacen("--max-steps 1", "", 1);
    assert_eq!(run_in(root, &again).success().json()["steps"], 2);
    let grid = "train tiny.toml --data photos --grid seed=0,1 --max-steps 1 --out grid --json";
    let outcome = run_in(root, grid).success();
    assert_eq!(
        outcome.stderr.matches("one part; 0.1 of each class").count(),
        1,
        "{}",
        outcome.stderr
    );
    assert!(recipe("grid/seed=1").contains("hold_out = 0.1"));
}

#[test]
fn colours_in_a_grey_network_are_a_warning() {
    let folder = tiny::folder();
    let root = folder.path();
    let warning = "warning: photos: pictures are in colour, and the network sees them in grey";
    photos(root, COLOURED, 10);
    for (line, is_warned) in [
        ("train tiny.toml --data photos --max-steps 1 --out grey", true),
        ("train tiny.toml --data photos --dry-run", true),
        ("train --data photos --model resnet20_cifar --dry-run", false),
    ] {
        let outcome = run_in(root, line).success();
        assert_eq!(outcome.stderr.contains(warning), is_warned, "{line}: {}", outcome.stderr);
    }
    photos(root, GREY, 10);
    let outcome = run_in(root, "train tiny.toml --data photos --max-steps 1 --out grey2").success();
    assert!(!outcome.stderr.contains("in colour"), "{}", outcome.stderr);
}

#[test]
fn a_dry_run_finds_what_a_training_would() {
    let folder = tiny::folder();
    let root = folder.path();
    fs::create_dir_all(root.join("empty/a")).unwrap();
    fs::create_dir_all(root.join("empty/b")).unwrap();
    fs::write(root.join("junk.safetensors"), "junk").unwrap();
    run_in(root, "train tiny.toml --out begun --max-steps 1").success();
    for more in [
        "--data nowhere",
        "--data empty",
        "--set model.weights=junk.safetensors",
        "--set model.weights=missing.pth",
        "--set train.accumulate=97",
        "--set data.labels=none.tsv",
        "--set progressive.size=[3,8]",
        "--out begun",
    ] {
        let train = run_in(root, &format!("train tiny.toml --max-steps 1 {more}"));
        let dry = run_in(root, &format!("train tiny.toml --dry-run {more}"));
        assert_eq!(dry.bad_input(), train.bad_input(), "{more}");
    }
    assert!(!root.join("runs").exists(), "nothing is made");
    let grid = "train tiny.toml --grid data.source=idx:tiny,nowhere --dry-run --json";
    let outcome = run_in(root, grid);
    assert_eq!(outcome.bad_input(), "1 of 2 trainings cannot begin");
    let rows = outcome.json()["rows"].take();
    assert_eq!((&rows[0]["status"], &rows[1]["status"]), (&"planned".into(), &"failed".into()));
}

#[test]
fn a_training_set_smaller_than_a_batch_has_smaller_batches() {
    let folder = tiny::folder();
    let root = folder.path();
    let line =
        "train tiny.toml --set train.batch_size=500 --set train.accumulate=2 --json --out run";
    let outcome = run_in(root, line).success();
    assert_said(&outcome, "96 images, fewer than the 1000 of one step: batches have 48 images");
    assert_eq!(outcome.json()["steps"], tiny::EPOCHS, "one step an epoch");
    let recipe = fs::read_to_string(root.join("run/recipe.toml")).unwrap();
    assert!(recipe.contains("batch_size = 500"), "what was asked for: {recipe}");
}

#[test]
fn top_5_is_no_news_of_five_classes() {
    let folder = tiny::folder();
    let root = folder.path();
    let trained = run_in(root, "train tiny.toml --out run --max-steps 12").success();
    assert!(!trained.stdout.contains("top-5") && !trained.stderr.contains("top-5"));
    let shown = run_in(root, "eval run").success().stdout;
    assert!(shown.contains("top-1") && !shown.contains("top-5"), "{shown}");
    assert_eq!(run_in(root, "eval run --json").success().json()["top5"], Value::Null);
    let metrics = fs::read_to_string(root.join("run/metrics.jsonl")).unwrap();
    assert!(metrics.contains("eval/top1") && !metrics.contains("eval/top5"), "{metrics}");
    let report = fs::read_to_string(root.join("run/report.html")).unwrap();
    assert!(report.contains("top-1") && !report.contains("top-5"));
}

#[test]
fn an_attack_tells_of_fewer_images_and_saves_a_valid_nothing() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, "train tiny.toml --out run").success();
    // Four random pixels of each image fool the network seldom or never.
    let line = "attack one-pixel run --images 100 --population 4 --generations 1 --untargeted \
                --out attack --save-adversaries --budget 4 --json";
    let outcome = run_in(root, line).success();
    let json = outcome.json();
    let images = json["images"].as_u64().unwrap();
    assert!(images < 100, "{json}");
    assert_said(
        &outcome,
        &format!("{images} images are attacked, not 100: there are 30, of which"),
    );
    let shard = fs::read(root.join("attack/adversaries.tar")).unwrap();
    let members = tar::Archive::new(&shard[..]).entries().unwrap().count() as u64;
    let fooled: u64 = json["groups"][0]["successes"].as_u64().unwrap();
    assert_eq!(members, 2 * fooled);
    assert!(shard.len() >= 1024, "a tar, if an empty one");
}

#[test]
fn convert_writes_what_it_can_and_replaces_nothing_unasked() {
    let folder = tiny::folder();
    let root = folder.path();
    let trained = run_in(root, "train tiny.toml --out run --max-steps 1 --json").success().json();
    let weights = trained["model"].as_str().unwrap();
    for (name, ending) in [("y.onnx", ".onnx"), ("y.PTH", ".pth")] {
        let outcome = run_in(root, &format!("convert {weights} {name}"));
        let message = outcome.bad_input();
        assert_eq!(message, format!("{name}: cannot write {ending}; convert writes safetensors"));
        assert_said(&outcome, "hint: name it y.safetensors");
        assert!(!root.join(name).exists());
    }
    fs::write(root.join("y.safetensors"), "precious").unwrap();
    let outcome = run_in(root, &format!("convert {weights} y.safetensors"));
    assert_eq!(outcome.bad_input(), "y.safetensors exists already");
    assert_said(&outcome, "hint: --force replaces it");
    assert_eq!(fs::read(root.join("y.safetensors")).unwrap(), b"precious");
    run_in(root, &format!("convert {weights} y.safetensors --force")).success();
    assert!(fs::read(root.join("y.safetensors")).unwrap().len() > 1000);
}

#[test]
fn models_that_do_not_match_are_told_by_the_condition() {
    for (line, message, hint) in [
        ("models --tag cifar11", "no model has the tag `cifar11`", "there are "),
        ("models --family resnett", "no model has the family `resnett`", "ghostnet"),
        ("models nothing*", "no model has a name like `nothing*`", "`ocelli models` lists all"),
        (
            "models ghostnet* --family resnet",
            "no model has a name like `ghostnet*` and the family `resnet`",
            "lists all",
        ),
    ] {
        let outcome = run(line);
        assert_eq!(outcome.bad_input(), message, "{line}");
        assert_said(&outcome, hint);
    }
}

#[test]
fn center_has_one_spelling_and_the_other_is_understood() {
    let folder = tiny::folder();
    let root = folder.path();
    for (number, spelling) in ["center", "centre"].into_iter().enumerate() {
        let set = format!(
            "train tiny.toml --out run{number} --max-steps 1 --set eval.crop_mode={spelling}"
        );
        run_in(root, &set).success();
        let recipe = fs::read_to_string(root.join(format!("run{number}/recipe.toml"))).unwrap();
        assert!(recipe.contains("crop_mode = \"center\""), "{recipe}");
        run_in(root, &format!("eval run{number} --crop {spelling}")).success();
    }
    let help = run("eval --help").success().stdout;
    assert!(help.contains("center") && !help.contains("centre:"), "{help}");
}

#[test]
fn names_of_networks_are_completed() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&format!("completions {shell}")).success().stdout;
        assert!(script.contains("resnet20_cifar"), "{shell}");
    }
    let outcome = run("train --model resnet2 --dry-run");
    assert!(outcome.bad_input().contains("did you mean"), "still no usage error");
}

#[test]
fn folders_inside_class_folders_are_read_and_told() {
    let folder = tiny::folder();
    let root = folder.path();
    photos(root, COLOURED, 6);
    let puppies = root.join("photos/bee/small/young");
    fs::create_dir_all(&puppies).unwrap();
    for number in 0..4 {
        fs::rename(
            root.join(format!("photos/bee/{number}.ppm")),
            puppies.join(format!("{number}.ppm")),
        )
        .unwrap();
    }
    let outcome = run_in(root, "data list photos --json").success();
    assert_said(
        &outcome,
        "photos: 4 images lie in folders inside their class folders, as bee/small/young/0.ppm",
    );
    let parts = outcome.json();
    assert!(parts.to_string().contains("\"bee\""), "{parts}");
    assert!(!parts.to_string().contains("young"), "no class: {parts}");
    let small = "--model resnet20_cifar --set input.size=8 --max-steps 1 --set train.batch_size=4";
    run_in(root, &format!("train --data photos {small} --out run")).success();
    assert_eq!(run_in(root, "eval run --json").success().json()["samples"], 3);
}

#[test]
fn what_is_told_of_weights_has_lines_and_no_escapes() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, "train tiny.toml --out run --max-steps 1").success();
    for more in ["--out tuned", "--dry-run"] {
        let line = format!("train tiny.toml --pretrained run --reset-head --max-steps 1 {more}");
        let outcome = run_in(root, &line).success();
        assert_said(&outcome, "\n  reset (2): ");
        assert!(!outcome.stderr.contains("\\n"), "{}", outcome.stderr);
    }
}
