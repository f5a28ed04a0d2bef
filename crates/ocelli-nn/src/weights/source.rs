//! The bytes of a weights file, read piece by piece.

use super::error::{Result, WeightsError};
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

/// A file on disk or bytes in memory. Clones share the same file.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    name: Arc<str>,
    bytes: Arc<Bytes>,
    length: u64,
}

#[derive(Debug)]
enum Bytes {
    Memory(Vec<u8>),
    File(Mutex<File>),
}

impl Source {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let name = path.display().to_string().into();
        // Opening a pipe would wait for its other end.
        let kind = std::fs::metadata(path).map_err(|error| WeightsError::io(path, error))?;
        if !kind.is_file() && !kind.is_dir() {
            let error = io::Error::new(io::ErrorKind::InvalidInput, "not a regular file");
            return Err(WeightsError::io(path, error));
        }
        let file = File::open(path).map_err(|error| WeightsError::io(path, error))?;
        let metadata = file.metadata().map_err(|error| WeightsError::io(path, error))?;
        if metadata.is_dir() {
            let found = "it is a folder".to_owned();
            return Err(WeightsError::Unrecognised { file: path.display().to_string(), found });
        }
        let length = metadata.len();
        Ok(Self { name, bytes: Arc::new(Bytes::File(Mutex::new(file))), length })
    }

    pub(crate) fn from_bytes(name: &str, bytes: Vec<u8>) -> Self {
        let length = bytes.len() as u64;
        Self { name: name.into(), bytes: Arc::new(Bytes::Memory(bytes)), length }
    }

    /// What messages call the file.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn len(&self) -> u64 {
        self.length
    }

    /// Reads `length` bytes from `start`. The range is checked against the file before memory is
    /// reserved; `what` names it in the error.
    pub(crate) fn read(&self, start: u64, length: u64, what: &str) -> Result<Vec<u8>> {
        let end = start.saturating_add(length);
        if end > self.length {
            return Err(WeightsError::Truncated {
                file: self.name().to_owned(),
                what: what.to_owned(),
                expected: end,
                actual: self.length,
            });
        }
        let mut bytes = vec![0; length as usize];
        self.fill(start, &mut bytes).map_err(|source| self.io_error(source))?;
        Ok(bytes)
    }

    /// A cursor over the whole file, at its start.
    pub(crate) fn cursor(&self) -> Cursor {
        self.cursor_at(0)
    }

    /// A cursor over the rest of the file from `position`.
    pub(crate) fn cursor_at(&self, position: u64) -> Cursor {
        Cursor { source: self.clone(), position }
    }

    pub(crate) fn io_error(&self, error: io::Error) -> WeightsError {
        WeightsError::Io { file: self.name().to_owned(), error }
    }

    fn fill(&self, start: u64, buffer: &mut [u8]) -> io::Result<()> {
        match &*self.bytes {
            Bytes::Memory(bytes) => {
                let range = bytes.get(start as usize..start as usize + buffer.len());
                buffer.copy_from_slice(range.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
            Bytes::File(file) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(start))?;
                file.read_exact(buffer)
            }
        }
    }
}

/// A reading position in a [`Source`].
#[derive(Debug)]
pub(crate) struct Cursor {
    source: Source,
    position: u64,
}

impl Read for Cursor {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.source.length.saturating_sub(self.position);
        let count = left.min(buffer.len() as u64) as usize;
        if count == 0 {
            return Ok(0);
        }
        self.source.fill(self.position, &mut buffer[..count])?;
        self.position += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_beyond_the_end_is_refused_before_memory_is_reserved() {
        let source = Source::from_bytes("x", vec![1, 2, 3]);
        let error = source.read(2, u64::MAX - 2, "tensor `a`").unwrap_err();
        assert_eq!(
            error.to_string(),
            "x: cut short: tensor `a` ends at byte 18446744073709551615, the file at byte 3"
        );
    }

    #[test]
    fn a_cursor_past_the_end_reads_nothing() {
        let source = Source::from_bytes("x", vec![1, 2, 3]);
        assert_eq!(source.cursor_at(10).read(&mut [0; 4]).unwrap(), 0);
        let mut rest = Vec::new();
        source.cursor_at(2).read_to_end(&mut rest).unwrap();
        assert_eq!(rest, [3]);
    }
}
