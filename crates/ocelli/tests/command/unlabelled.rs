//! `pictures:PATH`: what works on images without labels, and what needs labels and says so.

use crate::support::{run_in, tar};
use crate::tiny;
use std::fs;
use std::path::Path;

/// A PNG of one grey pixel.
const PIXEL: &[u8] = include_bytes!("../images/pixel.png");

/// Pictures in a folder at two depths, and the same in a tar.
fn write_pictures(root: &Path) {
    fs::create_dir_all(root.join("inbox/deep/er")).unwrap();
    for name in ["a.png", "deep/b.png", "deep/er/c.png"] {
        fs::write(root.join("inbox").join(name), PIXEL).unwrap();
    }
    let file = root.join("inbox/a.png");
    let file = file.to_str().unwrap();
    fs::write(root.join("inbox.tar"), tar(&[("x.png", file), ("in/y.png", file)])).unwrap();
}

#[test]
fn pictures_without_labels_are_listed_verified_and_classified() {
    let folder = tiny::folder();
    let root = folder.path();
    write_pictures(root);
    for (uri, samples) in [("pictures:inbox", 3), ("pictures:inbox.tar", 2)] {
        let listed = run_in(root, &format!("data list {uri}")).success().stdout;
        assert_eq!(listed, format!("{samples} images without labels in {uri}\n"));
        let content = run_in(root, &format!("data list {uri} --json")).success().json();
        assert_eq!(
            (content["samples"].as_u64(), content["classes"].as_array().map(Vec::len)),
            (Some(samples), Some(0))
        );
        let verified = run_in(root, &format!("data verify {uri}")).success().stdout;
        assert!(verified.starts_with(&format!("{samples} images without labels, 0 corrupt")));
    }
    run_in(root, "data index pictures:inbox.tar").success();
    run_in(root, "train tiny.toml --out run --max-steps 1").success();
    let line = "predict run pictures:inbox inbox/a.png pictures:inbox.tar --json";
    let json = run_in(root, line).success().json();
    let names: Vec<&str> = (json["predictions"].as_array().unwrap().iter())
        .map(|json| json["image"].as_str().unwrap())
        .collect();
    let inbox = ["inbox/a.png", "inbox/deep/b.png", "inbox/deep/er/c.png", "inbox/a.png"];
    assert_eq!(names[..4], inbox);
    assert_eq!(names[4..], ["inbox.tar, x.png", "inbox.tar, in/y.png"]);
}

#[test]
fn what_needs_labels_says_so_by_the_name_of_the_dataset() {
    let folder = tiny::folder();
    let root = folder.path();
    write_pictures(root);
    run_in(root, "train tiny.toml --out run --max-steps 1").success();
    for line in [
        "train --data pictures:inbox --out other",
        "train --data pictures:inbox --out other --set data.hold_out=0.5",
        "train --data pictures:inbox.tar --out other --dry-run",
        "train --data pictures:inbox --out grid --grid optimizer.lr=0.1,0.2",
        "train tiny.toml --out other --set data.test=pictures:inbox",
        "train tiny.toml --out other --set data.extra=pictures:inbox",
        "search --data pictures:inbox --out other",
        "eval run --data pictures:inbox",
        "attack one-pixel run --data pictures:inbox",
    ] {
        let outcome = run_in(root, line);
        outcome.bad_input();
        let named =
            ["pictures:inbox: pictures without labels", "pictures:inbox.tar: pictures without"];
        let is_named = named.iter().any(|named| outcome.stderr.contains(named));
        assert!(is_named, "{line}: {}", outcome.stderr);
        assert!(outcome.stderr.contains("hint: "), "{line}: {}", outcome.stderr);
    }
}
