//! What became of an image: a line of the journal.

use super::{Aim, Config, PixelChange, RandomSearch};
use serde::{Deserialize, Serialize};

/// An image that was attacked, with all attempts on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attacked {
    /// Its position in the dataset.
    pub image: u64,
    /// What the dataset calls it.
    pub name: String,
    /// Its class.
    pub label: u32,
    /// What the model takes it for.
    pub predicted: u32,
    /// The probability that the model gives to its class.
    pub clean_probability: f64,
    /// The attempts: by pixels in the order of the settings, then targets, then non-targeted.
    pub outcomes: Vec<AttackOutcome>,
    /// The paper's random search, one for each number of pixels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub random: Vec<RandomSearch>,
    /// What one pixel can do at all: for each class, the largest probability that any change gives it,
    /// and whether one makes it the predicted class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oracle: Option<super::Oracle>,
    /// Other attacks on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rivals: Vec<super::RivalOutcome>,
    /// How long all this took, in seconds.
    pub seconds: f64,
}

impl Attacked {
    /// Whether an attempt is not made because fewer pixels have reached its aim.
    pub(super) fn spares(&self, config: &Config, (pixels, aim): (usize, Aim)) -> bool {
        let reaches = |o: &AttackOutcome| o.success && o.aim == aim && o.pixels < pixels;
        config.fewest && self.outcomes.iter().any(reaches)
    }
}

/// What came of one evolution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttackOutcome {
    /// d.
    pub pixels: usize,
    /// What was to be reached.
    pub aim: Aim,
    /// Whether it was.
    pub success: bool,
    /// What the model takes the best candidate for.
    pub predicted: u32,
    /// The probability of the target, or without one that of the class that the best candidate is taken
    /// for.
    pub confidence: f64,
    /// The probability that is left to the true class.
    pub true_probability: f64,
    /// Candidates that the model was asked about, the first population among them.
    pub evaluations: u64,
    /// Generations after the first population.
    pub generations: u64,
    /// Individuals of a population.
    pub population: usize,
    /// Why the evolution ended.
    pub ending: Ending,
    /// The best candidate.
    pub changes: Vec<PixelChange>,
    /// The mean absolute change of a channel of its pixels, 0 to 255.
    pub distortion: f64,
    /// The best fitness after each generation, the first population first.
    pub best: Vec<f32>,
    /// The mean fitness after each generation.
    pub mean: Vec<f32>,
    /// Random search with as many evaluations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub random: Option<RandomSearch>,
}

impl AttackOutcome {
    /// Evaluations as the paper seems to count them (Table VI has multiples of 400 that are generations):
    /// without the first population.
    pub fn evaluations_after_start(&self) -> u64 {
        self.evaluations.saturating_sub(self.population as u64)
    }
}

/// Why an evolution ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// All generations were made.
    Generations,
    /// Another generation would have taken more evaluations than allowed.
    Budget,
    /// The probability was above 90 % or below 5 %.
    EarlyStop,
    /// The aim was reached.
    FirstSuccess,
}

impl Ending {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Generations => "generations",
            Self::Budget => "budget",
            Self::EarlyStop => "early_stop",
            Self::FirstSuccess => "first_success",
        }
    }
}
