//! Which layout a tar has.

use super::*;

/// The classes of a tar without a scheme, in their order.
fn classes(files: &[(&str, &str)]) -> Vec<String> {
    open(tar(files)).unwrap().classes().to_vec()
}

#[test]
fn text_beside_images_in_class_folders_is_no_label() {
    for (name, content) in [
        ("txt", "a cat on a mat"),
        ("txt", "0 0.5 0.5 0.1 0.2\n3 0.1 0.1 0.2 0.2\n"),
        ("txt", ""),
        ("json", r#"{"width": 4, "height": 5}"#),
        ("json", r#"{"label": null}"#),
        ("json", r#"{"shapes": [{"label": "cat"}]}"#),
        ("json", "[1, 2]"),
        ("json", "not JSON"),
        ("json", ""),
        ("xml", "<annotation/>"),
    ] {
        let (one, two) = (format!("cat/1.{name}"), format!("dog/2.{name}"));
        let beside = [("cat/1.jpg", "a"), (&*one, content), ("dog/2.jpg", "b"), (&*two, content)];
        assert_eq!(classes(&beside), ["cat", "dog"], "{name}: {content}");
        let separate = [("cat/1.jpg", "a"), ("dog/2.jpg", "b"), (&*one, content), (&*two, content)];
        assert_eq!(classes(&separate), ["cat", "dog"], "{name}: {content}");
    }
}

#[test]
fn the_layout_can_be_forced() {
    let files = [("cat/1.jpg", "a"), ("cat/1.txt", "a cat on a mat")];
    assert_eq!(classes(&files), ["cat"]);
    let layout = Some(TarLayout::WebDataset);
    let source = TarSource::from_bytes("x.tar", tar(&files), layout).unwrap();
    assert_eq!(source.classes(), ["a cat on a mat"]);
    let labelled = tar(&[("cat/1.jpg", "a"), ("cat/1.cls", "3")]);
    let layout = Some(TarLayout::ClassFolders);
    assert_eq!(TarSource::from_bytes("x.tar", labelled, layout).unwrap().classes(), ["cat"]);
}

#[test]
fn a_label_anywhere_makes_a_webdataset() {
    let cls: Vec<(String, String)> = (0..200)
        .map(|at| (format!("s/{at}.jpg"), "image".to_owned()))
        .chain((0..200).map(|at| (format!("s/{at}.cls"), (at % 3).to_string())))
        .collect();
    let json: Vec<(String, String)> = (0..200)
        .map(|at| (format!("s/{at}.jpg"), "image".to_owned()))
        .chain((0..200).map(|at| (format!("s/{at}.json"), format!("{{\"label\": {}}}", at % 3))))
        .collect();
    for files in [cls, json] {
        let files: Vec<(&str, &str)> =
            files.iter().map(|(name, content)| (&**name, &**content)).collect();
        let source = open(tar(&files)).unwrap();
        assert_eq!((source.len(), source.classes().len()), (200, 3));
        for index in 0..200 {
            assert_eq!(source.label(index).unwrap().map(u64::from), Some(index % 3));
        }
    }
}

#[test]
fn names_in_json_may_be_those_of_the_folders() {
    let files = [
        ("b/1.jpg", "one"),
        ("b/1.json", r#"{"label": "b"}"#),
        ("a/2.jpg", "two"),
        ("a/2.json", r#"{"cls": "a"}"#),
    ];
    assert_eq!(samples(&open(tar(&files)).unwrap()), pairs(&[("b", "one"), ("a", "two")]));
}

#[test]
fn json_with_a_label_of_no_image_is_not_asked() {
    let files = [("cat/1.jpg", "a"), ("dog/2.jpg", "b"), ("about.json", r#"{"label": "pets"}"#)];
    assert_eq!(classes(&files), ["cat", "dog"]);
}

#[test]
fn images_in_no_folder_have_their_labels_beside_them() {
    let files = [("0.jpg", "a"), ("1.jpg", "b"), ("0.txt", "dog"), ("1.txt", "cat")];
    assert_eq!(samples(&open(tar(&files)).unwrap()), pairs(&[("dog", "a"), ("cat", "b")]));
}

#[test]
fn one_shard_with_labels_is_enough() {
    let labelled = tar(&[("s/0.jpg", ""), ("s/0.cls", "1")]);
    let bare = tar(&[("s/1.jpg", "")]);
    for shards in [[bare.clone(), labelled.clone()], [labelled, bare]] {
        let error = open_shards(&shards, None).unwrap_err();
        let Error::MissingLabel { name } = &error else { panic!("{error}") };
        assert!(name.ends_with("s/1.jpg"), "{name}");
        assert!(error.hint().is_some_and(|hint| hint.contains("tar:")));
    }
}

#[test]
fn folders_of_other_files_are_classes_without_images_with_or_without_members_of_their_own() {
    let files = [("cat/1.png", ""), ("dog/1.xml", ""), ("dog/2.xml", "")];
    let error = open(tar(&files)).unwrap_err();
    assert!(matches!(&error, Error::EmptyClass { class, .. } if class == "dog"), "{error}");
}

#[test]
fn other_files_of_classes_are_counted() {
    let source = open(tar(&[
        ("README.md", ""),
        ("set/classes.txt", ""),
        ("set/cat/1.png", ""),
        ("set/cat/1.xml", ""),
        ("set/dog/2.png", ""),
        ("set/dog/notes", ""),
        ("set/dog/.hidden", ""),
    ]));
    let expected = NotImages { count: 2, example: Some("cat/1.xml".to_owned()) };
    assert_eq!(source.unwrap().not_images(), expected);
}

#[test]
fn numbered_folders_are_in_the_order_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.tar");
    std::fs::write(&path, tar(&[("10/1.png", ""), ("9/2.png", ""), ("0/3.png", "")])).unwrap();
    let opened = |order| {
        let paths = std::slice::from_ref(&path);
        TarSource::open_in_order(paths, None, None, order, Limits::default()).unwrap()
    };
    assert_eq!(opened(ClassOrder::Text).classes(), ["0", "10", "9"]);
    let numbered = opened(ClassOrder::Number);
    assert_eq!(numbered.classes(), ["0", "9", "10"]);
    assert_eq!(numbered.label(0).unwrap(), Some(2));
}
