//! What can go wrong with a file of weights.

use super::{load::Misfit, pickle::PickleError};
use std::{io, path::Path};

/// The result of an operation on a file of weights.
pub type Result<T, E = WeightsError> = std::result::Result<T, E>;

/// Why a file of weights was refused. Every message opens with the name of the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The operating system refused to read or write.
    #[error("{file}: {source}")]
    Io {
        /// The file.
        file: String,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },

    /// The first bytes belong to no format that is read here.
    #[error("{file}: not a file of weights: {found}; expected safetensors or a PyTorch .pth")]
    Unrecognised {
        /// The file.
        file: String,
        /// What it looks like instead.
        found: String,
    },

    /// A size that the file claims is beyond the limit, so no memory was reserved for it.
    #[error("{file}: {what}: {actual} is over the limit of {limit}")]
    TooLarge {
        /// The file.
        file: String,
        /// What is counted, with its unit.
        what: String,
        /// What the file claims.
        actual: u64,
        /// What is allowed.
        limit: u64,
    },

    /// The file ends before something that it promises.
    #[error("{file}: cut short: {what} ends at byte {expected}, the file at byte {actual}")]
    Truncated {
        /// The file.
        file: String,
        /// The part that is cut.
        what: String,
        /// Where it should end.
        expected: u64,
        /// The length of the file.
        actual: u64,
    },

    /// The header of a safetensors file contradicts itself.
    #[error("{file}: bad safetensors header: {reason}")]
    Header {
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },

    /// The pickle inside a PyTorch file is malformed, or asks for something that is not allowed.
    #[error("{file}: {source}")]
    Pickle {
        /// The file.
        file: String,
        /// What was met, and where.
        #[source]
        source: PickleError,
    },

    /// The container around the pickle of a PyTorch file is malformed.
    #[error("{file}: {reason}")]
    Container {
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },

    /// The file holds values, but no dictionary of tensors where one is looked for.
    #[error("{file}: no dictionary of tensors{}; the file has {}",
        section.as_ref().map(|key| format!(" at `{key}`")).unwrap_or_default(), list(keys))]
    NoStateDict {
        /// The file.
        file: String,
        /// The key that was asked for, if any.
        section: Option<String>,
        /// The keys that the file does have.
        keys: Vec<String>,
    },

    /// One tensor is malformed.
    #[error("{file}: tensor `{name}`: {reason}")]
    Tensor {
        /// The file.
        file: String,
        /// The tensor.
        name: String,
        /// What is wrong with it.
        reason: String,
    },

    /// The tensors fit the model but for its classifier, which has another number of classes.
    #[error(
        "{file}: the classifier is of another size: {}; reset the head to load all other layers",
        misfits(heads)
    )]
    OtherHead {
        /// The file.
        file: String,
        /// The tensors of the classifier, with both shapes.
        heads: Vec<Misfit>,
    },

    /// The tensors are those of another model.
    #[error(
        "{file}: weights of another model: {} of {expected} tensors are missing{}{}{}",
        missing.len(), examples(missing), mis_shaped_clause(mis_shaped), unexpected_clause(unexpected)
    )]
    OtherModel {
        /// The file.
        file: String,
        /// How many tensors the model has.
        expected: usize,
        /// What the file lacks.
        missing: Vec<String>,
        /// What has another shape in the file.
        mis_shaped: Vec<Misfit>,
        /// What the model has no use for.
        unexpected: Vec<String>,
    },
}

impl WeightsError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { file: path.display().to_string(), source }
    }
}

/// How many names a message shows before it says how many more there are.
const SHOWN: usize = 3;

fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "nothing in it".to_owned();
    }
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn examples(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!(" ({})", list(names)) }
}

fn misfits(entries: &[Misfit]) -> String {
    let shown: Vec<String> = entries.iter().take(SHOWN).map(ToString::to_string).collect();
    match entries.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn mis_shaped_clause(entries: &[Misfit]) -> String {
    match entries.len() {
        0 => String::new(),
        count => format!(", {count} have another shape ({})", misfits(entries)),
    }
}

fn unexpected_clause(names: &[String]) -> String {
    match names.len() {
        0 => String::new(),
        count => format!(", {count} are not in the model{}", examples(names)),
    }
}
