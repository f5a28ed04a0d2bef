//! The folder of a long work, as a training, a search or an attack: one way to begin it, to resume it and to be
//! alone in it.
//!
//! What a command line asks for is a [`WorkFolder`], and nothing is made for it. When all else is known to be
//! well, [`WorkFolder::claim`] makes it a [`ClaimedFolder`].

#[cfg(test)]
mod tests;

use crate::{Error, Result};
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Where a work is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkFolder {
    /// A new folder below [`WorkFolder::PARENT`] of this name and a number.
    Unused(String),
    /// A folder that holds no such work yet.
    New(PathBuf),
    /// The folder of a work that was begun before.
    Begun(PathBuf),
}

/// The folder of a work that begins or goes on.
#[derive(Debug)]
pub struct ClaimedFolder {
    path: PathBuf,
    is_begun: bool,
    /// Whether it was made by the claim.
    is_made: bool,
}

impl WorkFolder {
    /// Where works without a folder of a name are made, below the present folder.
    pub const PARENT: &str = "runs";

    /// The folder to write to. It is made where none was named, so that of several processes at once each gets
    /// one of its own.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn claim(self) -> Result<ClaimedFolder> {
        let is_begun = matches!(self, Self::Begun(_));
        let is_made = matches!(self, Self::Unused(_));
        let path = match self {
            Self::Unused(stem) => Self::claim_unused(Path::new(Self::PARENT), &stem)?,
            Self::New(path) | Self::Begun(path) => path,
        };
        Ok(ClaimedFolder { path, is_begun, is_made })
    }

    /// The first of `STEM-1`, `STEM-2`, … that does not exist in `parent`, to show what would be
    /// made.
    pub fn unused_path(parent: &Path, stem: &str) -> PathBuf {
        let mut number = 1_u64;
        loop {
            let path = parent.join(format!("{stem}-{number}"));
            if !path.exists() {
                return path;
            }
            number += 1;
        }
    }

    /// Makes the first of `STEM-1`, `STEM-2`, … that does not exist in `parent`. Of several processes
    /// at once each gets a folder of its own.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn claim_unused(parent: &Path, stem: &str) -> Result<PathBuf> {
        fs::create_dir_all(parent).map_err(Error::io(parent))?;
        loop {
            let path = Self::unused_path(parent, stem);
            match fs::create_dir(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                made => return made.map(|()| path.clone()).map_err(Error::io(path)),
            }
        }
    }
}

impl ClaimedFolder {
    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a work was begun in it before, which is resumed.
    pub fn is_begun(&self) -> bool {
        self.is_begun
    }

    /// Makes the folder where it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make(&self) -> Result<()> {
        fs::create_dir_all(&self.path).map_err(Error::io(&self.path))
    }

    /// Removes a folder that was made for a work that cannot begin.
    pub fn give_up(&self) {
        if self.is_made {
            // If it cannot be removed, an empty folder is left, which does no harm.
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// Whether this process is alone in a work's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// It is, as long as the file is open: the system lets go of a lock if a process dies.
    Ours,
    /// Another process has the lock.
    Taken,
    /// Nobody knows: some network file systems have no locks, and there a work must do without.
    Unsupported,
}

impl Lock {
    /// Locks the file by which a process is alone in a work's folder.
    ///
    /// # Errors
    /// When it cannot be locked for another reason.
    pub fn try_on(file: &File) -> io::Result<Self> {
        match file.try_lock() {
            Ok(()) => Ok(Self::Ours),
            Err(TryLockError::WouldBlock) => Ok(Self::Taken),
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
                Ok(Self::Unsupported)
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}
