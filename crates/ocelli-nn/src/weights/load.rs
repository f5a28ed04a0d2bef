//! Loading a state dict into a network, with a report of what fitted and what did not.

use serde::Serialize;
use std::fmt;

/// A tensor whose shape in the file is not that of the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Misfit {
    /// The name in the model.
    pub name: String,
    /// The shape in the file.
    pub file: Vec<usize>,
    /// The shape in the model.
    pub model: Vec<usize>,
}

impl fmt::Display for Misfit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, file, model } = self;
        write!(formatter, "`{name}` is {file:?} in the file and {model:?} in the model")
    }
}
