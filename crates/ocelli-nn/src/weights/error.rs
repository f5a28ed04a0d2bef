//! What can go wrong with a file of weights.

use super::{
    pickle::PickleError,
    report::{LoadReport, Misfit},
};
use std::{io, path::Path};

/// The result of an operation on a file of weights.
pub type Result<T, E = WeightsError> = std::result::Result<T, E>;

/// Why a file of weights was refused. Every message opens with the name of the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The operating system refused to read or write.
    #[error("{file}: {error}")]
    Io {
        /// The file.
        file: String,
        /// What the operating system said: a part of the message, hence no source of it.
        error: io::Error,
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
    #[error("{file}: {error}")]
    Pickle {
        /// The file.
        file: String,
        /// What was met, and where: a part of the message, hence no source of it.
        error: PickleError,
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
    #[error("{file}: no dictionary of tensors{}; the file {}", at(section.as_deref()),
        contents(sections, holds, keys))]
    NoStateDict {
        /// The file.
        file: String,
        /// The section that was asked for, if any.
        section: Option<String>,
        /// The sections that the file does have; that of the file itself has no name.
        sections: Vec<String>,
        /// What the file holds, as in `a dictionary`.
        holds: &'static str,
        /// The keys of the dictionary, if it is one.
        keys: Vec<String>,
    },

    /// A section was asked for of a file that is one list.
    #[error("{file}: it has no sections, as it is safetensors: one list of tensors")]
    NoSections {
        /// The file.
        file: String,
    },

    /// The file is a compiled program.
    #[error("{file}: it is TorchScript, a compiled program; expected the weights alone")]
    TorchScript {
        /// The file.
        file: String,
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

    /// The tensors are those of no model of the registry.
    #[error("{file}: the tensors are those of no known model")]
    NoKnownModel {
        /// The file.
        file: String,
    },

    /// The tensors are those of several models, and the file does not say which it is.
    #[error("{file}: the tensors fit several models, and the file does not say which: {}",
        candidates.join(", "))]
    SeveralModels {
        /// The file.
        file: String,
        /// The models, as the registry calls them.
        candidates: Vec<String>,
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
    #[error("{}: weights of another model: {}", report.file, describe(report, fits))]
    OtherModel {
        /// What fits and what does not.
        report: Box<LoadReport>,
        /// The models of the registry that the file fits.
        fits: Vec<String>,
    },
}

impl WeightsError {
    pub(crate) fn io(path: &Path, error: io::Error) -> Self {
        Self::Io { file: path.display().to_string(), error }
    }
}

/// How many names a message shows before it says how many more there are.
const SHOWN: usize = 3;

fn shortened(items: impl ExactSizeIterator<Item = String>) -> String {
    let more = items.len().saturating_sub(SHOWN);
    let shown: Vec<String> = items.take(SHOWN).collect();
    match more {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "nothing in it".to_owned();
    }
    shortened(names.iter().map(|name| format!("`{name}`")))
}

/// The section that was asked for.
fn at(section: Option<&str>) -> String {
    section.map(|key| format!(" at `{key}`")).unwrap_or_default()
}

/// What a file has instead of the section that was looked for.
fn contents(sections: &[String], holds: &str, keys: &[String]) -> String {
    let locations = sections.iter().map(|section| match section.as_str() {
        "" => "at its top".to_owned(),
        section => format!("at `{section}`"),
    });
    match (sections, keys) {
        ([], []) => format!("holds {holds}"),
        ([], keys) => format!("has {}", list(keys)),
        _ => format!("has some {}", shortened(locations)),
    }
}

fn misfits(entries: &[Misfit]) -> String {
    shortened(entries.iter().map(ToString::to_string))
}

fn describe(report: &LoadReport, fits: &[String]) -> String {
    let LoadReport { loaded, missing, mis_shaped, unexpected, tried, .. } = report;
    let expected = loaded.len() + missing.len() + mis_shaped.len();
    let mut facts = Vec::new();
    if !missing.is_empty() {
        let count = missing.len();
        facts.push(format!("{count} of {expected} tensors are missing ({})", list(missing)));
    }
    if !mis_shaped.is_empty() {
        facts.push(format!("{} have another shape ({})", mis_shaped.len(), misfits(mis_shaped)));
    }
    if !unexpected.is_empty() {
        facts.push(format!("{} are not in the model ({})", unexpected.len(), list(unexpected)));
    }
    if !fits.is_empty() {
        facts.push(format!("they are those of {}", list(fits)));
    }
    if !tried.is_empty() {
        let tried: Vec<String> =
            std::iter::once(&report.location()).chain(tried).map(ToString::to_string).collect();
        facts.push(format!("tried {}", shortened(tried.into_iter())));
    }
    facts.join("; ")
}
