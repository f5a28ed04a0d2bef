//! One network that was tried.

use super::Candidate;
use serde::{Deserialize, Serialize};

/// One network that was tried, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Which trial, counted from zero.
    #[serde(rename = "trial")]
    pub number: u64,
    /// The network.
    pub stages: Candidate,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: TrialOutcome,
}

/// What came of a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum TrialOutcome {
    /// It was trained and measured.
    Done(Score),
    /// It could not be trained to the end.
    Failed {
        /// Why.
        reason: String,
    },
}

/// A network, measured and weighed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// What it is worth.
    pub reward: f64,
    /// What was measured.
    #[serde(flatten)]
    pub measured: Measured,
}

/// What was measured of a network.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// How many images of the minival split it classified rightly.
    pub correct: u64,
    /// Of how many.
    pub samples: u64,
    /// The median time of a training step, in milliseconds.
    pub step_ms: f64,
    /// The same of the backbone, measured in turns with it.
    pub backbone_step_ms: f64,
    /// Its learnt parameters.
    pub params: u64,
    /// Those of the backbone.
    pub backbone_params: u64,
    /// Multiply-adds of one image of the recipe's size.
    pub macs: u64,
    /// How long the trial took, in seconds.
    pub seconds: f64,
}

impl Measured {
    /// The top-1 accuracy, 0 to 1.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.samples.max(1) as f64
    }

    /// The step's time over the backbone's.
    pub fn step_ratio(&self) -> f64 {
        self.step_ms / self.backbone_step_ms
    }

    /// The parameters over the backbone's.
    pub fn params_ratio(&self) -> f64 {
        self.params as f64 / self.backbone_params as f64
    }
}

impl Score {
    /// What cannot be, in a score that was read from a file.
    pub(super) fn problem(&self) -> Option<String> {
        let Measured { correct, samples, step_ms, backbone_step_ms, .. } = self.measured;
        let is_time = |time: f64| time.is_finite() && time > 0.0;
        if samples == 0 || correct > samples {
            return Some(format!("{correct} of {samples} images are no accuracy"));
        }
        if !is_time(step_ms) || !is_time(backbone_step_ms) {
            return Some(format!("steps of {step_ms} and {backbone_step_ms} ms"));
        }
        let is_counted = self.measured.params > 0 && self.measured.backbone_params > 0;
        (!is_counted).then(|| "a network without parameters".to_owned())
    }
}

impl Trial {
    /// What was measured, if it was trained to the end.
    pub fn score(&self) -> Option<&Score> {
        match &self.outcome {
            TrialOutcome::Done(score) => Some(score),
            TrialOutcome::Failed { .. } => None,
        }
    }
}
