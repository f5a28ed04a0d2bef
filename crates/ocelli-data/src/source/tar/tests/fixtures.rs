//! Tars as others make them, with what is right.

use super::*;
use crate::{DecodeOptions, FolderSource};
use ::tar::Archive;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tar").join(name)
}

/// The class of each image by its name, without the folder; every image can be decoded.
fn classes(source: &dyn Source) -> Vec<(String, String)> {
    let class = |index| {
        let record = source.read(index).unwrap();
        let class = source.classes()[record.required_label().unwrap() as usize].clone();
        let name = record.name.rsplit(['/', ' ']).next().unwrap().to_owned();
        record.decode(&DecodeOptions::default()).unwrap();
        (name, class)
    };
    (0..source.len()).map(class).collect()
}

fn opened(name: &str) -> TarSource {
    TarSource::open(&[fixture(name)], None, None, Limits::default()).unwrap()
}

#[test]
fn pairs_that_are_not_adjacent_keep_their_labels() {
    let source = opened("pairs_not_adjacent.tar");
    let expected = pairs(&[("0.jpg", "0"), ("1.jpg", "1"), ("2.jpg", "2")]);
    assert_eq!(classes(&source), expected);
}

#[test]
fn dots_in_names_do_not_mix_samples() {
    let source = opened("dots_in_names.tar");
    let expected = pairs(&[("img_0.50.jpg", "0"), ("img_0.75.jpg", "1"), ("pic_0.25.jpg", "2")]);
    assert_eq!(classes(&source), expected);
}

#[test]
fn captions_leave_class_folders_what_they_are() {
    let source = opened("class_folders_with_captions.tar");
    assert_eq!(source.classes(), ["cock", "fish"]);
    assert_eq!(source.not_images(), NotImages { count: 3, example: Some("cock/2.txt".to_owned()) });
    let expected = pairs(&[("0.jpg", "fish"), ("1.jpg", "fish"), ("2.jpg", "cock")]);
    assert_eq!(classes(&source), expected);
}

#[test]
fn a_tree_has_the_same_classes_packed_and_unpacked() {
    let folder = tempfile::tempdir().unwrap();
    let file = std::fs::File::open(fixture("class_folders_with_captions.tar")).unwrap();
    Archive::new(file).unpack(folder.path()).unwrap();
    let unpacked = FolderSource::open(folder.path(), None, Limits::default()).unwrap();
    let packed = opened("class_folders_with_captions.tar");
    assert_eq!(unpacked.classes(), packed.classes());
    assert_eq!(unpacked.not_images(), packed.not_images());
    let (mut one, mut other) = (classes(&unpacked), classes(&packed));
    one.sort();
    other.sort();
    assert_eq!(one, other);
}

#[test]
fn json_beside_a_cls_may_hold_anything() {
    let expected = pairs(&[("0000.jpg", "0"), ("0001.jpg", "1"), ("0002.jpg", "0")]);
    for name in ["label_and_metadata.tar", "label_and_list_json.tar"] {
        assert_eq!(classes(&opened(name)), expected, "{name}");
    }
}
