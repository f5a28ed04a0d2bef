//! What can go wrong with ONNX files.

/// The result of an operation on ONNX files.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A version of the standard's operations that is not written.
    #[error("opset {asked}: expected {least} to {most}")]
    Opset {
        /// What was asked for.
        asked: u32,
        /// The oldest that is written.
        least: u32,
        /// The newest.
        most: u32,
    },

    /// An operation that has no form in ONNX.
    #[error("layer `{layer}` has no form in ONNX: {reason}")]
    NoExport {
        /// The layer.
        layer: String,
        /// What it does.
        reason: String,
    },

    /// Protocol buffers hold less than 2 GiB.
    #[error("the file would have {bytes} bytes, and an ONNX file holds at most {most}")]
    TooLarge {
        /// What the weights alone take.
        bytes: u64,
        /// The limit.
        most: u64,
    },

    /// What was written cannot be read, or not be run.
    #[error("the ONNX file is wrong at {at}: {reason}")]
    Malformed {
        /// The operation or the part of the file.
        at: String,
        /// What is wrong.
        reason: String,
    },

    /// The network's own logits are not finite, so that there is nothing to compare with.
    #[error("the network's output for noise is {value}")]
    NotFinite {
        /// The first that is not finite.
        value: f32,
    },

    /// The network cannot be written as it is.
    #[error(transparent)]
    Network(#[from] ocelli_nn::Error),
}

impl Error {
    /// That a file is wrong at an operation.
    pub(crate) fn malformed(at: &str, reason: impl Into<String>) -> Self {
        Self::Malformed { at: at.to_owned(), reason: reason.into() }
    }
}
