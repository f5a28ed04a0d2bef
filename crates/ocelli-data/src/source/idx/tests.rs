use super::array::{MAX_UNPACKED, header_bytes};
use super::*;
use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use std::io::Write;

/// An IDX file of bytes.
fn idx(dimensions: &[u32], elements: &[u8]) -> Vec<u8> {
    [header_bytes(dimensions), elements.to_vec()].concat()
}

/// Two grey images of 2 × 3 pixels.
fn images() -> Vec<u8> {
    idx(&[2, 2, 3], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
}

fn labels() -> Vec<u8> {
    idx(&[2], &[1, 0])
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn open(images: &[u8], labels: &[u8]) -> Result<IdxSource> {
    IdxSource::from_bytes("set", images, labels, None)
}

fn error_of(images: &[u8]) -> Error {
    open(images, &labels()).unwrap_err()
}

#[test]
fn images_and_labels_are_read_plain_and_packed() {
    for (images, labels) in [(images(), labels()), (gzip(&images()), gzip(&labels()))] {
        let source = open(&images, &labels).unwrap();
        assert_eq!((source.len(), source.classes().len()), (2, 2));
        let record = source.read(1).unwrap();
        assert_eq!((record.label, record.name.as_str()), (Some(0), "set-images image 1"));
        let Payload::Pixels(image) = record.payload else { panic!("encoded") };
        let expected =
            Image { width: 3, height: 2, channels: 1, pixels: vec![7, 8, 9, 10, 11, 12] };
        assert_eq!(image, expected);
        assert!(matches!(source.read(2), Err(Error::OutOfBounds { index: 2, len: 2 })));
    }
}

#[test]
fn all_members_of_a_gzip_file_are_read() {
    let bytes = images();
    let (head, tail) = bytes.split_at(20);
    let members = [gzip(head), gzip(b""), gzip(tail)].concat();
    let pixels = |images: &[u8]| match open(images, &labels()).unwrap().read(1).unwrap().payload {
        Payload::Pixels(image) => image.pixels,
        Payload::Encoded(_) => panic!("encoded"),
    };
    assert_eq!(pixels(&members), [7, 8, 9, 10, 11, 12]);
    assert_eq!(pixels(&[members.clone(), vec![0; 700]].concat()), [7, 8, 9, 10, 11, 12]);
    assert!(matches!(error_of(&gzip(head)), Error::WrongLength { found: 20, .. }));
    let cut = &members[..members.len() - 9];
    assert!(matches!(error_of(cut), Error::Io { .. }));
    let more = [members.clone(), gzip(b"x")].concat();
    assert!(matches!(error_of(&more), Error::WrongLength { found: 29, expected: 28, .. }));
}

#[test]
fn files_are_read_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let (images_path, labels_path) = (folder.path().join("images"), folder.path().join("labels"));
    std::fs::write(&images_path, images()).unwrap();
    std::fs::write(&labels_path, gzip(&labels())).unwrap();
    let source = IdxSource::open(&images_path, &labels_path, None, Limits::default()).unwrap();
    assert_eq!(source.read(0).unwrap().label, Some(1));
}

#[test]
fn images_over_the_limit_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (images_path, labels_path) = (folder.path().join("images"), folder.path().join("labels"));
    std::fs::write(&images_path, images()).unwrap();
    std::fs::write(&labels_path, labels()).unwrap();
    let limits = Limits { pixels: 5, ..Limits::default() };
    let error = IdxSource::open(&images_path, &labels_path, None, limits).unwrap_err();
    assert!(error.to_string().ends_with("images: 3×2 pixels, over the limit of 5 (max_pixels)"));
}

#[test]
fn four_dimensions_are_colour() {
    let source = open(&idx(&[2, 1, 1, 3], &[1, 2, 3, 4, 5, 6]), &labels()).unwrap();
    let Payload::Pixels(image) = source.read(1).unwrap().payload else { panic!("encoded") };
    assert_eq!(image, Image { width: 1, height: 1, channels: 3, pixels: vec![4, 5, 6] });
}

#[test]
fn a_file_that_is_no_idx_is_an_error() {
    let with = |at: usize, value: u8| {
        let mut bytes = images();
        bytes[at] = value;
        bytes
    };
    for (bytes, reason) in [
        (Vec::new(), "ends inside the magic number"),
        (images()[..9].to_vec(), "ends inside the dimensions"),
        (b"\x89PNG\r\n\x1a\n".to_vec(), "expected two zero bytes"),
        (with(2, 0x0d), "element type 0x0d"),
        (with(3, 0), "0 dimensions"),
        (with(3, 9), "9 dimensions"),
        (idx(&[2], &[1, 2]), "images have [images, height, width]"),
        (idx(&[2, 2, 2, 2], &[0; 16]), "images have [images, height, width]"),
        (idx(&[2, 0, 3], &[]), "images of 3×0 pixels"),
        (idx(&[u32::MAX; 3], &[]), "absurd dimensions"),
    ] {
        let error = error_of(&bytes);
        assert!(matches!(error, Error::IdxHeader { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
        assert!(matches!(error_of(&gzip(&bytes)), Error::IdxHeader { .. }));
    }
}

#[test]
fn a_file_of_another_length_is_an_error() {
    let longer = [images(), vec![0]].concat();
    for (bytes, found) in [(&images()[..27], 27), (&longer[..], 29)] {
        let error = error_of(bytes);
        assert!(matches!(error, Error::WrongLength { found: f, expected: 28, .. } if f == found));
        assert!(matches!(error_of(&gzip(bytes)), Error::WrongLength { .. }));
    }
}

#[test]
fn a_damaged_gzip_is_an_error() {
    let mut bytes = gzip(&images());
    let last = bytes.len() - 6;
    bytes[last] ^= 1;
    assert!(matches!(error_of(&bytes), Error::Io { .. }));
    let bytes = gzip(&images());
    assert!(matches!(error_of(&bytes[..bytes.len() - 1]), Error::Io { .. }));
}

#[test]
fn a_gzip_that_promises_too_much_takes_no_memory() {
    let error = error_of(&gzip(&idx(&[1 << 20, 1 << 6, 1 << 6], &[])));
    assert!(matches!(error, Error::TooLarge { limit: MAX_UNPACKED, .. }), "{error}");
    let error = error_of(&idx(&[2, 1 << 20, 1 << 20], &[]));
    assert!(matches!(error, Error::WrongLength { .. }), "{error}");
}

#[test]
fn labels_must_fit_the_images() {
    let error = open(&images(), &idx(&[3], &[0, 1, 2])).unwrap_err();
    assert!(matches!(error, Error::LabelCount { images: 2, labels: 3, .. }), "{error}");
    let error = open(&images(), &images()).unwrap_err();
    assert!(matches!(error, Error::IdxHeader { .. }), "{error}");
    let error = open(&idx(&[0, 2, 3], &[]), &idx(&[0], &[])).unwrap_err();
    assert!(matches!(error, Error::Empty { .. }), "{error}");
}

#[test]
fn a_label_out_of_range_is_an_error() {
    let names = ["only".to_owned()];
    let error = IdxSource::from_bytes("set", &images(), &labels(), Some(&names)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "set-labels, label 0: label 1 is out of range; there are 1 classes, counted from 0"
    );
}

proptest! {
    #![proptest_config(ocelli_testkit::cases(256))]
    #[test]
    fn damaged_files_never_panic(
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
        len in any::<prop::sample::Index>(),
        packed in any::<bool>(),
    ) {
        let mut bytes = if packed { gzip(&images()) } else { images() };
        let at = at.index(bytes.len());
        bytes[at] = value;
        bytes.truncate(len.index(bytes.len() + 1));
        for (images, labels) in [(&bytes, &labels()), (&images(), &bytes)] {
            if let Ok(source) = open(images, labels) {
                for index in 0..source.len() {
                    prop_assert!(source.read(index).is_ok());
                }
            }
        }
    }
}
