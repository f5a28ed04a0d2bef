//! Networks and trainings that cannot be: refused by field, before anything is begun.

use crate::support::run_in;
use crate::tiny;
use std::path::Path;

#[track_caller]
fn assert_refused(folder: &Path, set: &str, expected: &str) {
    let outcome = run_in(folder, &format!("train tiny.toml --out run --max-steps 1 {set}"));
    assert!(outcome.bad_input().contains(expected), "{set}: `{expected}` in: {}", outcome.stderr);
    assert!(!folder.join("run").exists(), "{set}: nothing is begun");
}

#[test]
fn ghost_modules_that_cannot_be_are_refused_by_field() {
    let folder = tiny::folder();
    for (set, expected) in [
        ("model.ghost.ratio=0", "`ghost.ratio`: 0 is not possible, expected 1 to 64"),
        ("model.ghost.ratio=65", "`ghost.ratio`: 65 is not possible, expected 1 to 64"),
        ("model.ghost.ratio=-2", "`model.ghost.ratio` is -2, expected"),
        ("model.ghost.ratio=2.5", "`model.ghost.ratio` is 2.5, expected"),
        ("model.ghost.ratio=17", "expected at most 16, the channels of `layer1.0.conv1`"),
        ("model.ghost.cheap_kernel=0", "`ghost.cheap_kernel`: 0 is not possible, expected an odd"),
        ("model.ghost.cheap_kernel=4", "`ghost.cheap_kernel`: 4 is not possible, expected an odd"),
        ("model.ghost.cheap_kernel=33", "`ghost.cheap_kernel`: 33 is not possible"),
        ("model.ghost.keep=[\"[\"]", "`[` is not a pattern"),
        ("model.ghost.ration=2", "did you mean `model.ghost.ratio`?"),
    ] {
        assert_refused(folder.path(), &format!("--set {set}"), expected);
    }
}

#[test]
fn channels_and_classes_that_cannot_be_are_refused() {
    let folder = tiny::folder();
    for (set, expected) in [
        ("input.channels=0", "`input.channels` is 0, expected 1 (grey) or 3 (colour)"),
        ("input.channels=2", "`input.channels` is 2, expected 1 (grey) or 3 (colour)"),
        ("input.channels=300", "`input.channels` is 300, expected"),
        ("model.dropout=1", "`model.dropout` is 1, expected 0 to below 1"),
    ] {
        assert_refused(folder.path(), &format!("--set {set}"), expected);
    }
    for (line, expected) in [
        ("cost ghostnet_100 --classes 0", "`num_classes`: 0 is not possible, expected 1 to"),
        ("cost vgg16_cifar --size 16", "cannot take an input of shape"),
    ] {
        let outcome = run_in(folder.path(), line);
        assert!(outcome.bad_input().contains(expected), "{line}: {}", outcome.stderr);
    }
}

#[test]
fn growth_under_the_stride_of_the_network_or_without_stages_is_refused() {
    let folder = tiny::folder();
    let growth = |set: &str| format!("--set progressive.size=[4,8] --set {set}");
    for (set, expected) in [
        (
            "progressive.size=[3,8]",
            "`progressive.size` is 3, expected at least 4 pixels, the stride",
        ),
        ("progressive.size=[8,2]", "at least 4 pixels, the stride of resnet20_cifar"),
        ("progressive.size=[0,8]", "`progressive.size` is 0, expected 1 or more pixels"),
        ("progressive.size=[8]", "`progressive.size` is"),
        ("progressive.stages=0", "`progressive.stages` is 0, expected 1 to 64"),
        ("progressive.dropout=[0.1,1.5]", "`progressive.dropout` is 1.5, expected 0 to below 1"),
        ("progressive.preset=fast", "`progressive.preset` is"),
    ] {
        assert_refused(folder.path(), &growth(set), expected);
    }
    let small = "train tiny.toml --out run --max-steps 1 --set progressive.size=[4,8]";
    run_in(folder.path(), small).success();
}

#[test]
fn a_part_that_cannot_be_is_refused() {
    let folder = tiny::folder();
    for (set, expected) in [
        ("data.hold_out=0", "`data.hold_out` is 0, expected above 0 and below 1"),
        ("data.hold_out=1", "`data.hold_out` is 1, expected above 0 and below 1"),
        ("data.hold_out=all", "`data.hold_out` is"),
        ("data.extra=", "`data.extra` is empty, expected a dataset"),
        ("data.test=", "`data.test` is empty, expected a dataset"),
    ] {
        assert_refused(folder.path(), &format!("--set {set}"), expected);
    }
}

#[test]
fn labels_that_cannot_be_used_are_named_by_line() {
    let folder = tiny::folder();
    let root = folder.path();
    for (text, expected) in [
        ("nobody.png\t1\n", "labels.tsv: it names no image of the dataset"),
        ("images 3\n", "labels.tsv: line 1: expected the name of an image, a tab, and classes"),
        ("a.png\t9\n", "labels.tsv, line 1: class `9` is not one of the 3 in the class list"),
    ] {
        std::fs::write(root.join("labels.tsv"), text).unwrap();
        assert_refused(root, "--set data.labels=labels.tsv", expected);
    }
    assert_refused(root, "--set data.labels=none.tsv", "none.tsv: ");
}
