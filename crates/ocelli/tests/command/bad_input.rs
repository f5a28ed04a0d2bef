//! Everything that a user can get wrong: exit code 3, and one line that names the file or field.

use crate::support::{CommandOutcome, run, run_in};
use crate::tiny;
use std::fs;
use std::path::Path;

/// Trains `tiny.toml` with one more option and says what was wrong with it.
fn train(folder: &Path, option: &str) -> CommandOutcome {
    run_in(folder, &format!("train tiny.toml --out run --max-steps 2 {option}"))
}

#[track_caller]
fn assert_error(outcome: &CommandOutcome, parts: &[&str]) {
    let message = outcome.bad_input();
    for part in parts {
        assert!(message.contains(part), "`{part}` in: {message}");
    }
}

#[test]
fn a_dataset_that_does_not_exist_is_named() {
    let message = run("data list no/such/folder").bad_input().to_owned();
    assert!(message.starts_with("no/such/folder: "), "{message}");
    let folder = tiny::folder();
    assert_error(&train(folder.path(), "--data no/such"), &["no/such: "]);
    assert_error(&train(folder.path(), "--data builtin:nothing"), &["builtin:nothing"]);
    assert_error(&train(folder.path(), "--data https://x/y"), &["https"]);
}

#[test]
fn an_empty_dataset_and_an_empty_class_are_named() {
    let folder = tiny::folder();
    let root = folder.path();
    fs::create_dir_all(root.join("empty")).unwrap();
    assert_error(&run_in(root, "data list empty"), &["empty", "no image"]);
    for class in ["cat", "dog"] {
        fs::create_dir_all(root.join("photos").join(class)).unwrap();
    }
    fs::copy(pixel(), root.join("photos/cat/1.png")).unwrap();
    assert_error(&run_in(root, "data list photos"), &["photos", "`dog`", "no image"]);
}

fn pixel() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/images/pixel.png")
}

#[test]
fn an_image_that_cannot_be_decoded_is_named_and_never_replaced() {
    let folder = tiny::folder();
    let root = folder.path();
    let whole = fs::read(pixel()).unwrap();
    for part in ["train", "test"] {
        for class in ["cat", "dog"] {
            let class = root.join("photos").join(part).join(class);
            fs::create_dir_all(&class).unwrap();
            for number in 0..8 {
                fs::write(class.join(format!("{number}.png")), &whole).unwrap();
            }
        }
    }
    fs::write(root.join("photos/train/dog/3.png"), &whole[..40]).unwrap();
    let strict = train(root, "--data photos");
    assert_error(&strict, &["dog/3.png", "PNG file cut off after 40 bytes"]);

    let lenient = run_in(
        root,
        "train tiny.toml --out lenient --data photos --set data.error_budget=1 --max-steps 2",
    )
    .success();
    assert!(lenient.stderr.contains("dog/3.png"), "what is left out is listed: {}", lenient.stderr);

    fs::write(root.join("photos/train/dog/3.png"), "not an image").unwrap();
    let outcome = run_in(root, "train tiny.toml --out other --data photos --max-steps 2");
    assert_error(&outcome, &["dog/3.png", "not a JPEG, PNG, WebP, GIF"]);
}

#[test]
fn an_image_with_too_many_pixels_is_refused_with_the_setting() {
    let folder = tiny::folder();
    let root = folder.path();
    for part in ["train", "test"] {
        for class in ["cat", "dog"] {
            let class = root.join("photos").join(part).join(class);
            fs::create_dir_all(&class).unwrap();
            // Two pixels, which a limit of one refuses.
            for at in 0..8 {
                fs::write(class.join(format!("{at}.pgm")), "P2 2 1 9 1 2 ").unwrap();
            }
        }
    }
    let too_many = "2×1 pixels, over the limit of 1 (max_pixels)";
    let strict = train(root, "--data photos --set data.max_pixels=1");
    assert_error(&strict, &["dog/", too_many]);
    assert!(strict.stderr.contains("data.max_pixels=N"), "{}", strict.stderr);
    let run = "train tiny.toml --out two --data photos --set data.max_pixels=2 --max-steps 2";
    run_in(root, run).success();
    let recipe = fs::read_to_string(root.join("two/recipe.toml")).unwrap();
    assert!(recipe.contains("max_pixels = 2"), "{recipe}");
    // What the run could read, other commands read too, unless they are told otherwise.
    let picture = "photos/test/dog/1.pgm";
    run_in(root, &format!("predict two {picture}")).success();
    run_in(root, "eval two").success();
    for line in [
        format!("predict two {picture} --max-pixels 1"),
        "data verify photos --max-pixels 1".to_owned(),
        "eval two --max-pixels 1".to_owned(),
    ] {
        let outcome = run_in(root, &line);
        outcome.bad_input();
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(said.contains(too_many), "{line}: {said}");
        assert!(outcome.stderr.contains("hint: --max-pixels N allows more"), "{line}: {said}");
    }
    run_in(root, "data verify photos --max-pixels 2").success();
    let none = train(root, "--data photos --set data.max_pixels=0");
    assert_error(&none, &["`data.max_pixels` is 0, expected 1 or more"]);
    let longer = run_in(root, "train --resume two --set data.max_pixels=5 --max-steps 3");
    longer.success();
}

#[test]
fn a_label_out_of_range_is_named() {
    let folder = tiny::folder();
    let root = folder.path();
    fs::write(root.join("names.txt"), "zero\none\n").unwrap();
    let outcome = run_in(root, "data list idx:tiny --classes names.txt");
    assert_error(&outcome, &["label 2", "2 classes"]);
}

#[test]
fn a_tar_that_is_cut_in_the_middle_is_named_with_the_place() {
    let folder = tiny::folder();
    let root = folder.path();
    let tar = crate::support::tar(&[("cat/1.png", pixel()), ("dog/1.png", pixel())]);
    fs::write(root.join("whole.tar"), &tar).unwrap();
    run_in(root, "data verify whole.tar").success();
    fs::write(root.join("cut.tar"), &tar[..tar.len() / 2]).unwrap();
    assert_error(&run_in(root, "data list cut.tar"), &["cut.tar", "cut off at byte"]);
}

#[test]
fn fewer_shards_than_threads_is_no_mistake() {
    let folder = tiny::folder();
    let root = folder.path();
    let tar = crate::support::tar(&[("cat/1.png", pixel()), ("dog/1.png", pixel())]);
    fs::write(root.join("one.tar"), &tar).unwrap();
    let report = run_in(root, "data verify one.tar --threads 8 --json").success().json();
    assert_eq!(report["samples"], 2);
}

#[test]
fn weights_of_another_model_are_refused_with_what_they_are() {
    let folder = tiny::folder();
    let root = folder.path();
    let json = run_in(root, "train tiny.toml --out run --max-steps 1 --json").success().json();
    let weights = json["model"].as_str().unwrap();
    let outcome = run_in(root, &format!("eval --model resnet56_cifar --weights {weights}"));
    assert_error(
        &outcome,
        &["model.safetensors", "another model", "180 of 296 tensors", "`resnet20_cifar`"],
    );
    fs::write(root.join("junk.safetensors"), "not weights").unwrap();
    assert_error(&run_in(root, "eval junk.safetensors --data idx:tiny"), &["junk.safetensors"]);
    assert_error(&run_in(root, "eval missing.safetensors --data idx:tiny"), &["missing"]);
}

#[test]
fn weights_that_fit_several_models_are_refused_with_the_choices() {
    use ocelli::nn::{registry, weights};
    let folder = tiny::folder();
    let model = registry::find("efficientnetv2_b0").unwrap();
    let options = registry::ModelOptions { num_classes: 3, ..model.options() };
    let device = burn::tensor::Device::flex();
    let network = model.network(&options, ocelli::random::Seed(0), &device).unwrap();
    let dict = weights::state_dict(&network).unwrap();
    weights::safetensors::write(&dict, &folder.path().join("b0.safetensors")).unwrap();
    for line in ["eval b0.safetensors --data idx:tiny", "convert b0.safetensors out.safetensors"] {
        let outcome = run_in(folder.path(), line);
        assert_error(&outcome, &["b0.safetensors", "efficientnetv2_b0, tf_efficientnetv2_b0"]);
        assert!(outcome.stderr.contains("hint: choose one with --model"), "{}", outcome.stderr);
    }
}

#[test]
fn another_number_of_classes_is_refused() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, "train tiny.toml --out run --max-steps 1").success();
    let outcome = run_in(root, "eval run --data builtin:fashion-mnist");
    assert_error(&outcome, &["different classes", "T-shirt/top"]);
}

#[test]
fn a_diverging_run_stops_and_keeps_the_last_good_checkpoint() {
    let folder = tiny::folder();
    let root = folder.path();
    let line = "train tiny.toml --out run --set optimizer.lr=1e30 --set schedule.kind=constant \
                --set checkpoint.every='1 steps'";
    let outcome = run_in(root, &line.replace("'1 steps'", "0.01"));
    assert_error(&outcome, &["not finite at step"]);
    assert!(outcome.stderr.contains("hint: "), "{}", outcome.stderr);
}

#[test]
fn a_recipe_that_is_wrong_is_named_by_line_or_key() {
    let folder = tiny::folder();
    let root = folder.path();
    fs::write(root.join("corrupt.toml"), "[model\nname = 3\n").unwrap();
    assert_error(&run_in(root, "train corrupt.toml"), &["corrupt.toml", "line 1"]);
    fs::write(root.join("unknown.toml"), "[optimizer]\nlearning_rat = 1\n").unwrap();
    assert_error(&run_in(root, "train unknown.toml"), &["optimizer.learning_rat"]);
    assert_error(&train(root, "--set optimiser.lr=1"), &["optimiser", "did you mean"]);
    assert_error(&train(root, "--set optimizer.lr=fast"), &["optimizer.lr", "fast", "expected"]);
    assert_error(&train(root, "--set optimizer.lr=-1"), &["optimizer.lr", "-1", "expected"]);
    assert_error(&train(root, "--set optimizer"), &["optimizer", "section.key=value"]);
    let many = "--set train.batch_size=18446744073709551615";
    assert_error(&train(root, many), &["train.batch_size", "18446744073709551615"]);
    assert_error(&train(root, "--model ghostnt_100"), &["ghostnt_100", "did you mean"]);
    assert_error(&run_in(root, "train no-such"), &["no-such"]);
    fs::write(root.join("binary.toml"), [0xff, 0xfe, 0]).unwrap();
    assert_error(&run_in(root, "train binary.toml"), &["binary.toml"]);
    assert!(!root.join("run").exists(), "nothing is begun with a wrong recipe");
}

#[test]
fn a_training_set_smaller_than_a_step_of_single_images_is_named() {
    let folder = tiny::folder();
    let steps = "--set train.batch_size=2 --set train.accumulate=97";
    assert_error(&train(folder.path(), steps), &["96 images", "194"]);
}

#[test]
fn a_folder_that_holds_a_run_is_not_overwritten() {
    let folder = tiny::folder();
    train(folder.path(), "").success();
    let again = train(folder.path(), "");
    assert_error(&again, &["run", "holds a run already"]);
    assert!(again.stderr.contains("--resume run"), "{}", again.stderr);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tiny::folder();
    fs::write(folder.path().join("file"), "").unwrap();
    let outcome = run_in(folder.path(), "train tiny.toml --out file/run");
    assert_error(&outcome, &["file/run"]);
    let outcome = run_in(folder.path(), "train tiny.toml --out /proc/run");
    assert_error(&outcome, &["/proc/run"]);
}

#[test]
fn a_full_disk_stops_the_run_and_keeps_what_was_saved() {
    let folder = tiny::folder();
    let root = folder.path();
    train(root, "").success();
    // A limit on the size of files is what a full disk is to a program, without being root.
    let ocelli = crate::support::ocelli(["train", "--resume", "run", "--max-steps", "12"]);
    let limited =
        format!("trap '' XFSZ; ulimit -f 200; exec {}", crate::support::shell_words(&ocelli));
    let mut shell = std::process::Command::new("sh");
    let outcome =
        crate::support::outcome(shell.args(["-c", &limited]).current_dir(root).output().unwrap());
    assert_error(&outcome, &["run/checkpoints"]);
    run_in(root, "eval run").success();
    run_in(root, "train --resume run").success();
}

#[test]
fn an_empty_recipe_is_not_the_default_one() {
    let folder = tempfile::TempDir::new().unwrap();
    fs::write(folder.path().join("empty.toml"), " \n").unwrap();
    let refused = run_in(folder.path(), "train empty.toml");
    assert_eq!(refused.bad_input(), "empty.toml: the recipe is empty");
}
