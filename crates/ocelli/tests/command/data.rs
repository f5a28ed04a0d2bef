//! `data list`, `data verify` and `data index`.

use crate::support::{run, run_in};
use insta::assert_snapshot;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A PNG of one grey pixel.
const PIXEL: &[u8] = include_bytes!("../images/pixel.png");

/// A folder `photos` with `count` images in each of the classes `cat` and `dog`.
fn photos(folder: &Path, count: usize) {
    for class in ["cat", "dog"] {
        let class = folder.join("photos").join(class);
        fs::create_dir_all(&class).unwrap();
        for number in 0..count {
            fs::write(class.join(format!("{number}.png")), PIXEL).unwrap();
        }
    }
}

#[test]
fn the_embedded_images_are_listed() {
    let content = run("data list builtin:fashion-mnist --split test --json").success().json();
    assert_eq!(content["samples"], 2000);
    assert_eq!(content["classes"][9]["name"], "Ankle boot");
    assert_eq!(content["classes"][9]["samples"], 200);
    assert!(run("data list").success().stdout.contains("builtin:fashion-mnist"));
}

#[test]
fn a_folder_is_listed_and_verified() {
    let folder = TempDir::new().unwrap();
    photos(folder.path(), 3);
    assert_snapshot!("data_list", run_in(folder.path(), "data list photos").snapshot());
    let report = run_in(folder.path(), "data verify photos --json").success().json();
    assert_eq!(report["samples"], 6);
    assert_eq!(report["corrupt"], serde_json::json!([]));
}

#[test]
fn corrupt_images_are_listed_and_end_as_bad_input() {
    let folder = TempDir::new().unwrap();
    photos(folder.path(), 3);
    fs::write(folder.path().join("photos/cat/1.png"), &PIXEL[..40]).unwrap();
    fs::write(folder.path().join("photos/dog/0.png"), b"GIF89a").unwrap();
    assert_snapshot!("data_verify_corrupt", run_in(folder.path(), "data verify photos").snapshot());
    let outcome = run_in(folder.path(), "data verify photos --json");
    assert_eq!(outcome.code, Some(3));
    let corrupt = outcome.json()["corrupt"].take();
    assert_eq!((corrupt[0]["index"].as_u64(), corrupt[1]["index"].as_u64()), (Some(1), Some(3)));
}

#[test]
fn only_tars_have_an_index() {
    let folder = TempDir::new().unwrap();
    photos(folder.path(), 1);
    let message = run_in(folder.path(), "data index photos").bad_input().to_owned();
    assert!(message.contains("photos"), "{message}");
}
