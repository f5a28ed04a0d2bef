//! Tars of every kind, sound and damaged.

mod class_folders;
mod damaged;
mod fixtures;
mod index_file;
mod layouts;
mod links;
mod pairing;
mod webdataset;

use super::*;
use ::tar::{Builder, EntryType, Header};
use ocelli_testkit::reference_data;

/// A tar of these files, each with its own content.
fn tar(files: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (path, content) in files {
        append(&mut builder, path.as_bytes(), content.as_bytes());
    }
    builder.into_inner().unwrap()
}

/// Appends a file; a name that is too long gets a GNU long name.
fn append(builder: &mut Builder<Vec<u8>>, path: &[u8], content: &[u8]) {
    let mut header = file_header(content.len() as u64);
    if path.len() <= 100 {
        header.as_mut_bytes()[..path.len()].copy_from_slice(path);
        header.set_cksum();
        builder.append(&header, content).unwrap();
    } else {
        let path = std::str::from_utf8(path).unwrap();
        builder.append_data(&mut header, path, content).unwrap();
    }
}

fn file_header(size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_size(size);
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o644);
    header.set_cksum();
    header
}

/// A header block of another type.
fn special_header(path: &str, kind: EntryType) -> Header {
    let mut header = file_header(0);
    header.set_entry_type(kind);
    header.set_path(path).unwrap();
    header.set_cksum();
    header
}

fn open(bytes: Vec<u8>) -> Result<TarSource> {
    TarSource::from_bytes("x.tar", bytes, None)
}

/// Writes the shards to a folder and opens them together.
fn open_shards(shards: &[Vec<u8>], classes: Option<&[String]>) -> Result<TarSource> {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> =
        (0..shards.len()).map(|at| folder.path().join(format!("{at}.tar"))).collect();
    for (path, shard) in paths.iter().zip(shards) {
        std::fs::write(path, shard).unwrap();
    }
    TarSource::open(&paths, None, classes, Limits::default())
}

/// Class and content of every sample.
fn samples(source: &TarSource) -> Vec<(String, String)> {
    let sample = |index| {
        let record = source.read(index).unwrap();
        assert_eq!(record.name, source.name(index).unwrap());
        assert_eq!(record.label, source.label(index).unwrap());
        let Payload::Encoded(bytes) = record.payload else { panic!("pixels") };
        (
            source.classes()[record.label.unwrap() as usize].clone(),
            String::from_utf8(bytes).unwrap(),
        )
    };
    (0..source.len()).map(sample).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(class, content)| ((*class).to_owned(), (*content).to_owned())).collect()
}

#[test]
fn cifar_10_has_its_published_counts() {
    let Some(folder) = reference_data("cifar10") else { return };
    for (file, len) in [("train.tar", 20_000), ("test.tar", 10_000)] {
        let paths = [folder.join(file)];
        let source = TarSource::open(&paths, None, None, Limits::default()).unwrap();
        assert_eq!(source.len(), len);
        let expected = [
            "airplane",
            "automobile",
            "bird",
            "cat",
            "deer",
            "dog",
            "frog",
            "horse",
            "ship",
            "truck",
        ];
        assert_eq!(source.classes(), expected);
        assert_eq!(crate::class_counts(&source).unwrap(), [len / 10; 10]);
    }
}

#[test]
fn imagenet_samples_have_one_image_of_each_class() {
    let Some(path) = reference_data("imagenet_samples/images.tar") else { return };
    let source = TarSource::open(&[path], None, None, Limits::default()).unwrap();
    assert_eq!(source.classes().len(), 1000);
    assert_eq!(source.classes()[0], "n01440764");
    assert_eq!(crate::class_counts(&source).unwrap(), vec![1; 1000]);
    let Some(list) = reference_data("imagenet_samples/classes.txt") else { return };
    assert_eq!(source.classes(), crate::read_classes(&list).unwrap());
}
