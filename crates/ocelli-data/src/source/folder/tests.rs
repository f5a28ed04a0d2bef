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
        (record.label.unwrap(), String::from_utf8(bytes).unwrap())
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
    assert_eq!((source.label(0).unwrap(), source.label(1).unwrap()), (Some(2), Some(0)));

    let error = FolderSource::open(root.path(), Some(&list[..2]), Limits::default()).unwrap_err();
    assert!(matches!(&error, Error::UnknownClass { class, classes: 2, .. } if class == "cat"));
}

#[test]
fn an_image_above_the_class_folders_is_an_error() {
    let above = folder(&["cat/a.png", "stray.png"]);
    assert!(matches!(open(above.path()), Err(Error::Layout { .. })));
}

#[test]
fn everything_below_a_class_folder_is_of_its_class() {
    let root = folder(&[
        "cat/b.png",
        "cat/a/2.png",
        "cat/a/deep/er/1.png",
        "cat/a/note.txt",
        "cat/.thumbs/1.png",
        "cat/empty/x",
        "dog/puppies/1.png",
    ]);
    let source = open(root.path()).unwrap();
    assert_eq!(source.classes(), ["cat", "dog"]);
    let keys = |index| (source.key(index).unwrap().name, source.label(index).unwrap().unwrap());
    let expected = [
        ("cat/a/2.png", 0),
        ("cat/a/deep/er/1.png", 0),
        ("cat/b.png", 0),
        ("dog/puppies/1.png", 1),
    ];
    let found: Vec<_> = (0..source.len()).map(keys).collect();
    assert_eq!(found, expected.map(|(name, label)| (name.to_owned(), label)));
    let Payload::Encoded(bytes) = source.read(1).unwrap().payload else { panic!("pixels") };
    assert_eq!(bytes, b"cat/a/deep/er/1.png");
    let not_images = NotImages { count: 2, example: Some("cat/a/note.txt".to_owned()) };
    assert_eq!(source.not_images(), not_images);
    let labelled = folder(&["cat/a/1.png", "cat/a/1.cls", "dog/2.png"]);
    assert!(matches!(open(labelled.path()), Err(Error::LabelInFolder { .. })), "at any depth");
}

#[test]
fn a_part_is_no_class() {
    // Of a dataset with `train` and `test`, one part is opened before this is seen.
    let root = folder(&["train/cat/1.png", "train/dog/2.png", "unlabelled/x/3.png"]);
    let error = open(root.path()).unwrap_err();
    assert!(matches!(&error, Error::Layout { .. }), "{error}");
    assert!(error.to_string().contains("`train` is called as a part"), "{error}");
    assert!(open(folder(&["train/1.png", "train/steam/2.png", "car/3.png"]).path()).is_ok());
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

#[cfg(unix)]
#[test]
fn links_in_circles_end() {
    let link = |root: &Path, to: &str, name: &str| {
        std::os::unix::fs::symlink(to, root.join(name)).unwrap();
    };
    for (to, name) in [("../..", "cat/up"), (".", "cat/here"), ("..", "cat/a/up")] {
        let root = folder(&["cat/a/1.png", "dog/2.png"]);
        link(root.path(), to, name);
        let error = open(root.path()).unwrap_err();
        assert!(
            error.to_string().contains("a link to a folder that it lies in"),
            "{name}: {error}"
        );
    }
    // Each leads to the other.
    let root = folder(&["cat/1.png", "dog/2.png"]);
    link(root.path(), "../dog", "cat/dog");
    link(root.path(), "../cat", "dog/cat");
    let error = open(root.path()).unwrap_err();
    assert!(error.to_string().contains("a link to a folder that it lies in"), "{error}");
    // Ten folders, each with two links to the next, would be a thousand times the last.
    let root = folder(&["cat/1.png", "store/10/2.png"]);
    for level in 0..10 {
        fs::create_dir(root.path().join(format!("store/{level}"))).unwrap();
        for name in ["a", "b"] {
            link(root.path(), &format!("../{}", level + 1), &format!("store/{level}/{name}"));
        }
    }
    let error = open(root.path()).unwrap_err();
    assert!(error.to_string().contains("more than 1000 links"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_link_to_nothing_in_place_of_a_folder_is_an_error() {
    let link = |root: &Path, name: &str| {
        std::os::unix::fs::symlink("nowhere", root.join(name)).unwrap();
    };
    let files = ["cat/a.png", "dog/b.png"];
    for name in ["bird", "cat/more"] {
        let root = folder(&files);
        link(root.path(), name);
        let error = open(root.path()).unwrap_err();
        let Error::BrokenLink { path, .. } = &error else { panic!("{error}") };
        assert!(path.ends_with(name), "{error}");
        assert!(error.hint().is_some());
    }
    let circle = folder(&files);
    std::os::unix::fs::symlink("bird", circle.path().join("bird")).unwrap();
    assert!(matches!(open(circle.path()), Err(Error::BrokenLink { .. })));
    // A class list does not make the images appear.
    let list = ["bird", "cat", "dog"].map(str::to_owned);
    let error = FolderSource::open(circle.path(), Some(&list), Limits::default()).unwrap_err();
    assert!(matches!(error, Error::BrokenLink { .. }), "{error}");

    let harmless = folder(&files);
    link(harmless.path(), "cat/notes.txt");
    link(harmless.path(), ".bird");
    assert_eq!(open(harmless.path()).unwrap().len(), 2);
    link(harmless.path(), "cat/c.png");
    let source = open(harmless.path()).unwrap();
    assert!(matches!(source.read(1), Err(Error::Io { .. })), "the image is missed by its name");
}

#[test]
fn other_files_are_counted() {
    let root = folder(&["README", "cat/a.png", "cat/b.xml", "cat/.hidden", "dog/a.png", "dog/x"]);
    let expected = NotImages { count: 2, example: Some("cat/b.xml".to_owned()) };
    assert_eq!(open(root.path()).unwrap().not_images(), expected);
}

#[test]
fn labels_beside_images_are_not_passed_over() {
    for label in ["data/0.cls", "data/0.output.cls"] {
        let root = folder(&["data/0.png", "data/1.png", label]);
        let error = open(root.path()).unwrap_err();
        let Error::LabelInFolder { path } = &error else { panic!("{error}") };
        assert!(path.ends_with(label), "{error}");
    }
    assert!(open(folder(&["data/0.png", "data/letter.cls"]).path()).is_ok());
}

#[test]
fn numbered_folders_are_in_the_order_that_is_asked_for() {
    let root = folder(&["10/a.png", "9/b.png", "0/c.png"]);
    let opened =
        |order| FolderSource::open_in_order(root.path(), None, order, Limits::default()).unwrap();
    let text = opened(ClassOrder::Text);
    assert_eq!(text.classes(), ["0", "10", "9"]);
    let number = opened(ClassOrder::Number);
    assert_eq!(number.classes(), ["0", "9", "10"]);
    for index in 0..3 {
        let class = |source: &FolderSource| {
            source.classes()[source.label(index).unwrap().unwrap() as usize].clone()
        };
        assert_eq!(class(&text), class(&number));
    }
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
