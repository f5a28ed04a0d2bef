use super::*;
use crate::{
    Fingerprint, Joined, LoaderConfig, OpenOptions, Subset, TarLayout, TarSource, class_counts,
    open, open_labelled, open_splits,
};
use std::fs;
use std::sync::Arc;
use tempfile::TempDir;

const FILES: [&str; 4] = ["a.png", "cat/b.JPG", "cat/deep/c.webp", "z.png"];

/// A folder with these files and some that are no pictures, each holding its own name.
fn folder() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for file in FILES.iter().chain(&["cat/b.cls", "notes.txt", ".hidden.png"]) {
        let path = root.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    root
}

/// The same files in a tar, the last first.
fn packed(root: &Path) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for file in FILES.iter().rev().chain(&["cat/b.cls", "notes.txt"]) {
        builder.append_path_with_name(root.join(file), file).unwrap();
    }
    builder.into_inner().unwrap()
}

fn uri(path: &Path) -> String {
    format!("pictures:{}", path.display())
}

fn contents(source: &dyn Source) -> Vec<(String, String)> {
    let content = |index| {
        let record = source.read(index).unwrap();
        assert_eq!((record.label, source.label(index).unwrap()), (None, None));
        assert_eq!(record.name, source.name(index).unwrap());
        assert!(record.required_label().is_err());
        let Payload::Encoded(bytes) = record.payload else { panic!("pixels") };
        (source.key(index).unwrap().name, String::from_utf8(bytes).unwrap())
    };
    (0..source.len()).map(content).collect()
}

#[test]
fn pictures_at_any_depth_have_no_labels() {
    let root = folder();
    let source = open(&uri(root.path()), &OpenOptions::default()).unwrap();
    let expected = FILES.map(|file| (file.to_owned(), file.to_owned()));
    assert_eq!(contents(&*source), expected);
    assert!(source.classes().is_empty() && class_counts(&*source).unwrap().is_empty());
    let not_images = NotImages { count: 2, example: Some("cat/b.cls".to_owned()) };
    assert_eq!(source.not_images(), not_images);
    assert!(matches!(source.label(4), Err(Error::OutOfBounds { index: 4, len: 4 })));
}

#[test]
fn a_tar_of_pictures_has_no_labels_with_and_without_an_index() {
    let root = folder();
    let tar = root.path().join("all.tar");
    fs::write(&tar, packed(root.path())).unwrap();
    let opened = || open(&uri(&tar), &OpenOptions::default()).unwrap();
    let mut expected = FILES.map(|file| (file.to_owned(), file.to_owned()));
    expected.reverse();
    assert_eq!(contents(&*opened()), expected);
    crate::write_indexes(&uri(&tar), &OpenOptions::default()).unwrap();
    assert_eq!(contents(&*opened()), expected);
    assert_eq!(opened().not_images().count, 2);
    // The index is for pictures alone.
    assert!(matches!(
        TarSource::open(&[tar], Some(TarLayout::ClassFolders), None, Limits::default()),
        Err(Error::Layout { .. })
    ));
}

#[test]
fn a_member_that_comes_twice_or_may_hide_pictures_is_refused() {
    let mut twice = ::tar::Builder::new(Vec::new());
    let root = folder();
    for _ in 0..2 {
        twice.append_path_with_name(root.path().join("a.png"), "a.png").unwrap();
    }
    let layout = Some(TarLayout::Pictures);
    let error = TarSource::from_bytes("x.tar", twice.into_inner().unwrap(), layout).unwrap_err();
    assert!(matches!(error, Error::DuplicateMember { .. }), "{error}");
    let mut linked = ::tar::Builder::new(Vec::new());
    let mut header = ::tar::Header::new_gnu();
    header.set_entry_type(::tar::EntryType::Symlink);
    header.set_size(0);
    linked.append_link(&mut header, "more", "elsewhere").unwrap();
    let error = TarSource::from_bytes("x.tar", linked.into_inner().unwrap(), layout).unwrap_err();
    assert!(matches!(error, Error::TarLink { .. }), "{error}");
}

#[test]
fn what_needs_labels_refuses_pictures_by_the_name_of_their_dataset() {
    let root = folder();
    let (uri, options) = (uri(root.path()), OpenOptions::default());
    let named = |error: Error| {
        assert!(matches!(&error, Error::Unlabelled { name } if *name == uri), "{error}");
        assert!(error.hint().unwrap().contains("self-supervised"));
    };
    named(open_labelled(&uri, &options).err().unwrap());
    named(open_splits(&uri, &options).err().unwrap());
    let source = open(&uri, &options).unwrap();
    let error = Subset::hold_out(source.clone(), 1, ocelli_random::Seed(0)).err().unwrap();
    assert!(matches!(error, Error::Unlabelled { .. }), "{error}");
    let labelled = open("builtin:fashion-mnist", &options).unwrap();
    assert!(matches!(Joined::new(labelled, source), Err(Error::DifferentClasses { .. })));
}

#[test]
fn nothing_to_open_is_an_error() {
    let root = tempfile::tempdir().unwrap();
    let opened = |name: &str| open(&uri(&root.path().join(name)), &OpenOptions::default());
    assert!(matches!(opened(""), Err(Error::Empty { .. })));
    assert!(matches!(opened("absent"), Err(Error::Io { .. })));
    fs::write(root.path().join("a.png"), "a").unwrap();
    assert!(matches!(opened("a.png"), Err(Error::NotADataset { .. })));
}

#[test]
fn a_fingerprint_sees_every_picture() {
    let root = folder();
    let print = || {
        Fingerprint::from_source(&*open(&uri(root.path()), &OpenOptions::default()).unwrap())
            .unwrap()
    };
    let before = print();
    assert_eq!(before, print());
    fs::write(root.path().join("z.png"), "y.png").unwrap();
    assert_ne!(before.hash(), print().hash());
}

#[test]
fn batches_of_pictures_have_no_targets_and_cannot_be_mixed() {
    let pixel: &[u8] = include_bytes!("../../../tests/images/rgb.png");
    let root = tempfile::tempdir().unwrap();
    for name in ["1.png", "2.png", "3.png"] {
        fs::write(root.path().join(name), pixel).unwrap();
    }
    let source = open(&uri(root.path()), &OpenOptions::default()).unwrap();
    let transform =
        crate::EvalTransform::new(crate::InputConfig::default(), crate::EvalConfig::default());
    let transform = Arc::new(transform.unwrap());
    let loader =
        crate::Loader::new(source.clone(), transform.clone(), LoaderConfig::eval(2)).unwrap();
    let batches: Vec<_> = loader.epoch(0, 0).map(Result::unwrap).collect();
    assert_eq!(batches.iter().map(crate::Batch::len).collect::<Vec<_>>(), [2, 1]);
    assert!(batches.iter().all(|batch| batch.targets == crate::Targets::None));
    let mix = crate::augment::Mix { mixup: 0.2, ..crate::augment::Mix::default() };
    let refused =
        crate::Loader::new(source, transform, LoaderConfig { mix, ..LoaderConfig::eval(2) });
    assert!(refused.err().unwrap().to_string().contains("`mix`"));
}
