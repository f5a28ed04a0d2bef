use super::*;

fn error_of(files: &[(&str, &str)]) -> Error {
    TarSource::from_bytes("x.tar", tar(files), Some(TarLayout::WebDataset)).unwrap_err()
}

#[test]
fn numbers_in_cls_members_are_labels() {
    let source = open(tar(&[
        ("s/000.jpg", "zero"),
        ("s/000.cls", "2"),
        ("s/001.cls", " 0\n"),
        ("s/001.png", "one"),
        ("s/001.seg.npz", "other data"),
    ]));
    let source = source.unwrap();
    assert_eq!(source.classes(), ["0", "1", "2"]);
    assert_eq!(samples(&source), pairs(&[("2", "zero"), ("0", "one")]));
    assert_eq!(source.name(1).unwrap(), "x.tar, s/001.png");
}

#[test]
fn names_in_txt_members_are_sorted_into_labels() {
    let files = [("0.jpg", "a"), ("0.txt", "dog\n"), ("1.webp", "b"), ("1.txt", "cat")];
    let source = open(tar(&files)).unwrap();
    assert_eq!(source.classes(), ["cat", "dog"]);
    assert_eq!(samples(&source), pairs(&[("dog", "a"), ("cat", "b")]));
}

#[test]
fn json_members_have_a_label_field() {
    let files = [("0.jpg", "a"), ("0.json", r#"{"label": 1, "width": 5}"#)];
    assert_eq!(samples(&open(tar(&files)).unwrap()), pairs(&[("1", "a")]));
    let names = [("0.jpg", "a"), ("0.json", r#"{"cls": "dog"}"#)];
    assert_eq!(samples(&open(tar(&names)).unwrap()), pairs(&[("dog", "a")]));
}

#[test]
fn cls_is_preferred_to_json_and_json_to_txt() {
    let files = [
        ("0.jpg", "a"),
        ("0.txt", "a caption"),
        ("0.json", r#"{"label": 0}"#),
        ("0.cls", "1"),
        ("1.json", r#"{"label": 0}"#),
        ("1.txt", "a caption"),
        ("1.jpg", "b"),
    ];
    assert_eq!(samples(&open(tar(&files)).unwrap()), pairs(&[("1", "a"), ("0", "b")]));
}

#[test]
fn a_class_list_names_numbers_and_bounds_them() {
    let shard = tar(&[("0.jpg", "a"), ("0.cls", "1")]);
    let list = ["cat", "dog"].map(str::to_owned);
    let source = open_shards(std::slice::from_ref(&shard), Some(&list)).unwrap();
    assert_eq!(source.classes(), list);
    let error = open_shards(&[shard], Some(&list[..1])).unwrap_err();
    assert!(matches!(error, Error::LabelOutOfRange { label: 1, classes: 1, .. }), "{error}");
}

#[test]
fn shards_share_their_classes() {
    let shard = |key: &str, class: &str| {
        tar(&[(&format!("{key}.png"), key), (&format!("{key}.txt"), class)])
    };
    let source = open_shards(&[shard("0", "dog"), shard("1", "ant")], None).unwrap();
    assert_eq!(source.classes(), ["ant", "dog"]);
    assert_eq!((source.label(0).unwrap(), source.label(1).unwrap()), (Some(1), Some(0)));

    let numbered = tar(&[("2.png", ""), ("2.cls", "0")]);
    let error = open_shards(&[shard("0", "dog"), numbered], None).unwrap_err();
    assert!(matches!(error, Error::BadLabel { .. }), "{error}");
}

#[test]
fn an_image_without_a_label_is_an_error() {
    let files = [("0.jpg", ""), ("0.cls", "0"), ("1.jpg", ""), ("2.jpg", ""), ("2.cls", "0")];
    let error = error_of(&files);
    assert!(matches!(&error, Error::MissingLabel { name } if name == "x.tar, 1.jpg"), "{error}");
    let last = error_of(&files[..3]);
    assert!(matches!(last, Error::MissingLabel { .. }), "{last}");
}

#[test]
fn a_label_without_an_image_is_an_error() {
    let error = error_of(&[("0.jpg", ""), ("0.cls", "0"), ("1.cls", "0")]);
    assert_eq!(error.to_string(), "x.tar: the label `1.cls` has no image of its key");
    assert!(error.hint().is_some_and(|hint| hint.contains("wds:") && hint.contains("tar:")));
}

#[test]
fn two_images_or_two_labels_of_one_key_are_an_error() {
    for files in [
        [("0.jpg", ""), ("0.png", ""), ("0.cls", "0")],
        [("0.jpg", ""), ("0.cls", "0"), ("0.cls", "0")],
    ] {
        assert!(matches!(error_of(&files), Error::DuplicateMember { .. }));
    }
}

#[test]
fn labels_that_make_no_sense_are_an_error() {
    let huge = (1_u64 << 40).to_string();
    for (extension, content) in [
        ("cls", ""),
        ("cls", "cat"),
        ("cls", "-1"),
        ("cls", "1.5"),
        ("cls", &huge),
        ("json", "{"),
        ("json", "{}"),
        ("json", r#"{"label": -1}"#),
        ("json", r#"{"label": [1]}"#),
        ("json", r#"{"label": 1048576}"#),
        ("txt", " \n"),
    ] {
        let error = error_of(&[("0.jpg", ""), (&format!("0.{extension}"), content)]);
        let Error::BadLabel { name, .. } = &error else { panic!("{extension} {content}: {error}") };
        assert_eq!(*name, format!("x.tar, 0.{extension}"));
    }
}

#[test]
fn numbers_and_names_do_not_mix() {
    let error = error_of(&[("0.jpg", ""), ("0.cls", "0"), ("1.jpg", ""), ("1.txt", "cat")]);
    assert!(matches!(error, Error::BadLabel { .. }), "{error}");
}

#[test]
fn a_huge_label_member_is_an_error() {
    let content = "1".repeat((1 << 20) + 1);
    assert!(matches!(error_of(&[("0.jpg", ""), ("0.cls", &content)]), Error::TooLarge { .. }));
}
