//! What can be wrong with files of results.

use std::io;
use std::path::{Path, PathBuf};

/// Why results cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or written.
    #[error("{}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// A file is no table.
    #[error("{}", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// Where it is none.
        #[source]
        error: csv::Error,
    },
    /// A row does not fit the head of its file.
    #[error("{}: {message}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// What was expected.
        message: String,
    },
    /// A build that is no commit would write figures that cannot be repeated.
    #[error("{}: this build is `{commit}`, expected a commit without changes", path.display())]
    NoCommit {
        /// The file.
        path: PathBuf,
        /// What the build says of itself.
        commit: String,
    },
}

impl Error {
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Io { path, error }
    }

    pub(super) fn csv(path: &Path) -> impl FnOnce(csv::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Csv { path, error }
    }

    pub(super) fn row(path: &Path, message: impl Into<String>) -> Self {
        Self::Row { path: path.to_owned(), message: message.into() }
    }
}
