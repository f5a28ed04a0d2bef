//! Links in place of what they point to.

use super::*;

/// A tar of these files and then these links.
fn with_links(files: &[(&str, &str)], links: &[(&str, EntryType)]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (path, content) in files {
        append(&mut builder, path.as_bytes(), content.as_bytes());
    }
    for (path, kind) in links {
        let mut header = special_header(path, *kind);
        header.set_link_name("elsewhere").unwrap();
        header.set_cksum();
        builder.append(&header, &[][..]).unwrap();
    }
    builder.into_inner().unwrap()
}

fn link_in(bytes: Vec<u8>) -> String {
    match open(bytes).unwrap_err() {
        Error::TarLink { name, kind, .. } => format!("{name} is {kind}"),
        error => panic!("{error}"),
    }
}

#[test]
fn an_image_that_is_a_link_is_an_error() {
    for (kind, called) in
        [(EntryType::Symlink, "a symbolic link"), (EntryType::Link, "a hard link")]
    {
        assert_eq!(link_in(with_links(&[], &[("a/1.png", kind)])), format!("a/1.png is {called}"));
    }
}

#[test]
fn a_link_in_place_of_a_class_is_an_error() {
    let files = [("set/cat/1.png", ""), ("set/dog/2.png", "")];
    for link in ["set/bird", "./set/bird", "set/bird.v2"] {
        let name = link.trim_start_matches("./");
        let expected = format!("{name} is a symbolic link");
        assert_eq!(link_in(with_links(&files, &[(link, EntryType::Symlink)])), expected);
    }
    let first = with_links(&[], &[("bird", EntryType::Symlink)]);
    assert_eq!(link_in(first), "bird is a symbolic link", "nothing else is there");
}

#[test]
fn a_link_in_a_class_that_may_be_a_folder_is_an_error() {
    let files = [("cat/1.png", ""), ("dog/2.png", "")];
    let bytes = with_links(&files, &[("cat/more", EntryType::Symlink)]);
    assert_eq!(link_in(bytes), "cat/more is a symbolic link");
}

#[test]
fn other_links_are_no_concern_of_ours() {
    let files = [("set/cat/1.png", ""), ("set/dog/2.png", "")];
    let links = [
        ("latest", EntryType::Symlink),
        ("set/cat/notes.txt", EntryType::Symlink),
        ("set/.link", EntryType::Symlink),
        ("set/README", EntryType::Link),
    ];
    assert_eq!(open(with_links(&files, &links)).unwrap().classes(), ["cat", "dog"]);
}

#[test]
fn a_label_that_is_a_link_is_an_error() {
    let bytes = with_links(&[("0.png", "")], &[("0.cls", EntryType::Symlink)]);
    assert_eq!(link_in(bytes), "0.cls is a symbolic link");
}
