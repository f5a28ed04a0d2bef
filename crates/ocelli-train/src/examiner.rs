//! What is measured about a network while it is trained.

mod classification;
mod neighbours;
mod reconstruction;
mod setup;

pub use classification::Classification;
pub use neighbours::{Neighbours, Voting};
pub use reconstruction::Reconstruction;
pub use setup::ExaminerSetup;

use crate::{Evaluation, ProcessGroup, Result};
use ocelli_nn::Network;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Measures a network at the evaluations of its training.
///
/// What it finds follows from the network and its own settings, so that a run that is resumed finds the
/// same.
pub trait Examiner {
    /// What it is called in messages.
    fn name(&self) -> &'static str;

    /// Whether it examines the network at this evaluation.
    fn is_due(&self, occasion: Occasion) -> bool {
        let _ = occasion;
        true
    }

    /// Whether a training ends where it fails. Otherwise the log says so, and the training goes on.
    fn is_vital(&self) -> bool {
        true
    }

    /// Measures the network. All processes of `group` call it, and find the same. `progress` hears how
    /// many of this process's images are done, and of how many.
    ///
    /// # Errors
    /// When the network cannot be measured.
    fn examine(
        &mut self,
        network: &Network,
        group: &dyn ProcessGroup,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Examined>;
}

/// When an evaluation takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occasion {
    /// Steps taken.
    pub step: u64,
    /// Steps of one pass over the training set.
    pub steps_per_epoch: u64,
}

impl Occasion {
    /// How many passes over the training set are complete, if this is between two of them.
    pub fn between_epochs(&self) -> Option<u64> {
        let is_between = self.step > 0 && self.step.is_multiple_of(self.steps_per_epoch);
        is_between.then(|| self.step / self.steps_per_epoch)
    }
}

/// What an examiner found.
#[derive(Clone, Debug, Default)]
pub struct Examined {
    /// Each value by its name in `metrics.jsonl`.
    pub values: Vec<(String, f64)>,
    /// How good the network is. Of several examiners' the first one's decides which checkpoint is the
    /// best.
    pub score: Option<Score>,
    /// All that is known of a classifier.
    pub evaluation: Option<Evaluation>,
}

impl Examined {
    /// Nothing but values, each by its name in `metrics.jsonl`.
    pub fn values<const N: usize>(values: [(&str, f64); N]) -> Self {
        let values = values.map(|(name, value)| (name.to_owned(), value)).into();
        Self { values, ..Self::default() }
    }
}

impl fmt::Display for Examined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Evaluation { scores, .. }) = &self.evaluation {
            write!(f, "top-1 {:.2} %", scores.top1 * 100.0)?;
            if let Some(top5) = scores.top5 {
                write!(f, ", top-5 {:.2} %", top5 * 100.0)?;
            }
            return write!(f, ", loss {:.4} on {} images", scores.loss, scores.samples);
        }
        self.values.iter().enumerate().try_for_each(|(at, (name, value))| {
            write!(f, "{}{name} {value:.4}", if at > 0 { ", " } else { "" })
        })
    }
}

/// How good a network is: a share, and of what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// What was counted, as in `top-1`.
    #[serde(default = "top1")]
    pub meaning: String,
    /// How many samples were right.
    pub correct: u64,
    /// Of how many.
    pub samples: u64,
}

/// Shares that are measured have these many parts.
const MEASURED: u64 = 1_000_000_000;

/// The share of images whose most probable class is right.
const TOP1: &str = "top-1";

/// Checkpoints did not say what a score means while there was but one.
fn top1() -> String {
    TOP1.to_owned()
}

impl Score {
    /// The share of images that were classified rightly.
    pub fn top1(correct: u64, samples: u64) -> Self {
        Self { meaning: top1(), correct, samples }
    }

    /// A share that was measured, 0 to 1, and not counted.
    pub fn measured(meaning: &str, share: f64) -> Self {
        let correct = (share.clamp(0.0, 1.0) * MEASURED as f64).round() as u64;
        Self { meaning: meaning.to_owned(), correct, samples: MEASURED }
    }

    /// Whether it is the share of images that were classified rightly.
    pub fn is_top1(&self) -> bool {
        self.meaning == TOP1
    }

    /// The share, 0 to 1.
    pub fn share(&self) -> f64 {
        self.correct as f64 / self.samples as f64
    }

    /// Whether `other` is the larger share. They may be of more or fewer samples: unreadable ones are
    /// left out.
    pub fn is_worse_than(&self, other: &Self) -> bool {
        let product = |correct: u64, samples: u64| u128::from(correct) * u128::from(samples);
        product(self.correct, other.samples) < product(other.correct, self.samples)
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { meaning, correct, samples } = self;
        write!(f, "{meaning} {:.2} %", self.share() * 100.0)?;
        if *samples == MEASURED { Ok(()) } else { write!(f, ", {correct} of {samples}") }
    }
}
