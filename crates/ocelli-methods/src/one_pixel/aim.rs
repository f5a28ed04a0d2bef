//! What an attempt is to reach, and what its fitness is.

use ocelli_evolution::Goal;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What an attack is to reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aim {
    /// That the image is taken for this class.
    Target(u32),
    /// That the image is taken for any other class than its own.
    Untargeted,
}

impl Aim {
    /// What evolution does with the fitness.
    pub(super) fn goal(self) -> Goal {
        match self {
            Self::Target(_) => Goal::Maximise,
            Self::Untargeted => Goal::Minimise,
        }
    }

    /// The class whose probability is the fitness.
    pub(super) fn watched(self, truth: u32) -> usize {
        match self {
            Self::Target(class) => class as usize,
            Self::Untargeted => truth as usize,
        }
    }

    /// Whether a class is what was to be reached.
    pub(super) fn is_reached(self, predicted: u32, truth: u32) -> bool {
        match self {
            Self::Target(class) => predicted == class,
            Self::Untargeted => predicted != truth,
        }
    }

    /// A number that no other aim has.
    pub(super) fn number(self) -> u64 {
        match self {
            Self::Target(class) => u64::from(class) + 1,
            Self::Untargeted => 0,
        }
    }

    /// The class, if it is one.
    pub fn target(self) -> Option<u32> {
        match self {
            Self::Target(class) => Some(class),
            Self::Untargeted => None,
        }
    }
}

impl fmt::Display for Aim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target(class) => write!(f, "target {class}"),
            Self::Untargeted => f.write_str("untargeted"),
        }
    }
}
