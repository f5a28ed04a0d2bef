use super::*;
use crate::Payload;
use std::fs;
use std::path::Path;

/// A folder with files; the content of a `.tar` is made of the members that are named in it.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let is_tar = path.extension().is_some_and(|extension| extension == "tar");
        fs::write(path, if is_tar { tar(content) } else { content.as_bytes().to_vec() }).unwrap();
    }
    root
}

fn tar(members: &str) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for member in members.split_whitespace() {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(1);
        builder.append_data(&mut header, member, b"0".as_slice()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn uri(root: &tempfile::TempDir, template: &str) -> String {
    template.replace("ROOT", root.path().to_str().unwrap())
}

/// The last parts of the names of the samples.
fn names(root: &tempfile::TempDir, template: &str, split: Split) -> Result<Vec<String>> {
    let source = open(&uri(root, template), &OpenOptions::new(split))?;
    let name = |index| {
        let name = source.name(index)?;
        Ok(name.rsplit(['/', ' ']).next().unwrap_or_default().to_owned())
    };
    (0..source.len()).map(name).collect()
}

fn both(root: &tempfile::TempDir, template: &str) -> Result<(u64, u64)> {
    let (train, test) = open_splits(&uri(root, template), &OpenOptions::default())?;
    Ok((train.len(), test.len()))
}

#[test]
fn a_folder_of_class_folders_is_one_part() {
    let root = folder(&[("cat/1.png", ""), ("dog/2.png", "")]);
    for template in ["ROOT", "folder:ROOT"] {
        for split in [Split::Train, Split::Test] {
            assert_eq!(names(&root, template, split).unwrap(), ["1.png", "2.png"]);
        }
        assert!(matches!(both(&root, template), Err(Error::NoSplits { .. })));
    }
}

#[test]
fn folders_called_train_and_test_are_parts() {
    for test in ["test", "val", "validation", "valid", "dev"] {
        let test_file = format!("{test}/cat/2.png");
        let root = folder(&[("train/cat/1.png", ""), ("train/dog/1.png", ""), (&test_file, "")]);
        for template in ["ROOT", "folder:ROOT", "ROOT/{split}", "folder:ROOT/{split}"] {
            assert_eq!(names(&root, template, Split::Train).unwrap(), ["1.png", "1.png"]);
            assert_eq!(names(&root, template, Split::Test).unwrap(), ["2.png"]);
            assert_eq!(both(&root, template).unwrap(), (2, 1), "{template}");
        }
    }
}

#[test]
fn of_several_parts_for_testing_the_first_is_used() {
    let root = folder(&[
        ("train/cat/1.png", ""),
        ("val/cat/2.png", ""),
        ("dev/cat/3.png", ""),
        ("tars/train.tar", "a/1.png"),
        ("tars/valid.tar", "a/4.png"),
    ]);
    assert_eq!(names(&root, "ROOT", Split::Test).unwrap(), ["2.png"]);
    assert_eq!(names(&root, "ROOT/tars", Split::Test).unwrap(), ["4.png"]);
}

#[test]
fn a_packed_tar_is_refused_by_its_name() {
    let gzip = "\u{1f}not looked at";
    let root = folder(&[("a/x.tar.gz", gzip), ("a/x.TGZ", gzip), ("b/train.tgz", gzip)]);
    for path in ["a/x.tar.gz", "a/x.TGZ", "b/train.tgz"] {
        fs::write(root.path().join(path), [0x1f, 0x8b, 8, 0, 0, 0]).unwrap();
    }
    for template in ["ROOT/a/x.tar.gz", "ROOT/a/x.TGZ", "wds:ROOT/a/x.tar.gz", "ROOT/b"] {
        let error = names(&root, template, Split::Train).unwrap_err();
        assert!(matches!(error, Error::PackedTar { tool: "gzip", .. }), "{template}: {error}");
    }
    // What it was unpacked to goes before.
    let root = folder(&[("train/cat/1.png", ""), ("test/cat/2.png", ""), ("train.tar.gz", gzip)]);
    assert_eq!(both(&root, "ROOT").unwrap(), (1, 1));
}

#[test]
fn a_class_may_be_called_train() {
    let root = folder(&[("train/1.png", ""), ("tram/2.png", "")]);
    assert_eq!(names(&root, "ROOT", Split::Test).unwrap(), ["1.png", "2.png"]);
}

#[test]
fn a_missing_part_is_an_error() {
    let root = folder(&[("train/cat/1.png", "")]);
    assert_eq!(names(&root, "ROOT", Split::Train).unwrap(), ["1.png"]);
    let error = names(&root, "ROOT", Split::Test).unwrap_err();
    let Error::MissingSplit { looked_for, .. } = &error else { panic!("{error}") };
    assert_eq!(looked_for, "test, val, validation, valid, dev");

    assert!(matches!(both(&root, "ROOT"), Err(Error::MissingSplit { .. })));

    let tars = folder(&[("train.tar", "a/1.png")]);
    assert_eq!(names(&tars, "ROOT", Split::Train).unwrap(), ["1.png"]);
    for template in ["ROOT", "ROOT/{split}.tar"] {
        let error = names(&tars, template, Split::Test).unwrap_err();
        assert!(matches!(error, Error::MissingSplit { .. }), "{error}");
    }
}

#[test]
fn tars_called_train_and_test_are_parts() {
    let root = folder(&[("train.tar", "a/1.png b/2.png"), ("test.tar", "b/3.png")]);
    for template in ["ROOT", "ROOT/{split}.tar", "tar:ROOT/{split}.tar"] {
        assert_eq!(names(&root, template, Split::Test).unwrap(), ["3.png"]);
        assert_eq!(both(&root, template).unwrap(), (2, 1), "{template}");
    }
    for split in [Split::Train, Split::Test] {
        assert_eq!(names(&root, "ROOT/test.tar", split).unwrap(), ["3.png"]);
    }
    assert!(matches!(both(&root, "ROOT/test.tar"), Err(Error::NoSplits { .. })));
}

#[test]
fn the_test_part_is_numbered_like_the_train_part() {
    let root = folder(&[("train.tar", "a/1.png b/2.png"), ("test.tar", "b/3.png")]);
    let (train, test) = open_splits(&uri(&root, "ROOT"), &OpenOptions::default()).unwrap();
    check_same(&*train, &*test);
    assert_eq!(test.label(0).unwrap(), Some(1));

    let stranger = folder(&[("train.tar", "a/1.png"), ("test.tar", "b/3.png")]);
    let error = both(&stranger, "ROOT").unwrap_err();
    assert!(matches!(&error, Error::UnknownClass { class, .. } if class == "b"), "{error}");
}

fn check_same(first: &dyn Source, second: &dyn Source) {
    crate::check_same_classes(first, second).unwrap();
}

#[test]
fn parts_that_are_opened_one_by_one_can_be_compared() {
    let root = folder(&[("train.tar", "a/1.png b/2.png"), ("test.tar", "b/3.png")]);
    let part = |split| open(&uri(&root, "ROOT"), &OpenOptions::new(split)).unwrap();
    let error = crate::check_same_classes(&*part(Split::Train), &*part(Split::Test)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the two parts have different classes: label 0 is a in one and b in the other"
    );
}

#[test]
fn a_range_in_braces_names_shards() {
    let root = folder(&[
        ("s-08.tar", "0.png 0.cls"),
        ("s-09.tar", "1.png 1.cls"),
        ("s-10.tar", "2.png 2.cls"),
        ("train/0.tar", "a/1.png"),
        ("val/0.tar", "a/2.png"),
    ]);
    for template in ["ROOT/s-{08..10}.tar", "wds:ROOT/s-{08..10}.tar"] {
        assert_eq!(names(&root, template, Split::Train).unwrap(), ["0.png", "1.png", "2.png"]);
    }
    assert_eq!(both(&root, "ROOT/{split}/{0..0}.tar").unwrap(), (1, 1));
    let error = names(&root, "ROOT/s-{07..11}.tar", Split::Train).unwrap_err();
    assert!(matches!(&error, Error::MissingShard { found: 3, expected: 5, .. }), "{error}");
}

#[test]
fn cifar_batches_are_found_in_their_folder() {
    let root = folder(&[("train.bin", ""), ("test.bin", "")]);
    let record = |label: u8| [&[0, label], [9; 3072].as_slice()].concat();
    fs::write(root.path().join("train.bin"), record(99)).unwrap();
    fs::write(root.path().join("test.bin"), record(1)).unwrap();
    assert_eq!(both(&root, "cifar100:ROOT").unwrap(), (1, 1));
    let file = "cifar100:ROOT/train.bin";
    assert_eq!(names(&root, file, Split::Test).unwrap(), ["0"]);
    assert!(matches!(both(&root, file), Err(Error::NoSplits { .. })));
    let error = both(&root, "cifar10:ROOT").unwrap_err();
    assert!(matches!(error, Error::MissingShard { found: 0, expected: 5, .. }), "{error}");
}

#[test]
fn idx_files_are_found_in_their_folder() {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/fashion-mnist");
    let uri = format!("idx:{}", assets.display());
    let (train, test) = open_splits(&uri, &OpenOptions::default()).unwrap();
    assert_eq!((train.len(), test.len()), (10_000, 2_000));
    assert_eq!(test.classes()[9], "9");
    let embedded = open("builtin:fashion-mnist", &OpenOptions::new(Split::Test)).unwrap();
    for index in [0, 1999] {
        let pixels = |source: &dyn Source| match source.read(index).unwrap().payload {
            Payload::Pixels(image) => image,
            Payload::Encoded(_) => panic!("encoded"),
        };
        assert_eq!(pixels(&*test), pixels(&*embedded));
    }
    let file = format!("{uri}/t10k-images-idx3-ubyte.gz");
    assert_eq!(open(&file, &OpenOptions::default()).unwrap().len(), 2_000);
}

#[test]
fn an_idx_file_must_have_its_labels_beside_it() {
    let root = folder(&[("t10k-images-idx3-ubyte", ""), ("pictures", "")]);
    let error = names(&root, "idx:ROOT", Split::Test).unwrap_err();
    assert!(matches!(error, Error::IdxHeader { .. } | Error::Io { .. }), "{error}");
    let error = names(&root, "idx:ROOT", Split::Train).unwrap_err();
    assert!(matches!(error, Error::MissingSplit { .. }), "{error}");
    let error = names(&root, "idx:ROOT/pictures", Split::Train).unwrap_err();
    assert!(matches!(error, Error::Layout { .. }), "{error}");
}

#[test]
fn what_is_no_dataset_is_an_error() {
    let root = folder(&[("notes.txt", "text")]);
    let open = |template: &str| names(&root, template, Split::Train).unwrap_err();
    assert!(matches!(open("ROOT"), Error::Empty { .. }));
    assert!(matches!(open("ROOT/notes.txt"), Error::NotADataset { .. }));
    assert!(matches!(open("ROOT/absent"), Error::Io { .. }));
    assert!(matches!(open("ROOT/absent.tar"), Error::Io { .. }));
    assert!(matches!(open("tar:ROOT"), Error::Io { .. }));
    assert!(matches!(open("builtin:cifar"), Error::UnknownBuiltin { .. }));
    assert!(matches!(open("lmdb:ROOT"), Error::UnknownScheme { .. }));
}

#[test]
fn an_embedded_dataset_keeps_its_classes() {
    let classes = Some(vec!["cat".to_owned()]);
    let options = OpenOptions { classes, ..OpenOptions::default() };
    let error = open("builtin:fashion-mnist", &options).err().unwrap();
    assert!(matches!(error, Error::DifferentClasses { label: 0, .. }), "{error}");
}

#[test]
fn only_tars_have_an_index() {
    let root = folder(&[("s-0.tar", "a/1.png"), ("s-1.tar", "b/2.png"), ("cat/1.png", "")]);
    let files = write_indexes(&uri(&root, "ROOT/s-{0..1}.tar"), &OpenOptions::default()).unwrap();
    assert_eq!(files.len(), 2);
    assert!(files.iter().all(|file| file.is_file()));
    assert_eq!(names(&root, "ROOT/s-{0..1}.tar", Split::Train).unwrap(), ["1.png", "2.png"]);
    let error = write_indexes(&uri(&root, "folder:ROOT"), &OpenOptions::default()).unwrap_err();
    assert!(matches!(error, Error::NoIndex { .. }), "{error}");
}

#[test]
fn splits_are_read_by_all_their_names() {
    for (text, split) in [("train", Split::Train), ("test", Split::Test), ("val", Split::Test)] {
        assert_eq!(text.parse(), Ok(split));
    }
    assert!("eval".parse::<Split>().is_err());
    assert_eq!(Split::Test.to_string(), "test");
}
