use super::*;

#[test]
fn the_label_is_the_place_of_the_class_in_the_sorted_names() {
    let source = open(tar(&[("dog/2.png", "two"), ("cat/1.JPEG", "one"), ("dog/3.webp", "three")]));
    let source = source.unwrap();
    assert_eq!(source.classes(), ["cat", "dog"]);
    assert_eq!(samples(&source), pairs(&[("dog", "two"), ("cat", "one"), ("dog", "three")]));
    assert_eq!(source.name(1).unwrap(), "x.tar, cat/1.JPEG");
    assert!(matches!(source.read(3), Err(Error::OutOfBounds { index: 3, len: 3 })));
}

#[test]
fn folders_above_the_classes_and_dots_do_not_matter() {
    let source = open(tar(&[("./set/train/a/1.png", "1"), ("set//train/b/2.png", "2")])).unwrap();
    assert_eq!(samples(&source), pairs(&[("a", "1"), ("b", "2")]));
}

#[test]
fn junk_and_other_files_are_passed_over() {
    let source = open(tar(&[
        ("README.md", "read me"),
        ("._a", "junk"),
        ("a/._1.png", "junk"),
        ("__MACOSX/a/1.png", "junk"),
        ("a/.hidden.png", "junk"),
        ("a/1.png", "1"),
        ("a/notes.txt", "notes"),
        ("a/no_extension", "?"),
    ]));
    assert_eq!(samples(&source.unwrap()), pairs(&[("a", "1")]));
}

#[test]
fn long_names_are_read_in_both_dialects() {
    let long = format!("class/{}.png", "n".repeat(300));
    let gnu = open(tar(&[(&long, "gnu"), ("class/b.png", "short")])).unwrap();
    assert_eq!(samples(&gnu), pairs(&[("class", "gnu"), ("class", "short")]));
    assert_eq!(gnu.name(0).unwrap(), format!("x.tar, {long}"));

    let mut builder = Builder::new(Vec::new());
    let values = [("path", long.as_bytes()), ("SCHILY.xattr.user", b"two\nlines")];
    builder.append_pax_extensions(values).unwrap();
    append(&mut builder, b"ignored", b"pax");
    append(&mut builder, b"class/b.png", b"short");
    let pax = open(builder.into_inner().unwrap()).unwrap();
    assert_eq!(samples(&pax), pairs(&[("class", "pax"), ("class", "short")]));
    assert_eq!(pax.name(0).unwrap(), format!("x.tar, {long}"));
}

#[test]
fn a_pax_size_replaces_the_header_s() {
    let mut builder = Builder::new(Vec::new());
    builder.append_pax_extensions([("size", b"5".as_slice())]).unwrap();
    let mut header = file_header(0);
    header.set_path("a/1.png").unwrap();
    header.set_cksum();
    let mut bytes = builder.into_inner().unwrap();
    bytes.truncate(1024);
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(b"hello");
    bytes.resize(bytes.len().next_multiple_of(512) + 1024, 0);
    assert_eq!(samples(&open(bytes).unwrap()), pairs(&[("a", "hello")]));
}

#[test]
fn file_names_need_not_be_utf8_but_class_names_do() {
    let mut builder = Builder::new(Vec::new());
    append(&mut builder, b"a/\xff.png", b"1");
    let source = open(builder.into_inner().unwrap()).unwrap();
    assert_eq!(source.name(0).unwrap(), "x.tar, a/\u{fffd}.png");

    let mut builder = Builder::new(Vec::new());
    append(&mut builder, b"\xff/1.png", b"1");
    assert!(matches!(open(builder.into_inner().unwrap()), Err(Error::Layout { .. })));
}

#[test]
fn images_of_no_class_and_of_several_parts_are_an_error() {
    for (first, second) in
        [("a/1.png", "2.png"), ("train/a/1.png", "test/a/1.png"), ("more/a/1.png", "train/a/1.png")]
    {
        let error = open(tar(&[(first, "1"), (second, "2")])).unwrap_err();
        assert!(matches!(&error, Error::Layout { name, .. } if name.contains(second)), "{error}");
    }
}

#[test]
fn everything_below_a_class_folder_is_of_its_class() {
    let files = [
        ("set/dog/puppies/1.png", "1"),
        ("set/cat/2.png", "2"),
        ("set/cat/a/deep/3.png", "3"),
        ("set/cat/a/note.txt", "note"),
    ];
    let source = open(tar(&files)).unwrap();
    assert_eq!(source.classes(), ["cat", "dog"]);
    assert_eq!(samples(&source), pairs(&[("dog", "1"), ("cat", "2"), ("cat", "3")]));
    let not_images = NotImages { count: 1, example: Some("cat/a/note.txt".to_owned()) };
    assert_eq!(source.not_images(), not_images);

    // The same files in a folder.
    let folder = tempfile::tempdir().unwrap();
    ::tar::Archive::new(&tar(&files)[..]).unpack(folder.path()).unwrap();
    let unpacked = crate::FolderSource::open(&folder.path().join("set"), None, Limits::default());
    let unpacked = unpacked.unwrap();
    assert_eq!((unpacked.classes(), unpacked.len()), (source.classes(), source.len()));
    assert_eq!(unpacked.not_images(), source.not_images());
}

#[test]
fn sub_folders_in_one_of_several_shards_are_an_error() {
    let shards =
        [tar(&[("a/1.png", "1"), ("b/2.png", "2")]), tar(&[("b/3.png", "3"), ("b/x/4.png", "4")])];
    let error = open_shards(&shards, None).unwrap_err();
    assert!(matches!(&error, Error::Layout { name, .. } if name.ends_with("b/x/4.png")), "{error}");
}

#[test]
fn an_empty_archive_is_an_error() {
    assert!(matches!(open(tar(&[])), Err(Error::Empty { .. })));
    assert!(matches!(open(tar(&[("a/notes.txt", "")])), Err(Error::Empty { .. })));
}

#[test]
fn a_class_folder_without_an_image_is_an_error() {
    let mut builder = Builder::new(Vec::new());
    for folder in ["set/", "set/a/", "set/b/"] {
        builder.append(&special_header(folder, EntryType::Directory), &[][..]).unwrap();
    }
    append(&mut builder, b"set/a/1.png", b"1");
    let bytes = builder.into_inner().unwrap();
    let error = open(bytes.clone()).unwrap_err();
    assert!(matches!(&error, Error::EmptyClass { class, .. } if class == "b"), "{error}");

    // A list of classes says that the class is meant to be there.
    let list = ["a", "b"].map(str::to_owned);
    let source = open_shards(&[bytes], Some(&list)).unwrap();
    assert_eq!(source.classes(), list);
}

#[test]
fn a_class_that_is_not_in_the_list_is_an_error() {
    let list = ["b".to_owned()];
    let error = open_shards(&[tar(&[("b/1.png", ""), ("a/1.png", "")])], Some(&list)).unwrap_err();
    assert!(
        matches!(&error, Error::UnknownClass { name, class, .. }
            if class == "a" && name.ends_with("a/1.png")),
        "{error}"
    );
}

#[test]
fn two_members_of_one_name_are_an_error() {
    let error = open(tar(&[("a/1.png", "1"), ("a/2.png", "2"), ("a/1.png", "3")])).unwrap_err();
    assert!(matches!(&error, Error::DuplicateMember { name, .. } if name == "a/1.png"), "{error}");
    let error = open(tar(&[("a/1.png", "1"), ("./a/1.png", "2")])).unwrap_err();
    assert!(matches!(error, Error::DuplicateMember { .. }), "{error}");
}

#[test]
fn an_image_over_the_limit_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.tar");
    std::fs::write(&path, tar(&[("a/1.png", "12345")])).unwrap();
    let limits = Limits { file_bytes: 4, ..Limits::default() };
    let error = TarSource::open(&[path], None, None, limits).unwrap_err();
    assert!(matches!(error, Error::TooLarge { found: 5, limit: 4, .. }));
}

#[test]
fn shards_are_one_dataset() {
    let shards = [
        tar(&[("dog/1.png", "1"), ("cat/2.png", "2")]),
        tar(&[("bird/3.png", "3")]),
        tar(&[("cat/4.png", "4")]),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = |at: usize| folder.path().join(format!("{at}.tar"));
    for (at, shard) in shards.iter().enumerate() {
        std::fs::write(path(at), shard).unwrap();
    }
    let source =
        TarSource::open(&[path(0), path(1), path(2)], None, None, Limits::default()).unwrap();
    assert_eq!(source.classes(), ["bird", "cat", "dog"]);
    let expected = pairs(&[("dog", "1"), ("cat", "2"), ("bird", "3"), ("cat", "4")]);
    assert_eq!(samples(&source), expected);
    assert!(source.name(2).unwrap().ends_with("1.tar, bird/3.png"));
}

#[test]
fn a_thousand_members_are_found_again_from_many_threads() {
    let files: Vec<(String, String)> = (0..1000)
        .map(|at| (format!("{}/{at}.png", at % 7), format!("{at}").repeat(at % 300)))
        .collect();
    let files: Vec<(&str, &str)> =
        files.iter().map(|(path, content)| (path.as_str(), content.as_str())).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.tar");
    std::fs::write(&path, tar(&files)).unwrap();
    let source = TarSource::open(&[path], None, None, Limits::default()).unwrap();
    (0..1000_usize).into_par_iter().for_each(|at| {
        let record = source.read(at as u64).unwrap();
        let Payload::Encoded(bytes) = record.payload else { panic!("pixels") };
        assert_eq!(bytes, files[at].1.as_bytes());
        assert!(record.name.ends_with(files[at].0));
        assert_eq!(record.label.unwrap() as usize, at % 7);
    });
}
