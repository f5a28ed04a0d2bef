//! What can go wrong in a method, each case with the file or field that is at fault.

use ocelli_train::Error::Field;
use std::fmt::{self, Display};
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

    /// A network cannot be quantized without training.
    #[error(transparent)]
    PostTraining(#[from] crate::post_training::PostTrainingError),

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

    /// A model that knows one class cannot be fooled.
    #[error(
        "the model tells {classes} classes apart, expected 2 or more: there is nothing else to be"
    )]
    OneClass {
        /// Its classes.
        classes: usize,
    },

    /// An image is not of the size that a model takes.
    #[error("{image} has the shape {found:?}, expected {expected:?}: channels, height, width")]
    ImageShape {
        /// The image.
        image: String,
        /// Its shape.
        found: [usize; 3],
        /// That of the model.
        expected: [usize; 3],
    },

    /// No image can be attacked.
    #[error("none of {examined} images is classified rightly: there is nothing to attack")]
    NothingToAttack {
        /// How many images were looked at.
        examined: u64,
    },

    /// A model answered with something that is no probability.
    #[error("the model's answer to {image} is {found}, expected probabilities")]
    NoProbability {
        /// The image, or what was made of it.
        image: String,
        /// What stands instead of a probability.
        found: f64,
    },

    /// A model gave another number of probabilities than it was asked for.
    #[error("the model answered with {found} probabilities, expected {expected}")]
    Probabilities {
        /// How many it gave.
        found: usize,
        /// How many there should be.
        expected: usize,
    },

    /// A network cannot be computed in parts.
    #[error("the network cannot be computed only where pixels change, on this device")]
    NoDelta,

    /// A model that only gives probabilities cannot be differentiated.
    #[error("FGSM in `compare.attacks` needs gradients, which this model does not give")]
    NoGradient,

    /// What one pixel can be is too much to try.
    #[error(
        "`oracle` for images of {channels}×{height}×{width} takes {count} evaluations each, expected \
         up to `oracle_limit`, {limit}"
    )]
    Oracle {
        /// Channels of the images.
        channels: usize,
        /// Rows of the images.
        height: usize,
        /// Columns of the images.
        width: usize,
        /// How many evaluations there are, in words.
        count: String,
        /// How many may be.
        limit: u64,
    },

    /// Something is wrong with an evolution.
    #[error(transparent)]
    Evolution(#[from] ocelli_evolution::Error),

    /// A search needs a backbone that has a table of stages.
    #[error("`model.name` is {model}, expected an EfficientNetV2: a search varies its stages")]
    Backbone {
        /// The model of the recipe.
        model: String,
    },

    /// A new work would overwrite another one.
    #[error("{} holds {what} already", path.display())]
    LedgerExists {
        /// The ledger.
        path: PathBuf,
        /// What the work is.
        what: WorkKind,
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

    /// A ledger is that of another work, which says nothing about this one.
    #[error("{} was begun with {field} {begun}, now it is {now}", path.display())]
    OtherWork {
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

/// A long work that keeps a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkKind {
    /// An architecture search.
    Search,
    /// An attack.
    Attack,
    /// A loss surface.
    LossSurface,
}

impl Display for WorkKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Search => "a search",
            Self::Attack => "an attack",
            Self::LossSurface => "a loss surface",
        })
    }
}

impl Error {
    /// Says which file or folder an I/O error is about.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |error| Self::Io { path, error }
    }
}

/// Checks a setting.
pub(crate) fn require(field: &str, found: impl Display, holds: bool, expected: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(out_of_range(field, found, expected)) }
}

/// The error that a setting is none of what would be `expected`.
pub(crate) fn out_of_range(field: &str, found: impl Display, expected: &str) -> Error {
    let (field, found, expected) = (field.to_owned(), found.to_string(), expected.to_owned());
    Field { field, found, expected }.into()
}
