//! JPEG files that other tools trip over: all commands read the same ones and refuse the same ones.

use crate::support::run_in;
use crate::tiny;
use std::fs;
use std::path::Path;

/// Files that users of other projects have reported, of which one is damaged.
const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../ocelli-data/tests/jpeg_cases");
const DAMAGED: &str = "cut_in_half_with_end_mark.jpg";

/// Copies them to `photos/CLASS` and returns their paths.
fn copy_cases(root: &Path) -> Vec<String> {
    let mut paths = Vec::new();
    for (number, file) in fs::read_dir(CASES).unwrap().enumerate() {
        let file = file.unwrap().path();
        if file.extension().is_some_and(|extension| extension == "jpg") {
            let class = ["cat", "dog"][number % 2];
            fs::create_dir_all(root.join("photos").join(class)).unwrap();
            let path = format!("photos/{class}/{}", file.file_name().unwrap().display());
            fs::copy(&file, root.join(&path)).unwrap();
            paths.push(path);
        }
    }
    paths
}

#[test]
fn what_is_verified_is_predicted_and_trained_on() {
    let folder = tiny::folder();
    let root = folder.path();
    let paths = copy_cases(root);
    assert_eq!(paths.len(), 8);

    let outcome = run_in(root, "data verify photos --json");
    assert_eq!(outcome.code, Some(3));
    let corrupt = outcome.json()["corrupt"].take();
    assert_eq!(corrupt.as_array().unwrap().len(), 1, "{corrupt}");
    let message = corrupt[0].to_string();
    assert!(message.contains(DAMAGED) && message.contains("ends too early"), "{message}");

    run_in(root, "train tiny.toml --out run --max-steps 1").success();
    let outcome = run_in(root, &format!("predict run {}", paths.join(" ")));
    assert!(outcome.bad_input().contains("1 of 8 images"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains(DAMAGED), "{}", outcome.stderr);

    // Small crops, of which most would end before the damage.
    let recipe = "[model]\nname = \"resnet20_cifar\"\n\
                  [data]\nsource = \"photos\"\ntest = \"photos\"\n\
                  [input]\nsize = 16\n\
                  [augment.crop.random_resized]\nscale = [0.05, 0.2]\n\
                  [train]\nepochs = 4\nbatch_size = 2\n";
    fs::write(root.join("photos.toml"), recipe).unwrap();
    let refused = run_in(root, "train photos.toml --out refused");
    assert!(refused.bad_input().contains(DAMAGED), "{}", refused.stderr);
    let damaged = paths.iter().find(|path| path.ends_with(DAMAGED)).unwrap();
    fs::remove_file(root.join(damaged)).unwrap();
    run_in(root, "train photos.toml --out run2").success();
    run_in(root, "data verify photos").success();
}
