//! Labels are what they were meant to be, or there is an error.

use crate::support::{CommandOutcome, run_in, tar};
use crate::tiny;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const PIXEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/images/pixel.png");
/// For trainings on fewer images than a batch of `tiny.toml` has.
const SMALL_BATCHES: &str = "--set train.batch_size=2";
const TARS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../ocelli-data/tests/fixtures/tar");

/// Copies of an image at these paths.
fn images(root: &Path, paths: &[&str]) {
    for name in paths {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(PIXEL, path).unwrap();
    }
}

/// How many images each class has.
fn counts(outcome: CommandOutcome) -> Vec<(String, u64)> {
    let json = outcome.success().json();
    let class = |class: &Value| {
        (class["name"].as_str().unwrap().to_owned(), class["samples"].as_u64().unwrap())
    };
    json["classes"].as_array().unwrap().iter().map(class).collect()
}

fn names(outcome: CommandOutcome) -> Vec<String> {
    counts(outcome).into_iter().map(|(name, _)| name).collect()
}

/// How many lines of stderr have this in them.
fn told(outcome: &CommandOutcome, text: &str) -> usize {
    outcome.stderr.lines().filter(|line| line.contains(text)).count()
}

#[test]
fn tars_have_the_labels_of_their_members() {
    let folder = TempDir::new().unwrap();
    for (name, expected) in [
        ("pairs_not_adjacent", &[("0", 1), ("1", 1), ("2", 1)][..]),
        ("dots_in_names", &[("0", 1), ("1", 1), ("2", 1)]),
        ("label_and_metadata", &[("0", 2), ("1", 1)]),
        ("label_and_list_json", &[("0", 2), ("1", 1)]),
        ("class_folders_with_captions", &[("cock", 1), ("fish", 2)]),
    ] {
        let line = format!("data list {TARS}/{name}.tar --json");
        let expected: Vec<(String, u64)> =
            expected.iter().map(|(class, count)| ((*class).to_owned(), *count)).collect();
        assert_eq!(counts(run_in(folder.path(), &line)), expected, "{name}");
        let line = format!("data verify {TARS}/{name}.tar --json");
        assert_eq!(run_in(folder.path(), &line).success().json()["samples"], 3, "{name}");
    }
}

#[test]
fn what_does_not_pair_is_named_with_the_layouts_to_choose_from() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    fs::write(root.join("1.cls"), "1").unwrap();
    let label = root.join("1.cls");
    let members = [("s/0.png", PIXEL), ("s/1.cls", label.to_str().unwrap())];
    fs::write(root.join("apart.tar"), tar(&members)).unwrap();
    let outcome = run_in(root, "data list apart.tar");
    assert_eq!(
        outcome.bad_input(),
        "apart.tar, s/0.png: no label for the image; expected a .cls, .json or .txt member of its key"
    );
    let hint = outcome.stderr.lines().last().unwrap();
    assert!(hint.contains("wds:FILE.tar") && hint.contains("tar:FILE.tar"), "{hint}");
    assert_eq!(names(run_in(root, "data list tar:apart.tar --json")), ["s"]);
}

#[test]
fn a_dataset_of_one_class_is_refused_unless_it_is_meant() {
    let folder = tiny::folder();
    let root = folder.path();
    images(root, &["photos/train/data/1.png", "photos/train/data/2.png", "photos/test/data/3.png"]);
    let message = "photos: all images are of one class, `data`";
    for line in [
        "train tiny.toml --data photos --out refused",
        "train tiny.toml --data photos --set data.hold_out=0.5 --out refused",
        "search --data photos --out refused",
    ] {
        let outcome = run_in(root, line);
        assert!(outcome.bad_input().ends_with(message), "{line}: {}", outcome.stderr);
        assert!(outcome.stderr.contains("--one-class"), "{}", outcome.stderr);
        assert!(!root.join("refused").exists(), "{line}");
    }
    assert_eq!(names(run_in(root, "data list photos --json")), ["data"]);
    run_in(root, "data verify photos").success();

    run_in(root, "train tiny.toml --out run").success();
    // That the network knows three classes decides; the dataset may lack some of them.
    images(root, &["zeros/0/1.png"]);
    let json = run_in(root, "eval run --data zeros --json").success().json();
    assert_eq!(json["samples"], 1);
    // Weights that know no names leave it to the dataset to say what its classes are.
    let line = "train tiny.toml --data photos --one-class --max-steps 1 --out one";
    run_in(root, &format!("{line} {SMALL_BATCHES}")).success();
    run_in(root, "eval one --json").success();
    run_in(root, "train --resume one").success();
    let file = "checkpoints/step-1/model.safetensors";
    let weights = root.join("one").join(file);
    assert!(weights.is_file());
    fs::copy(weights, root.join("one.safetensors")).unwrap();
    let line = "eval one.safetensors --data photos";
    assert_eq!(run_in(root, line).bad_input(), message);
    run_in(root, &format!("{line} --one-class")).success();
}

/// Twelve class folders whose numbers are in another order as text.
fn numbered(root: &Path, dataset: &str) {
    for class in 0..12 {
        for part in ["train", "test"] {
            images(root, &[&format!("{dataset}/{part}/{class}/1.png")]);
        }
    }
}

#[test]
fn the_order_of_numbered_classes_is_told_and_can_be_chosen() {
    const REMARK: &str =
        "classes are in the order 0, 1, 10, …; --class-order number for 0, 1, 2, …";
    let folder = tiny::folder();
    let root = folder.path();
    numbered(root, "digits");
    let as_text = ["0", "1", "10", "11", "2", "3", "4", "5", "6", "7", "8", "9"];
    let as_numbers = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"];
    let listed = run_in(root, "data list digits --json");
    assert_eq!(told(&listed, REMARK), 1);
    assert_eq!(names(listed), as_text);
    let listed = run_in(root, "data list digits --class-order number --json");
    assert_eq!(told(&listed, "classes are in"), 0);
    assert_eq!(names(listed), as_numbers);

    let train = "train tiny.toml --data digits --max-steps 1";
    for (out, more, order, expected) in [
        ("text", "", "text", as_text),
        ("number", "--class-order number", "number", as_numbers),
        (
            "held",
            "--class-order number --set data.hold_out=0.5 --data digits/train",
            "number",
            as_numbers,
        ),
    ] {
        if out == "held" {
            // One image of each class is too few to hold any out.
            (0..12).for_each(|class| images(root, &[&format!("digits/train/{class}/2.png")]));
        }
        let line = match more.split_once("--data") {
            Some((more, data)) => format!("train tiny.toml --max-steps 1 --data{data} {more}"),
            None => format!("{train} {more}"),
        };
        let trained = run_in(root, &format!("{line} --out {out}")).success();
        assert_eq!(told(&trained, REMARK), usize::from(order == "text"), "{}", trained.stderr);
        let recipe = fs::read_to_string(root.join(out).join("recipe.toml")).unwrap();
        assert!(recipe.contains(&format!("class_order = \"{order}\"")), "{recipe}");
        // The network knows its classes by name, in whatever order they are.
        let eval = run_in(root, &format!("eval {out} --json")).success();
        assert_eq!(told(&eval, "classes are in"), 0, "{}", eval.stderr);
        let classes = eval.json()["per_class"].as_array().unwrap().clone();
        let classes: Vec<&str> = classes.iter().map(|it| it["class"].as_str().unwrap()).collect();
        assert_eq!(classes, expected);
    }
    let other = run_in(root, "train --resume number --class-order text");
    assert!(other.bad_input().contains("data.class_order"), "{}", other.stderr);
    let again = run_in(root, &format!("{train} --out number --resume auto"));
    assert!(again.bad_input().contains("begun with another recipe"), "{}", again.stderr);
}

#[test]
fn files_that_are_no_images_are_told_once_and_counted() {
    let folder = tiny::folder();
    let root = folder.path();
    for part in ["train", "test"] {
        for class in ["s1", "s2"] {
            let class = root.join("faces").join(part).join(class);
            images(&class, &["1.png", "2.png"]);
            fs::write(class.join("a.xml"), "").unwrap();
            fs::write(class.join("b.xml"), "").unwrap();
            fs::write(class.join(".hidden"), "").unwrap();
        }
    }
    let remark = "4 files that are no images, as in s1/a.xml";
    for (line, count) in [
        ("data list faces --json", 4),
        ("data verify faces --split test --json", 4),
        (
            &format!("train tiny.toml --data faces --max-steps 1 {SMALL_BATCHES} --out run --json"),
            8,
        ),
    ] {
        let outcome = run_in(root, line);
        let parts = if count == 8 { 2 } else { 1 };
        assert_eq!(told(&outcome, remark), parts, "{line}: once a part: {}", outcome.stderr);
        assert_eq!(outcome.success().json()["not_images"], count, "{line}");
    }
    let line = "train tiny.toml --data faces/train --set data.hold_out=0.5 --out held --dry-run";
    assert_eq!(told(&run_in(root, line).success(), remark), 1);
}

#[test]
fn the_part_that_is_tested_on_is_told_where_it_is_not_called_so() {
    let folder = tiny::folder();
    let root = folder.path();
    for part in ["train", "dev", "val"] {
        images(root, &[&format!("photos/{part}/cat/1.png"), &format!("photos/{part}/dog/1.png")]);
    }
    let line = format!("train tiny.toml --data photos --max-steps 1 {SMALL_BATCHES} --out");
    let both = run_in(root, &format!("{line} both")).success();
    let remark = "photos: `val` is the test part; `dev` beside it is not used";
    assert_eq!(told(&both, remark), 1, "{}", both.stderr);
    for name in ["val", "validation", "valid", "dev"] {
        fs::remove_dir_all(root.join("photos/dev")).ok();
        fs::rename(root.join("photos/val"), root.join("photos").join(name)).unwrap();
        let outcome = run_in(root, &format!("{line} {name} --json"));
        let remark = format!("photos: `{name}` is the test part");
        assert_eq!(told(&outcome, &remark), 1, "{}", outcome.stderr);
        assert_eq!(outcome.success().json()["samples"], 2);
        fs::rename(root.join("photos").join(name), root.join("photos/val")).unwrap();
    }
    fs::rename(root.join("photos/val"), root.join("photos/test")).unwrap();
    let outcome = run_in(root, &format!("{line} test")).success();
    assert_eq!(told(&outcome, "test part"), 0, "{}", outcome.stderr);
}

#[test]
fn lists_of_classes_come_in_many_shapes() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, "train tiny.toml --max-steps 1 --out run").success();
    fs::copy(root.join("run/checkpoints/step-1/model.safetensors"), root.join("w.safetensors"))
        .unwrap();
    fs::copy(PIXEL, root.join("pixel.png")).unwrap();
    let printed = |list: &str| -> Vec<String> {
        fs::write(root.join("names.txt"), list).unwrap();
        let line = "predict w.safetensors pixel.png --classes names.txt --json";
        let json = run_in(root, line).success().json();
        let mut top = json["predictions"][0]["top"].as_array().unwrap().clone();
        top.sort_by_key(|guess| guess["class"].as_u64());
        top.iter().map(|guess| guess["name"].as_str().unwrap().to_owned()).collect()
    };
    for list in [
        "ant\nbee\ncrane\n",
        "\u{feff}ant\r\nbee\r\ncrane\r\n",
        "0\tant\n1\tbee\n2\tcrane\n",
        "\u{feff}0,ant\r\n1,bee\r\n2,crane\r\n",
        "0\tant\tinsect\n1\tbee\tinsect\n2\tcrane\tbird\n",
        "label,name\n0,ant\n1,bee\n2,crane\n",
    ] {
        assert_eq!(printed(list), ["ant", "bee", "crane"], "{list:?}");
    }
    assert_eq!(printed("crane\nbee\ncrane\n"), ["crane", "bee", "crane"]);

    images(root, &["birds/bee/1.png", "birds/crane/1.png"]);
    let outcome = run_in(root, "eval w.safetensors --data birds --classes names.txt");
    let message = outcome.bad_input();
    assert!(message.contains("`crane` is label 0 and label 2 of the class list"), "{message}");
    // Labels that are numbers are not matched.
    run_in(root, "eval w.safetensors --data idx:tiny --classes names.txt").success();
}

#[cfg(unix)]
#[test]
fn a_class_that_is_a_link_to_nothing_does_not_vanish() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    images(root, &["photos/cat/1.png", "photos/dog/1.png"]);
    std::os::unix::fs::symlink("../birds", root.join("photos/bird")).unwrap();
    let outcome = run_in(root, "data list photos");
    let message = outcome.bad_input();
    assert!(
        message.starts_with("photos/bird: a symbolic link that cannot be followed"),
        "{message}"
    );

    let mut archive = ::tar::Builder::new(Vec::new());
    archive.follow_symlinks(false);
    archive.append_dir_all(".", root.join("photos")).unwrap();
    fs::write(root.join("photos.tar"), archive.into_inner().unwrap()).unwrap();
    let outcome = run_in(root, "data list photos.tar");
    let message = outcome.bad_input();
    assert!(message.contains("bird` is a symbolic link; expected the file itself"), "{message}");
    assert!(outcome.stderr.contains("--dereference"), "{}", outcome.stderr);
}

#[test]
fn a_packed_tar_is_told_what_to_do_with() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("photos.tar.gz"), [0x1f, 0x8b, 8, 0, 0, 0, 0, 0]).unwrap();
    let outcome = run_in(folder.path(), "data list photos.tar.gz");
    assert_eq!(
        outcome.bad_input(),
        "photos.tar.gz: a tar compressed by gzip, in which no member can be read by itself"
    );
    assert!(outcome.stderr.contains("hint: unpack it with gunzip"), "{}", outcome.stderr);
}

#[test]
fn a_dataset_without_folders_has_no_other_files() {
    let listed = run_in(TempDir::new().unwrap().path(), "data list builtin:fashion-mnist --json");
    assert_eq!(listed.success().json()["not_images"], json!(0));
}
