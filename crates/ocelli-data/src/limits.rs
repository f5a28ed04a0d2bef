//! How large an input may be. Every size is checked against these before memory is taken for it.

use crate::{Error, Result};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The largest sample that is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of one encoded image file.
    pub file_bytes: u64,
    /// The most pixels (width × height) of one image.
    pub pixels: u64,
}

/// A regular file, opened to be read.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    // Opening a pipe waits for a writer, so that this comes first.
    if std::fs::metadata(path)?.is_file() {
        return File::open(path);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))
}

impl Default for Limits {
    /// 256 MiB and 100 million pixels: larger than any photograph, small enough for one sample
    /// not to exhaust a machine.
    fn default() -> Self {
        Self { file_bytes: 256 << 20, pixels: 100_000_000 }
    }
}

impl Limits {
    /// Reads a whole file, unless it is over the limit. What the system says of its size is not
    /// trusted: a file may grow meanwhile.
    ///
    /// # Errors
    /// When the file cannot be read, is too large, or is no regular file: a pipe could keep a reader
    /// waiting for ever, a device has no end.
    pub fn read_file(&self, path: &Path) -> Result<Vec<u8>> {
        let name = || path.display().to_string();
        let file = open_regular(path).map_err(Error::io(path))?;
        let len = file.metadata().map_err(Error::io(path))?.len();
        self.check_file(name, len)?;
        let mut bytes = Vec::with_capacity(len as usize);
        let most = self.file_bytes.saturating_add(1);
        file.take(most).read_to_end(&mut bytes).map_err(Error::io(path))?;
        self.check_file(name, bytes.len() as u64)?;
        Ok(bytes)
    }

    /// Checks the size of one encoded file.
    ///
    /// # Errors
    /// [`Error::TooLarge`], with `name` for the file.
    pub(crate) fn check_file(&self, name: impl FnOnce() -> String, bytes: u64) -> Result<()> {
        if bytes <= self.file_bytes {
            return Ok(());
        }
        Err(Error::TooLarge { name: name(), found: bytes, unit: "bytes", limit: self.file_bytes })
    }

    /// Checks the size of one decoded image.
    ///
    /// # Errors
    /// [`Error::TooManyPixels`].
    pub(crate) fn check_pixels(&self, width: u32, height: u32) -> Result<()> {
        if u64::from(width) * u64::from(height) <= self.pixels {
            return Ok(());
        }
        Err(Error::TooManyPixels { width, height, limit: self.pixels })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_device_and_a_pipe_are_no_files() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.is_ok_and(|status| status.success()));
        for path in [Path::new("/dev/zero"), &pipe, folder.path()] {
            let error = Limits::default().read_file(path).unwrap_err().to_string();
            assert!(error.ends_with(": not a regular file"), "{error}");
        }
    }

    #[test]
    fn a_file_over_the_limit_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sparse");
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let error = Limits::default().read_file(&path).unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    }
}
