//! What samplers know of a trial.

/// A trial as samplers see it.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::search) struct Scored {
    /// The option taken in each decision.
    pub(in crate::search) choices: Vec<usize>,
    /// What it was worth; nothing if it failed.
    pub(in crate::search) reward: f64,
}
