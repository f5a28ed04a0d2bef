//! Pictures without labels, as a source for the loader.

use ocelli_data::{Error, Limits, Payload, Record, Result, Source};
use std::fs;
use std::path::{Path, PathBuf};

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
        match bytes(path) {
            Ok(bytes) => Ok(Record { name, label: 0, payload: Payload::Encoded(bytes) }),
            Err(error) => Err(error.of_sample(name)),
        }
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>> {
    let io = |error| Error::Io { path: path.to_owned(), error };
    let found = fs::metadata(path).map_err(io)?.len();
    let limit = Limits::default().file_bytes;
    if found > limit {
        let name = path.display().to_string();
        return Err(Error::TooLarge { name, found, unit: "bytes", limit });
    }
    fs::read(path).map_err(io)
}
