//! Another dataset under the same run: nothing goes on with it in silence.

use crate::support::{CommandOutcome, run_in};
use crate::tiny;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const CLASSES: [&str; 3] = ["ant", "deer", "dog"];
const PER_CLASS: u32 = 12;

fn image(root: &Path, part: &str, class: &str, number: u32) -> PathBuf {
    root.join("photos").join(part).join(class).join(format!("{number:02}.png"))
}

/// A grey picture of 8 × 8 pixels that no other number gives.
fn write_picture(path: &Path, number: u32) {
    let file = fs::File::create(path).unwrap();
    let mut encoder = png::Encoder::new(file, 8, 8);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let pixels: Vec<u8> = (0..64).map(|at| (at * (number + 3) % 251) as u8).collect();
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
}

/// The recipe of [`tiny`] and `photos/{train,test}` with three classes.
fn folder() -> TempDir {
    let folder = tiny::folder();
    let mut number = 0;
    for part in ["train", "test"] {
        for class in CLASSES {
            fs::create_dir_all(folder.path().join("photos").join(part).join(class)).unwrap();
            for at in 0..PER_CLASS {
                write_picture(&image(folder.path(), part, class, at), number);
                number += 1;
            }
        }
    }
    folder
}

fn rename_class(root: &Path) {
    for part in ["train", "test"] {
        let part = root.join("photos").join(part);
        fs::rename(part.join("deer"), part.join("doe")).unwrap();
    }
}

fn swap(one: &Path, other: &Path) {
    let between = one.with_extension("between");
    fs::rename(one, &between).unwrap();
    fs::rename(other, one).unwrap();
    fs::rename(between, other).unwrap();
}

type Change = (&'static str, fn(&Path), &'static str);

/// Each change of a dataset, with what is said of it.
const CHANGES: [Change; 6] = [
    (
        "class renamed",
        rename_class,
        "train images are others than before: class 1 was `deer` and is `doe`",
    ),
    (
        "image removed",
        |root| fs::remove_file(image(root, "train", "deer", 5)).unwrap(),
        "train images are others than before: there were 36 images and are 35; the first other one \
         is image 17, `deer/06.png` after `deer/04.png`",
    ),
    (
        "images swapped",
        |root| swap(&image(root, "train", "ant", 3), &image(root, "train", "dog", 4)),
        "train images are others than before: image 3, `ant/03.png`, has another picture or label",
    ),
    (
        "another test part",
        |root| write_picture(&image(root, "test", "dog", 11), 999),
        "test images are others than before: image 35, `dog/11.png`, has another picture or label",
    ),
    (
        "test part grown",
        |root| write_picture(&image(root, "test", "ant", 12), 999),
        "test images are others than before: there were 36 images and are 37; the first other one \
         is image 12, `ant/12.png` after `ant/11.png`",
    ),
    (
        "dataset grown",
        |root| {
            for number in PER_CLASS..PER_CLASS + 20 {
                write_picture(&image(root, "train", "dog", number), 1000 + number);
            }
        },
        "train images are others than before: there were 36 images and are 56; the first other one \
         is image 36, `dog/12.png` after `dog/11.png`",
    ),
];

fn begin(root: &Path) -> CommandOutcome {
    run_in(root, "train tiny.toml --data photos --out run --max-steps 3").success()
}

#[test]
fn a_run_does_not_go_on_with_other_images() {
    for (what, change, expected) in CHANGES {
        let folder = folder();
        let root = folder.path();
        begin(root);
        change(root);
        for line in ["train --resume run", "train tiny.toml --data photos --out run --resume auto"]
        {
            let refused = run_in(root, line);
            let message = refused.bad_input();
            assert!(
                message.starts_with("run: the ") && message.contains(expected),
                "{what}: {message}"
            );
            assert!(refused.stderr.contains("hint: `--set data.accept_changes=true`"), "{what}");
        }
        // A class that the model does not know by this name is no question of acceptance.
        let accepted = "train --resume run --set data.accept_changes=true --json";
        let accepted = run_in(root, accepted).success();
        assert_eq!(accepted.json()["outcome"], "finished", "{what}");
        assert!(accepted.stderr.contains(expected), "{what}: {}", accepted.stderr);
        let log = fs::read_to_string(root.join("run/log.txt")).unwrap();
        assert!(log.contains(expected), "{what}: {log}");
        // What was accepted is what the run is known by from then on.
        run_in(root, "train --resume run").success();
    }
}

#[test]
fn a_dataset_may_move() {
    let folder = folder();
    let root = folder.path();
    begin(root);
    fs::rename(root.join("photos"), root.join("elsewhere")).unwrap();
    run_in(root, "train --resume run --set data.source=elsewhere --max-steps 5").success();
}

#[test]
fn a_grid_is_of_one_dataset() {
    let folder = folder();
    let root = folder.path();
    let line = "train tiny.toml --data photos --grid seed=0,1 --out grid --set train.epochs=1";
    run_in(root, line).success();
    write_picture(&image(root, "train", "ant", 0), 999);
    let refused = run_in(root, line);
    let expected = "grid/seed=0: the train images are others than before: image 0, `ant/00.png`";
    assert!(refused.bad_input().starts_with(expected), "{}", refused.stderr);
    run_in(root, &format!("{line} --set data.accept_changes=true")).success();
}

#[test]
fn an_evaluation_says_when_its_images_are_not_those_of_the_run() {
    let folder = folder();
    let root = folder.path();
    begin(root);
    let eval = |line: &str| run_in(root, line).success();
    let before = eval("eval run --json");
    assert_eq!(before.json()["data_changed"], false);
    assert_eq!(eval("eval run --split train --json").json()["data_changed"], false);
    let named = eval("eval run --data photos --json").json();
    assert_eq!(named["data_changed"], serde_json::Value::Null);
    assert_eq!(named["data_fingerprint"], before.json()["data_fingerprint"]);
    let verified = run_in(root, "data verify photos --split test --json").success().json();
    assert_eq!(verified["fingerprint"], before.json()["data_fingerprint"]);

    write_picture(&image(root, "test", "dog", 0), 999);
    let after = eval("eval run --json");
    assert_eq!(after.json()["data_changed"], true);
    assert_ne!(after.json()["data_fingerprint"], before.json()["data_fingerprint"]);
    let expected = "test images are others than those of run: image 24, `dog/00.png`";
    assert!(after.stderr.contains(expected), "{}", after.stderr);
}

#[test]
fn attacks_and_searches_do_not_go_on_with_other_images() {
    let folder = folder();
    let root = folder.path();
    begin(root);
    let attack = "attack one-pixel run --images 2 --population 8 --generations 1 --untargeted \
                  --set misclassified=attack --out attack";
    run_in(root, attack).success();
    run_in(root, "attack one-pixel --resume attack --images 3").success();
    let changed = image(root, "test", "ant", 1);
    write_picture(&changed, 999);
    let refused = run_in(root, "attack one-pixel --resume attack --images 4");
    let expected = "attack: the attacked images are others than before: image 1, `ant/01.png`";
    assert!(refused.bad_input().starts_with(expected), "{}", refused.stderr);
    assert!(refused.stderr.contains("hint: put them back"), "{}", refused.stderr);
}

#[test]
fn a_record_that_is_missing_or_damaged() {
    let folder = folder();
    let root = folder.path();
    begin(root);
    let record = root.join("run/data.json");
    fs::write(&record, "{").unwrap();
    let refused = run_in(root, "train --resume run");
    assert!(refused.bad_input().contains("data.json: "), "{}", refused.stderr);
    fs::remove_file(&record).unwrap();
    let refused = run_in(root, "train --resume run");
    assert!(refused.bad_input().contains("data.json: missing"), "{}", refused.stderr);
    run_in(root, "train --resume run --max-steps 4 --set data.accept_changes=true").success();
    assert!(record.exists());
    // Runs that were begun before records were kept have none; they get one.
    fs::remove_file(&record).unwrap();
    let recipe = root.join("run/recipe.toml");
    let text = fs::read_to_string(&recipe).unwrap();
    let earlier = text.lines().filter(|line| !line.starts_with("# The run's own"));
    fs::write(&recipe, earlier.collect::<Vec<_>>().join("\n")).unwrap();
    run_in(root, "train --resume run --max-steps 5").success();
    assert!(record.exists());
}

#[test]
fn weights_of_other_classes_need_a_new_head() {
    let folder = folder();
    let root = folder.path();
    begin(root);
    rename_class(root);
    let line = "train tiny.toml --pretrained run --data photos --max-steps 2";
    let refused = run_in(root, &format!("{line} --out refused"));
    let expected = "has a classifier for other classes: `deer` where the dataset has `doe`";
    assert!(refused.bad_input().contains(expected), "{}", refused.stderr);
    assert!(refused.stderr.contains("hint: --reset-head"), "{}", refused.stderr);
    assert!(!root.join("refused").exists());
    run_in(root, &format!("{line} --out again --reset-head")).success();
}
