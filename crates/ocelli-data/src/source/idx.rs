//! IDX files: the format of MNIST and of the sets made in its likeness.
//!
//! An images file has the dimensions `[images, height, width]`, or `[images, height, width, 3]`
//! for colour; a labels file has `[labels]`.

mod array;
mod gzip;

use super::classes::numbered_classes;
use super::storage::Storage;
use super::{SampleKey, in_bounds};
use crate::{Error, Image, Limits, Payload, Record, Result, Source};
use array::{IdxArray, Shape};
use std::path::Path;

/// An images file and its labels file.
///
/// Plain files are read in place; of a gzip file the unpacked content stays in memory. The
/// labels, one byte a sample, are always in memory.
#[derive(Debug)]
pub struct IdxSource {
    images: IdxArray,
    labels: Vec<u8>,
    classes: Vec<String>,
    shape: Shape,
}

impl IdxSource {
    /// Opens the two files; `classes` names the labels, else they are called `0`, `1`, ….
    ///
    /// # Errors
    /// When a file cannot be read, is no IDX file of bytes, has another length than its header
    /// says, has images over a limit, or when labels are missing or out of range.
    pub fn open(
        images: &Path,
        labels: &Path,
        classes: Option<&[String]>,
        limits: Limits,
    ) -> Result<Self> {
        Self::new(IdxArray::open(images)?, &IdxArray::open(labels)?, classes, limits)
    }

    /// The same from bytes in memory, plain or packed by gzip.
    ///
    /// # Errors
    /// Like [`IdxSource::open`]; messages call the two `NAME-images` and `NAME-labels`.
    pub fn from_bytes(
        name: &str,
        images: &[u8],
        labels: &[u8],
        classes: Option<&[String]>,
    ) -> Result<Self> {
        let array = |part: &str, bytes: &[u8]| {
            let path = format!("{name}-{part}");
            IdxArray::new(Storage::in_memory(Path::new(&path), bytes.to_vec()))
        };
        Self::new(array("images", images)?, &array("labels", labels)?, classes, Limits::default())
    }

    fn new(
        images: IdxArray,
        labels: &IdxArray,
        classes: Option<&[String]>,
        limits: Limits,
    ) -> Result<Self> {
        let shape = images.image_shape(limits)?;
        if labels.dimensions.len() != 1 {
            let found = labels.dimensions.len();
            return Err(labels.bad_header(format!("{found} dimensions; labels have 1")));
        }
        if labels.dimensions[0] != images.dimensions[0] {
            return Err(Error::LabelCount {
                path: labels.storage.path().to_owned(),
                images: images.dimensions[0].into(),
                labels: labels.dimensions[0].into(),
            });
        }
        if labels.dimensions[0] == 0 {
            return Err(Error::Empty { path: images.storage.path().to_owned() });
        }
        let values = labels.storage.read_vec_at(labels.dimensions[0] as usize, labels.start)?;
        let classes = match classes {
            Some(names) => names.to_vec(),
            None => numbered_classes(values.iter().copied().max().map_or(0, usize::from)),
        };
        if let Some(at) = values.iter().position(|label| usize::from(*label) >= classes.len()) {
            return Err(Error::LabelOutOfRange {
                name: format!("{}, label {at}", labels.storage.path().display()),
                label: values[at].into(),
                classes: classes.len(),
            });
        }
        Ok(Self { images, labels: values, classes, shape })
    }
}

impl Source for IdxSource {
    fn len(&self) -> u64 {
        self.labels.len() as u64
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn label(&self, index: u64) -> Result<Option<u32>> {
        let at = in_bounds(index, self.len())?;
        Ok(Some(self.labels[at].into()))
    }

    fn name(&self, index: u64) -> Result<String> {
        in_bounds(index, self.len())?;
        Ok(format!("{} image {index}", self.images.storage.path().display()))
    }

    fn key(&self, index: u64) -> Result<SampleKey> {
        in_bounds(index, self.len())?;
        Ok(SampleKey { name: format!("image {index}"), bytes: self.shape.bytes() as u64 })
    }

    fn read(&self, index: u64) -> Result<Record> {
        let label = self.label(index)?;
        let (Shape { height, width, channels }, len) = (self.shape, self.shape.bytes());
        let pixels =
            self.images.storage.read_vec_at(len, self.images.start + index * len as u64)?;
        let image = Image { width, height, channels, pixels };
        let payload = Payload::Pixels(image);
        Ok(Record { name: self.name(index)?, label, others: Vec::new(), payload })
    }
}

#[cfg(test)]
mod tests;
