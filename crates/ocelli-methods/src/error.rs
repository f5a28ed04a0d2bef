//! What can go wrong in a method, each case with the file or field that is at fault.

use std::path::PathBuf;

/// The result of an operation of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something is wrong with a recipe, or a training cannot go on.
    #[error(transparent)]
    Train(#[from] ocelli_train::Error),

    /// Something is wrong with a network.
    #[error(transparent)]
    Network(#[from] ocelli_nn::Error),

    /// Something is wrong with the data.
    #[error(transparent)]
    Data(#[from] ocelli_data::Error),

    /// A setting of a study is out of range.
    #[error("`{field}` is {found}, expected {expected}")]
    Setting {
        /// The setting.
        field: &'static str,
        /// What was found.
        found: String,
        /// What would be accepted.
        expected: String,
    },

    /// A study needs images.
    #[error("no image to look at")]
    NoImages,

    /// A search needs a backbone that has a table of stages.
    #[error("`model.name` is {model}, expected an EfficientNetV2: a search varies its stages")]
    Backbone {
        /// The model of the recipe.
        model: String,
    },

    /// A new search would overwrite another one.
    #[error("{} holds a search already", path.display())]
    LedgerExists {
        /// The ledger.
        path: PathBuf,
    },

    /// Another process is writing to the ledger.
    #[error("another process is writing to {}", path.display())]
    LedgerBusy {
        /// The ledger.
        path: PathBuf,
    },

    /// A line of a ledger is not what it should be.
    #[error("{} line {line}: {reason}", path.display())]
    Ledger {
        /// The ledger.
        path: PathBuf,
        /// The line, counted from one.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },

    /// A ledger is that of another search, whose trials say nothing about this one.
    #[error("{} was begun with {field} {begun}, now it is {now}", path.display())]
    OtherSearch {
        /// The ledger.
        path: PathBuf,
        /// What differs, as in `space.kernels.1` or `recipe.optimizer.lr`.
        field: String,
        /// Its value in the ledger.
        begun: String,
        /// Its value now.
        now: String,
    },

    /// A file or folder could not be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said: a part of the message, hence no source of it.
        error: std::io::Error,
    },
}

impl Error {
    /// Says which file or folder an I/O error is about.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |error| Self::Io { path, error }
    }
}
