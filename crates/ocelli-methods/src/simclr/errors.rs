//! What can be wrong with clusters.

use std::io;
use std::path::PathBuf;

/// Clusters that cannot guide a training.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimclrError {
    /// The file of clusters cannot be read.
    #[error("`simclr.clusters`: {}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },

    /// The file is none of clusters, or of other pictures'.
    #[error("`simclr.clusters`: {}: {reason}", path.display())]
    Clusters {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl From<SimclrError> for ocelli_train::Error {
    fn from(error: SimclrError) -> Self {
        Self::method(error)
    }
}
