//! The binary version of CIFAR-10 and CIFAR-100.
//!
//! Format: <https://www.cs.toronto.edu/~kriz/cifar.html> ("Binary version"). A file is a row of
//! records without a header. A record is one byte of label (for CIFAR-100 two: coarse and fine),
//! then 32 × 32 bytes of red, as many of green, and of blue.

use super::classes::{numbered_classes, read_classes};
use super::storage::Storage;
use super::{SampleKey, in_bounds};
use crate::{Error, Image, Payload, Record, Result, Source};
use std::path::{Path, PathBuf};

const SIDE: u32 = 32;
const PLANE: usize = (SIDE * SIDE) as usize;
const PIXELS: usize = 3 * PLANE;

/// Which of the two datasets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cifar {
    /// Ten classes.
    Ten,
    /// A hundred classes (the fine labels).
    Hundred,
}

impl Cifar {
    fn classes(self) -> usize {
        match self {
            Self::Ten => 10,
            Self::Hundred => 100,
        }
    }

    /// Bytes before the pixels; the last of them is the label.
    fn label_bytes(self) -> usize {
        match self {
            Self::Ten => 1,
            Self::Hundred => 2,
        }
    }

    fn record_bytes(self) -> usize {
        self.label_bytes() + PIXELS
    }

    /// The file that names the classes, in the folder of the batches.
    fn names_file(self) -> &'static str {
        match self {
            Self::Ten => "batches.meta.txt",
            Self::Hundred => "fine_label_names.txt",
        }
    }
}

/// Batches of CIFAR, read in place; the labels, one byte a sample, are in memory.
#[derive(Debug)]
pub struct CifarSource {
    cifar: Cifar,
    batches: Vec<Storage>,
    /// The first index of each batch, and the number of all samples at the end.
    starts: Vec<u64>,
    labels: Vec<u8>,
    classes: Vec<String>,
}

impl CifarSource {
    /// Opens the batches, in this order. Without `classes`, the names are those in the file that
    /// comes with the batches, or numbers if it is not there.
    ///
    /// # Errors
    /// When a batch cannot be read, is no whole number of records, or has a label out of range;
    /// when there is no sample or not the right number of class names.
    pub fn open(cifar: Cifar, batches: &[PathBuf], classes: Option<&[String]>) -> Result<Self> {
        let first = batches.first().map_or(Path::new(""), PathBuf::as_path);
        let names = first.with_file_name(cifar.names_file());
        let own = names.is_file().then(|| read_classes(&names)).transpose()?;
        let classes = match (classes, &own) {
            (Some(classes), _) => classes.to_vec(),
            (None, Some(own)) => own.clone(),
            (None, None) => numbered_classes(cifar.classes() - 1),
        };
        if classes.len() != cifar.classes() {
            let reason = format!("{} class names, expected {}", classes.len(), cifar.classes());
            return Err(Error::BadClassList { path: names, reason });
        }
        let batches = batches.iter().map(|path| Storage::open(path)).collect::<Result<_>>()?;
        let labels = own.map(|own| labels_of(&own, &classes, &names)).transpose()?.flatten();
        let mut source = Self::new(cifar, batches, classes)?;
        if let Some(labels) = labels {
            for label in &mut source.labels {
                *label = labels[usize::from(*label)];
            }
        }
        Ok(source)
    }

    /// The same for one batch in memory, which messages call `name`.
    ///
    /// # Errors
    /// Like [`CifarSource::open`].
    pub fn from_bytes(cifar: Cifar, name: &str, bytes: Vec<u8>) -> Result<Self> {
        let batch = Storage::in_memory(Path::new(name), bytes);
        Self::new(cifar, vec![batch], numbered_classes(cifar.classes() - 1))
    }

    fn new(cifar: Cifar, batches: Vec<Storage>, classes: Vec<String>) -> Result<Self> {
        let mut starts = vec![0];
        let mut labels = Vec::new();
        for batch in &batches {
            read_labels(cifar, batch, &mut labels)?;
            starts.push(labels.len() as u64);
        }
        if labels.is_empty() {
            let path = batches.first().map(|batch| batch.path().to_owned()).unwrap_or_default();
            return Err(Error::Empty { path });
        }
        Ok(Self { cifar, batches, starts, labels, classes })
    }

    /// The batch of a sample, and its index there.
    fn locate(&self, index: u64) -> Result<(&Storage, u64)> {
        in_bounds(index, self.len())?;
        let batch = self.starts.partition_point(|start| *start <= index) - 1;
        Ok((&self.batches[batch], index - self.starts[batch]))
    }
}

impl Source for CifarSource {
    fn len(&self) -> u64 {
        self.labels.len() as u64
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn label(&self, index: u64) -> Result<Option<u32>> {
        Ok(Some(self.labels[in_bounds(index, self.len())?].into()))
    }

    fn name(&self, index: u64) -> Result<String> {
        let (batch, record) = self.locate(index)?;
        Ok(record_name(batch, record))
    }

    fn key(&self, index: u64) -> Result<SampleKey> {
        let (batch, record) = self.locate(index)?;
        let file = batch.path().file_name().unwrap_or_default().display();
        Ok(SampleKey { name: format!("{file}, record {record}"), bytes: PIXELS as u64 })
    }

    fn read(&self, index: u64) -> Result<Record> {
        let (batch, record) = self.locate(index)?;
        let start = record * self.cifar.record_bytes() as u64 + self.cifar.label_bytes() as u64;
        let planes = batch.read_vec_at(PIXELS, start)?;
        let pixels = (0..PLANE)
            .flat_map(|at| [planes[at], planes[PLANE + at], planes[2 * PLANE + at]])
            .collect();
        let image = Image { width: SIDE, height: SIDE, channels: 3, pixels };
        Ok(Record {
            name: record_name(batch, record),
            label: self.label(index)?,
            others: Vec::new(),
            payload: Payload::Pixels(image),
        })
    }
}

/// Where each of the dataset's `own` classes is in `classes`, by name; `None` where these are numbers or
/// other words for the same classes, so that no name is known.
fn labels_of(own: &[String], classes: &[String], file: &Path) -> Result<Option<Vec<u8>>> {
    let position = |name: &String| classes.iter().position(|class| class == name);
    let positions: Vec<Option<usize>> = own.iter().map(position).collect();
    if positions.iter().all(Option::is_none) {
        return Ok(None);
    }
    let known = |(name, position): (&String, &Option<usize>)| match position {
        Some(position) => Ok(*position as u8),
        None => Err(Error::UnknownClass {
            name: file.display().to_string(),
            class: name.clone(),
            classes: classes.len(),
        }),
    };
    own.iter().zip(&positions).map(known).collect::<Result<_>>().map(Some)
}

/// Appends the labels of a batch, checked.
fn read_labels(cifar: Cifar, batch: &Storage, labels: &mut Vec<u8>) -> Result<()> {
    let record_bytes = cifar.record_bytes() as u64;
    let records = batch.len() / record_bytes;
    if !batch.len().is_multiple_of(record_bytes) {
        return Err(Error::WrongLength {
            path: batch.path().to_owned(),
            found: batch.len(),
            expected: (records + 1) * record_bytes,
            reason: format!("a whole number of records of {record_bytes} bytes"),
        });
    }
    for record in 0..records {
        let mut label = [0];
        batch.read_exact_at(&mut label, record * record_bytes + cifar.label_bytes() as u64 - 1)?;
        let [label] = label;
        if usize::from(label) >= cifar.classes() {
            return Err(Error::LabelOutOfRange {
                name: record_name(batch, record),
                label: label.into(),
                classes: cifar.classes(),
            });
        }
        labels.push(label);
    }
    Ok(())
}

fn record_name(batch: &Storage, record: u64) -> String {
    format!("{}, record {record}", batch.path().display())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A batch with these labels; the pixels of a record tell its number and their position.
    fn batch(cifar: Cifar, labels: &[u8]) -> Vec<u8> {
        let record = |(number, label): (usize, &u8)| {
            let mut record = vec![99; cifar.label_bytes()];
            record[cifar.label_bytes() - 1] = *label;
            for plane in 0..3 {
                record.extend(vec![(10 * number + plane) as u8; PLANE]);
            }
            record
        };
        labels.iter().enumerate().flat_map(record).collect()
    }

    #[test]
    fn planes_become_pixels() {
        for cifar in [Cifar::Ten, Cifar::Hundred] {
            let source = CifarSource::from_bytes(cifar, "batch", batch(cifar, &[7, 3])).unwrap();
            assert_eq!((source.len(), source.classes().len()), (2, cifar.classes()));
            let record = source.read(1).unwrap();
            assert_eq!((record.label, record.name.as_str()), (Some(3), "batch, record 1"));
            let Payload::Pixels(image) = record.payload else { panic!("encoded") };
            assert_eq!((image.width, image.height, image.channels), (32, 32, 3));
            assert!(image.pixels.chunks(3).all(|pixel| pixel == [10, 11, 12]));
            assert!(matches!(source.read(2), Err(Error::OutOfBounds { index: 2, len: 2 })));
        }
    }

    #[test]
    fn batches_follow_each_other_and_their_names_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let names = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n";
        std::fs::write(path("batches.meta.txt"), names).unwrap();
        std::fs::write(path("a.bin"), batch(Cifar::Ten, &[1, 2])).unwrap();
        std::fs::write(path("b.bin"), batch(Cifar::Ten, &[3])).unwrap();
        let source = CifarSource::open(Cifar::Ten, &[path("a.bin"), path("b.bin")], None).unwrap();
        assert_eq!(source.classes()[9], "truck");
        assert!(source.name(2).unwrap().ends_with("b.bin, record 0"));
        assert_eq!(source.read(2).unwrap().label, Some(3));
    }

    #[test]
    fn classes_that_are_given_are_found_by_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let own = "airplane\nautomobile\nbird\ndeer\ncat\ndog\nfrog\nhorse\nship\ntruck\n";
        std::fs::write(path("batches.meta.txt"), own).unwrap();
        std::fs::write(path("a.bin"), batch(Cifar::Ten, &[3, 4, 9])).unwrap();
        let labels = |names: &str| {
            let classes: Vec<String> = names.split_whitespace().map(str::to_owned).collect();
            let source = CifarSource::open(Cifar::Ten, &[path("a.bin")], Some(&classes))?;
            (0..3).map(|at| source.label(at)).collect::<Result<Vec<_>>>()
        };
        let usual = own.replace("deer\ncat", "cat\ndeer");
        assert_eq!(labels(&usual).unwrap(), [4, 3, 9].map(Some), "swapped in the dataset");
        let error = labels(&usual.replace("deer", "doe")).unwrap_err();
        assert!(matches!(&error, Error::UnknownClass { class, .. } if class == "deer"), "{error}");
        assert_eq!(
            labels("0 1 2 3 4 5 6 7 8 9").unwrap(),
            [3, 4, 9].map(Some),
            "numbers know no names"
        );
    }

    #[test]
    fn a_label_out_of_range_is_an_error() {
        let error = CifarSource::from_bytes(Cifar::Ten, "batch", batch(Cifar::Ten, &[0, 10]));
        let message = error.unwrap_err().to_string();
        let expected = "batch, record 1: label 10 is out of range; there are 10 classes";
        assert!(message.starts_with(expected), "{message}");
    }

    #[test]
    fn a_cut_batch_is_an_error() {
        let mut bytes = batch(Cifar::Ten, &[0, 1]);
        bytes.pop();
        let error = CifarSource::from_bytes(Cifar::Ten, "batch", bytes).unwrap_err();
        assert!(matches!(error, Error::WrongLength { found: 6145, expected: 6146, .. }));
        let empty = CifarSource::from_bytes(Cifar::Ten, "batch", Vec::new());
        assert!(matches!(empty, Err(Error::Empty { .. })));
    }

    proptest::proptest! {
        #![proptest_config(ocelli_testkit::cases(256))]
        #[test]
        fn what_opens_can_be_read(
            labels in proptest::collection::vec(0..20_u8, 0..4),
            len in 0..3 * 3074_usize,
        ) {
            for cifar in [Cifar::Ten, Cifar::Hundred] {
                let mut bytes = batch(cifar, &labels);
                bytes.truncate(len.next_multiple_of(cifar.record_bytes() / 2));
                if let Ok(source) = CifarSource::from_bytes(cifar, "batch", bytes) {
                    for index in 0..source.len() {
                        proptest::prop_assert!(source.read(index).is_ok());
                    }
                }
            }
        }
    }

    #[test]
    fn the_number_of_class_names_must_fit() {
        let names = ["a", "b"].map(str::to_owned);
        let error = CifarSource::open(Cifar::Ten, &["x.bin".into()], Some(&names)).unwrap_err();
        assert!(matches!(error, Error::BadClassList { .. }));
    }
}
