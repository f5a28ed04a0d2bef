//! What can go wrong with quantized training beside what goes wrong with any.

use ocelli_kernels::quantize::NotFinite;

/// An error of DQA.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DqaError {
    /// A weight is NaN or infinite.
    #[error("`{layer}.weight`: {error}")]
    NotFinite {
        /// The layer.
        layer: String,
        /// Which element, and what it is: a part of the message, hence no source of it.
        error: NotFinite,
    },

    /// The range of a tensor cannot follow the data, and has seen none.
    #[error(
        "`{name}` is frozen before any data was seen, expected a model.freeze that leaves it out"
    )]
    FrozenRange {
        /// The parameter.
        name: String,
    },

    /// A run whose network is to have few bits was trained in another way.
    #[error(
        "the run was trained by `[{section}]`, expected one that was trained with labels alone"
    )]
    OtherMethod {
        /// The section of its method.
        section: String,
    },

    /// A parameter that the method learns is not there: the network was not prepared for it.
    #[error("the network has no parameter `{name}`, expected one prepared for `[dqa]`")]
    NotPrepared {
        /// The parameter.
        name: String,
    },
}

impl From<DqaError> for ocelli_train::Error {
    fn from(error: DqaError) -> Self {
        Self::Method(Box::new(error))
    }
}
