use super::*;
use std::fs;

/// A dataset folder with these files, each holding its own name.
fn folder(files: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for file in files {
        let path = root.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    root
}

fn open(root: &Path) -> Result<FolderSource> {
    FolderSource::open(root, None, Limits::default())
}

#[test]
fn samples_come_in_the_order_of_class_and_file() {
    let root = folder(&["dog/b.png", "dog/a.JPG", "cat/z.webp", "cat/note.txt", "cat/.hidden.png"]);
    let source = open(root.path()).unwrap();
    assert_eq!(source.classes(), ["cat", "dog"]);
    let read = |index| {
        let record = source.read(index).unwrap();
        let Payload::Encoded(bytes) = record.payload else { panic!("pixels") };
        assert_eq!(record.name, source.name(index).unwrap());
        assert_eq!(record.label, source.label(index).unwrap());
        (record.label, String::from_utf8(bytes).unwrap())
    };
    let samples: Vec<_> = (0..source.len()).map(read).collect();
    let expected = [(0, "cat/z.webp"), (1, "dog/a.JPG"), (1, "dog/b.png")];
    assert_eq!(samples, expected.map(|(label, name)| (label, name.to_owned())));
    assert!(matches!(source.read(3), Err(Error::OutOfBounds { index: 3, len: 3 })));
}

#[test]
fn an_empty_folder_is_an_error() {
    let root = folder(&["notes/readme.txt"]);
    assert!(matches!(open(root.path()), Err(Error::Empty { .. })));
    assert!(matches!(open(&root.path().join("absent")), Err(Error::Io { .. })));
}

#[test]
fn a_class_without_an_image_is_an_error() {
    let root = folder(&["cat/a.png", "dog/readme.txt"]);
    let error = open(root.path()).unwrap_err();
    assert!(matches!(&error, Error::EmptyClass { class, .. } if class == "dog"), "{error}");
}

#[test]
fn a_class_list_fixes_the_labels() {
    let root = folder(&["cat/a.png", "dog/b.png"]);
    let list = ["dog", "bird", "cat"].map(str::to_owned);
    let source = FolderSource::open(root.path(), Some(&list), Limits::default()).unwrap();
    assert_eq!(source.classes(), list);
    assert_eq!((source.label(0).unwrap(), source.label(1).unwrap()), (2, 0));

    let error = FolderSource::open(root.path(), Some(&list[..2]), Limits::default()).unwrap_err();
    assert!(matches!(&error, Error::UnknownClass { class, classes: 2, .. } if class == "cat"));
}

#[test]
fn images_at_another_level_are_an_error() {
    let above = folder(&["cat/a.png", "stray.png"]);
    assert!(matches!(open(above.path()), Err(Error::Layout { .. })));
    let below = folder(&["cat/a.png", "cat/more/b.png"]);
    assert!(matches!(open(below.path()), Err(Error::Layout { .. })));
}

#[test]
fn a_file_over_the_limit_is_an_error() {
    let root = folder(&["cat/a.png"]);
    let limits = Limits { file_bytes: 4, ..Limits::default() };
    let source = FolderSource::open(root.path(), None, limits).unwrap();
    assert!(matches!(source.read(0), Err(Error::TooLarge { found: 9, limit: 4, .. })));
}

#[cfg(unix)]
#[test]
fn links_are_followed() {
    let root = folder(&["cat/a.png"]);
    let class = root.path().join("cat");
    std::os::unix::fs::symlink(&class, root.path().join("dog")).unwrap();
    std::os::unix::fs::symlink(class.join("a.png"), class.join("b.png")).unwrap();
    assert_eq!(open(root.path()).unwrap().len(), 4);
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_not_utf8_is_an_error() {
    use std::os::unix::ffi::OsStrExt;
    let root = folder(&["cat/a.png"]);
    let name = std::ffi::OsStr::from_bytes(b"\xff.png");
    fs::write(root.path().join("cat").join(name), "").unwrap();
    assert!(matches!(open(root.path()), Err(Error::Layout { .. })));
}
