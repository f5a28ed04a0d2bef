//! Pictures without labels, as a source for the loader.

use ocelli_data::{Error, Limits, Payload, Record, Result, Source};
use std::path::PathBuf;

/// Files that are to be classified.
#[derive(Debug)]
pub(super) struct Pictures(pub(super) Vec<PathBuf>);

impl Source for Pictures {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn classes(&self) -> &[String] {
        &[]
    }

    /// Every picture has the label 0, which nobody looks at.
    fn read(&self, index: u64) -> Result<Record> {
        let len = self.len();
        let path = self.0.get(index as usize).ok_or(Error::OutOfBounds { index, len })?;
        let name = path.display().to_string();
        match Limits::default().read_file(path) {
            Ok(bytes) => {
                Ok(Record { name, label: 0, others: Vec::new(), payload: Payload::Encoded(bytes) })
            }
            Err(error) => Err(error.of_sample(name)),
        }
    }
}
