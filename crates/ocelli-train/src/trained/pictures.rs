//! Pictures without labels, as a source for the loader.

use ocelli_data::{Error, Limits, Payload, Record, Result, Source};
use std::fs;
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
        let io = |source| Error::Io { path: path.clone(), source };
        let (name, found) = (path.display().to_string(), fs::metadata(path).map_err(io)?.len());
        let limit = Limits::default().file_bytes;
        if found > limit {
            return Err(Error::TooLarge { name, found, unit: "bytes", limit });
        }
        let bytes = fs::read(path).map_err(io)?;
        Ok(Record { name, label: 0, payload: Payload::Encoded(bytes) })
    }
}
