//! What to open of a dataset.

use super::{ClassOrder, Split};
use crate::Limits;

/// What to open of a dataset, and how.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// The part, where there are two.
    pub split: Split,
    /// The classes in the order of their labels, where the dataset's own order will not do:
    /// a part that lacks a class, or numbered labels that should have names.
    pub classes: Option<Vec<String>>,
    /// How classes are sorted that have names in the dataset and none in `classes`.
    pub class_order: ClassOrder,
    /// What is too large.
    pub limits: Limits,
}

impl OpenOptions {
    /// The default options for one part.
    pub fn new(split: Split) -> Self {
        Self { split, ..Self::default() }
    }
}
