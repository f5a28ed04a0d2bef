//! In what the images of a work differ from those it was begun with.

use ocelli_data::DataDifference;

/// The first difference between two records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The part, as in `train`.
    pub part: String,
    /// What differs in it.
    pub difference: DataDifference,
}

impl std::fmt::Display for Changed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the {} images are others than before: {}", self.part, self.difference)
    }
}
