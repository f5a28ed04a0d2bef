//! Bytes that any thread can read at any offset, without a lock.

use crate::limits::open_regular;
use crate::{Error, Result};
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file, or the same bytes in memory, under the name that messages use.
#[derive(Debug)]
pub(crate) struct Storage {
    path: PathBuf,
    len: u64,
    modified: Option<SystemTime>,
    bytes: Bytes,
}

#[derive(Debug)]
enum Bytes {
    File(PositionedFile),
    Memory(Cow<'static, [u8]>),
}

impl Storage {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = open_regular(path).map_err(Error::io(path))?;
        let metadata = file.metadata().map_err(Error::io(path))?;
        let bytes = Bytes::File(PositionedFile::new(file));
        let modified = metadata.modified().ok();
        Ok(Self { path: path.to_owned(), len: metadata.len(), modified, bytes })
    }

    pub(crate) fn in_memory(path: &Path, bytes: impl Into<Cow<'static, [u8]>>) -> Self {
        let bytes = bytes.into();
        let len = bytes.len() as u64;
        Self { path: path.to_owned(), len, modified: None, bytes: Bytes::Memory(bytes) }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Length in bytes, when the storage was opened.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// When the file was last modified, if the system knows.
    pub(crate) fn modified(&self) -> Option<SystemTime> {
        self.modified
    }

    /// Fills `buffer` from `offset`.
    pub(crate) fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> Result<()> {
        self.fill(buffer, offset).map_err(Error::io(&self.path))
    }

    fn fill(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        match &self.bytes {
            Bytes::File(file) => file.read_exact_at(buffer, offset),
            Bytes::Memory(bytes) => copy_at(bytes, buffer, offset),
        }
    }

    /// `len` bytes from `offset`. The caller has checked `len` against a limit.
    pub(crate) fn read_vec_at(&self, len: usize, offset: u64) -> Result<Vec<u8>> {
        let mut buffer = vec![0; len];
        self.read_exact_at(&mut buffer, offset)?;
        Ok(buffer)
    }

    /// Reads from the start to the end.
    pub(crate) fn reader(&self) -> impl Read {
        StorageReader { storage: self, position: 0 }
    }
}

struct StorageReader<'a> {
    storage: &'a Storage,
    position: u64,
}

impl Read for StorageReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.storage.len - self.position).unwrap_or(usize::MAX);
        let len = buffer.len().min(left);
        self.storage.fill(&mut buffer[..len], self.position)?;
        self.position += len as u64;
        Ok(len)
    }
}

fn copy_at(bytes: &[u8], buffer: &mut [u8], offset: u64) -> io::Result<()> {
    let found = usize::try_from(offset)
        .ok()
        .and_then(|start| bytes.get(start..start.checked_add(buffer.len())?))
        .ok_or(io::ErrorKind::UnexpectedEof)?;
    buffer.copy_from_slice(found);
    Ok(())
}

#[cfg(unix)]
#[derive(Debug)]
struct PositionedFile(File);

#[cfg(unix)]
impl PositionedFile {
    fn new(file: File) -> Self {
        Self(file)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.0, buffer, offset)
    }
}

/// Where the standard library has no positioned reads, readers take turns.
#[cfg(not(unix))]
#[derive(Debug)]
struct PositionedFile(std::sync::Mutex<File>);

#[cfg(not(unix))]
impl PositionedFile {
    fn new(file: File) -> Self {
        Self(std::sync::Mutex::new(file))
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        use std::io::{Seek, SeekFrom};
        let mut file = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(buffer)
    }
}
