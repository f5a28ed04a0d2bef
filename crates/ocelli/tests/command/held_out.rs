//! Training images that are held out, to choose settings by.

use crate::support::run_in;
use crate::tiny;
use std::fs;

#[test]
fn settings_are_chosen_by_training_images_that_are_held_out() {
    let folder = tiny::folder();
    let root = folder.path();
    // Not even opened: only the training part is there.
    for file in ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"] {
        fs::remove_file(root.join("tiny").join(file)).unwrap();
    }
    let line = "train tiny.toml --set data.hold_out=0.25 --out run --json";
    let answer = run_in(root, line).success().json();
    assert_eq!(answer["samples"], 24, "a quarter of 96");
    assert_eq!(answer["steps"], 9 * tiny::EPOCHS, "the rest in batches of 8");
    let other = run_in(root, "train --resume run --set data.hold_out=0.5");
    assert!(other.bad_input().contains("data.hold_out 0.25, now it is 0.5"), "{}", other.stderr);
    let other = run_in(root, "train tiny.toml --out run --resume auto --set data.hold_out=0.5");
    assert!(other.bad_input().contains("begun with another recipe"), "{}", other.stderr);
}
