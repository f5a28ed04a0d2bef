use super::*;
use proptest::prelude::*;

fn example() -> Vec<u8> {
    tar(&[("cat/1.png", "one"), ("dog/2.png", &"two".repeat(400))])
}

/// Where the end mark of [`example`] starts: two headers, one and three blocks of content.
const END_MARK: usize = 6 * 512;

#[test]
fn a_tar_cut_anywhere_is_an_error() {
    let bytes = example();
    assert_eq!(bytes.len(), END_MARK + 1024);
    for len in 0..END_MARK + 512 {
        let error = open(bytes[..len].to_vec()).unwrap_err();
        assert!(matches!(error, Error::TarCut { .. }), "cut after {len} bytes: {error}");
    }
    assert!(open(bytes[..END_MARK + 512].to_vec()).is_ok());
}

#[test]
fn a_cut_tar_is_described() {
    let message = |len| open(example()[..len].to_vec()).unwrap_err().to_string();
    assert_eq!(
        message(2000),
        "x.tar: cut off at byte 2000 while reading a member at byte 1024; \
         the last complete member is `cat/1.png`"
    );
    assert_eq!(
        message(END_MARK),
        "x.tar: cut off at byte 3072 while reading the end mark at byte 3072; \
         the last complete member is `dog/2.png`"
    );
    assert_eq!(
        message(100),
        "x.tar: cut off at byte 100 while reading a header at byte 0; no member is complete"
    );
}

#[test]
fn archives_joined_end_to_end_are_an_error() {
    let joined = [example(), example()].concat();
    let error = open(joined).unwrap_err();
    let start = END_MARK as u64 + 1024;
    assert!(matches!(&error, Error::TarTrailing { offset, .. } if *offset == start), "{error}");
    assert!(error.hint().is_some());
}

#[test]
fn a_file_that_is_no_tar_is_an_error() {
    let error = open(vec![b'x'; 2048]).unwrap_err();
    assert!(matches!(error, Error::TarHeader { offset: 0, .. }), "{error}");
}

#[test]
fn a_packed_tar_is_called_by_its_name() {
    for (start, tool) in [
        (&[0x1f, 0x8b, 8, 0][..], "gzip"),
        (b"BZh91AY&SY", "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
    ] {
        let error = open([start, &[7; 2000]].concat()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("x.tar: a tar compressed by {tool}, in which no member can be read by itself")
        );
        assert!(error.hint().is_some_and(|hint| hint.starts_with("unpack it")));
    }
    assert!(open(tar(&[("BZh/1.png", "a class")])).is_ok());
}

#[test]
fn a_damaged_header_is_found_by_its_checksum() {
    let mut bytes = example();
    bytes[1024 + 5] ^= 1;
    let error = open(bytes).unwrap_err();
    assert!(matches!(error, Error::TarHeader { offset: 1024, .. }), "{error}");
}

/// A tar whose only header claims this size, as octal digits or in base 256.
fn with_size(size: u64) -> Vec<u8> {
    let mut header = file_header(0);
    header.set_path("a/1.png").unwrap();
    header.set_size(size);
    header.set_cksum();
    [header.as_bytes().as_slice(), &[0; 1024]].concat()
}

#[test]
fn an_absurd_size_takes_no_memory() {
    for size in [1 << 20, 1 << 40, (1 << 60) - 1] {
        let error = open(with_size(size)).unwrap_err();
        assert!(matches!(error, Error::TarCut { offset: 0, .. }), "{error}");
    }
    for size in [1 << 60, u64::MAX] {
        let error = open(with_size(size)).unwrap_err();
        assert!(matches!(error, Error::TarHeader { offset: 0, .. }), "{error}");
    }
}

#[test]
fn an_absurd_extension_header_takes_no_memory() {
    let mut header = special_header("x", EntryType::GNULongName);
    header.set_size(1 << 40);
    header.set_cksum();
    let bytes = [header.as_bytes().as_slice(), &[0; 1024]].concat();
    assert!(matches!(open(bytes), Err(Error::TarHeader { offset: 0, .. })));
}

#[test]
fn an_extension_header_without_its_member_is_an_error() {
    let mut builder = Builder::new(Vec::new());
    builder.append_pax_extensions([("path", b"a/1.png".as_slice())]).unwrap();
    let error = open(builder.into_inner().unwrap()).unwrap_err();
    assert!(matches!(error, Error::TarHeader { offset: 1024, .. }), "{error}");
}

#[test]
fn malformed_pax_records_are_an_error() {
    for content in ["x", "5", "99 path=a\n", "11 path=ab", "9 nothing\n", "0 a=b\n", "9 size=x\n"] {
        let mut header = special_header("x", EntryType::XHeader);
        header.set_size(content.len() as u64);
        header.set_cksum();
        let mut builder = Builder::new(Vec::new());
        builder.append(&header, content.as_bytes()).unwrap();
        append(&mut builder, b"a/1.png", b"1");
        let error = open(builder.into_inner().unwrap()).unwrap_err();
        assert!(matches!(error, Error::TarHeader { offset: 0, .. }), "{content}: {error}");
    }
}

#[test]
fn a_file_that_changes_after_it_was_opened_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.tar");
    std::fs::write(&path, example()).unwrap();
    let source =
        TarSource::open(std::slice::from_ref(&path), None, None, Limits::default()).unwrap();
    std::fs::write(&path, [0; 4096]).unwrap();
    assert!(matches!(source.read(1), Err(Error::TarHeader { offset: 1024, .. })));
    std::fs::write(&path, []).unwrap();
    assert!(matches!(source.read(1), Err(Error::Io { .. })));
}

proptest! {
    #![proptest_config(ocelli_testkit::cases(256))]
    /// Whatever the bytes are, opening ends, and what was listed can be read.
    #[test]
    fn damaged_tars_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        fix_checksums in any::<bool>(),
        len in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = tar(&[
            ("cat/1.png", "one"),
            ("cat/1.cls", "1"),
            (&format!("cat/{}.png", "n".repeat(200)), "long"),
            ("cat/a.1.json", r#"{"label": 3}"#),
            ("dog/2.png", "two"),
            ("cat/a.0.png", "three"),
            ("dog/2.txt", "a dog"),
        ]);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
            if fix_checksums {
                let start = at / 512 * 512;
                let mut header = Header::new_old();
                header.as_mut_bytes().copy_from_slice(&bytes[start..start + 512]);
                header.set_cksum();
                bytes[start..start + 512].copy_from_slice(header.as_bytes());
            }
        }
        if cut {
            bytes.truncate(len.index(bytes.len()));
        }
        for layout in [None, Some(TarLayout::ClassFolders), Some(TarLayout::WebDataset)] {
            if let Ok(source) = TarSource::from_bytes("x.tar", bytes.clone(), layout) {
                for index in 0..source.len() {
                    prop_assert!(source.read(index).is_ok());
                }
            }
        }
    }

    #[test]
    fn noise_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
        prop_assert!(open(bytes).is_err());
    }
}
