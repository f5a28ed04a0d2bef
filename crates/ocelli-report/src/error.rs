//! What can go wrong with a report, each case with its file.

use std::io;
use std::path::{Path, PathBuf};

/// Why a report could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file or folder could not be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// What was read or written.
        path: PathBuf,
        /// What the system said: a part of the message, hence no source of it.
        error: io::Error,
    },
    /// A record of an event file is damaged.
    #[error("{}: record at byte {offset}: {reason}", path.display())]
    Event {
        /// The event file.
        path: PathBuf,
        /// Where the record begins, in bytes.
        offset: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A figure could not be drawn.
    #[error("figure '{title}': {reason}")]
    Plot {
        /// The figure's title.
        title: String,
        /// What the drawing library said.
        reason: String,
    },
    /// A picture could not be drawn.
    #[error("picture: {reason}")]
    Picture {
        /// What is wrong with it.
        reason: String,
    },
    /// The rows of a matrix do not have the length that its labels ask for.
    #[error("matrix '{title}': row {row} has {found} columns, expected {expected}")]
    Ragged {
        /// The figure's title.
        title: String,
        /// The first bad row.
        row: usize,
        /// Its columns.
        found: usize,
        /// One column a label.
        expected: usize,
    },
}

impl ReportError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        |error| Self::Io { path, error }
    }
}
