//! What can go wrong, each case with the setting or the part of a state that is at fault.

/// The result of an operation of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this crate.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is out of range.
    #[error("`{field}` is {found}, expected {expected}")]
    Setting {
        /// The setting.
        field: &'static str,
        /// What was found.
        found: String,
        /// What would be accepted.
        expected: String,
    },

    /// A state is not one of this evolution.
    #[error("the saved state does not fit: {reason}")]
    State {
        /// What is wrong with it.
        reason: String,
    },

    /// An objective answered for another number of candidates than there are.
    #[error("{found} fitness values for {expected} candidates")]
    Answers {
        /// How many values were given.
        found: usize,
        /// How many candidates were waiting.
        expected: usize,
    },
}
