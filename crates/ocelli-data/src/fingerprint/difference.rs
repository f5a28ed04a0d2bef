//! Where two fingerprints part.

use super::Fingerprint;
use crate::{Result, Source};
use std::fmt;

/// The first thing in which a dataset is another than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataDifference {
    /// A class has another name, or is new or gone.
    Class {
        /// Its label.
        label: usize,
        /// Its name before, if there was one.
        before: Option<String>,
        /// Its name now, if there is one.
        now: Option<String>,
    },
    /// There are more or fewer samples, and from some index on they are others.
    Count {
        /// How many there were.
        before: u64,
        /// How many there are.
        now: u64,
        /// The first index where another sample stands, and what stands there now.
        first: Option<(u64, String)>,
        /// What stands at the index before, which is as it was.
        after: Option<String>,
    },
    /// As many samples, one of which has another name.
    Sample {
        /// Its index.
        index: u64,
        /// What stands there now.
        now: String,
    },
    /// The same names, and one sample has another picture or label.
    Content {
        /// Its index.
        index: u64,
        /// Its name.
        name: String,
    },
    /// They differ, and the record does not say where.
    Somewhere,
}

impl Fingerprint {
    /// What differs first in `now`, which is the fingerprint of `source`; `None` where it is the same
    /// dataset.
    ///
    /// # Errors
    /// When the name of a sample cannot be read.
    pub fn difference(&self, now: &Self, source: &dyn Source) -> Result<Option<DataDifference>> {
        if self.hash == now.hash {
            return Ok(None);
        }
        if let Some(difference) = self.other_class(now) {
            return Ok(Some(difference));
        }
        let name = |index| -> Result<String> { Ok(super::key(source, index)?.name) };
        let both = || self.stamps.iter().zip(&now.stamps);
        if self.samples != now.samples {
            let shorter = self.samples.min(now.samples);
            let first = both().position(|(one, other)| one.name != other.name);
            let first = first.map_or(shorter, |at| at as u64);
            let standing = (first < now.samples).then(|| name(first)).transpose()?;
            let after = first.checked_sub(1).map(name).transpose()?;
            return Ok(Some(DataDifference::Count {
                before: self.samples,
                now: now.samples,
                first: standing.map(|standing| (first, standing)),
                after,
            }));
        }
        if let Some(at) = both().position(|(one, other)| one.name != other.name) {
            let index = at as u64;
            return Ok(Some(DataDifference::Sample { index, now: name(index)? }));
        }
        // With another budget for contents, stamps of the same sample differ: those prove nothing.
        if self.contents == now.contents
            && let Some(at) = both().position(|(one, other)| one.whole != other.whole)
        {
            let index = at as u64;
            return Ok(Some(DataDifference::Content { index, name: name(index)? }));
        }
        Ok(Some(DataDifference::Somewhere))
    }

    fn other_class(&self, now: &Self) -> Option<DataDifference> {
        let classes = self.classes.len().max(now.classes.len());
        (0..classes).find_map(|label| {
            let (before, now) = (self.classes.get(label), now.classes.get(label));
            let (before, now) = (before.cloned(), now.cloned());
            (before != now).then_some(DataDifference::Class { label, before, now })
        })
    }
}

impl fmt::Display for DataDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Class { label, before: Some(before), now: Some(now) } => {
                write!(f, "class {label} was `{before}` and is `{now}`")
            }
            Self::Class { label, before: Some(before), now: None } => {
                write!(f, "class {label}, `{before}`, is gone")
            }
            Self::Class { label, now, .. } => {
                write!(f, "class {label}, `{}`, is new", now.as_deref().unwrap_or_default())
            }
            Self::Count { before, now, first, after } => {
                write!(f, "there were {before} images and are {now}; ")?;
                match (first, after) {
                    (Some((index, name)), Some(after)) => {
                        write!(f, "the first other one is image {index}, `{name}` after `{after}`")
                    }
                    (Some((index, name)), None) => {
                        write!(f, "the first other one is image {index}, `{name}`")
                    }
                    (None, Some(after)) => write!(f, "none follows `{after}` any more"),
                    (None, None) => write!(f, "none is left"),
                }
            }
            Self::Sample { index, now } => {
                write!(f, "another image stood in place {index}, where `{now}` is now")
            }
            Self::Content { index, name } => {
                write!(f, "image {index}, `{name}`, has another picture or label")
            }
            Self::Somewhere => f.write_str("some image has another picture or label"),
        }
    }
}
