//! The hyper-parameters of a search: the section `[search]` of a recipe.

use super::{Reward, SpaceConfig, StepTime};
use crate::Result;
use crate::error::require;
use serde::{Deserialize, Serialize};

/// How networks are searched for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SearchConfig {
    /// How many networks are tried, the backbone included.
    pub trials: u64,
    /// Passes over the training images in each trial. The paper takes about 10.
    pub epochs: u64,
    /// Height and width of images in trials, in pixels; none means those of `input.size`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_size: Option<u32>,
    /// Training images of each class that are held out to measure accuracy. The paper holds out
    /// 25,000 of ImageNet, which are about 25 of each class.
    pub minival_per_class: u64,
    /// Where the time of a training step comes from.
    #[serde(skip_serializing_if = "StepTime::is_measured")]
    pub step_time: StepTime,
    /// How many steps are timed, in turns with as many of the backbone. The median counts. Modelled
    /// times take none.
    pub timed_steps: usize,
    /// Networks whose step takes more than so many times the backbone's are tried but do not win;
    /// none means that the reward alone decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_step_ratio: Option<f64>,
    /// How the next network is chosen.
    pub sampler: SamplerKind,
    /// `[search.reward]`
    pub reward: Reward,
    /// `[search.space]`
    pub space: SpaceConfig,
    /// `[search.evolution]`
    pub evolution: EvolutionConfig,
    /// `[search.reinforce]`
    pub reinforce: ReinforceConfig,
}

/// The ways of choosing the next network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SamplerKind {
    /// Every network is as probable as any other.
    Random,
    /// Regularised evolution.
    Evolution,
    /// A policy that is reinforced by rewards.
    Reinforce,
}

/// Regularised evolution (Real et al., *Regularized Evolution for Image Classifier Architecture
/// Search*, AAAI 2019, <https://arxiv.org/abs/1802.01548>, algorithm 1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EvolutionConfig {
    /// P: how many of the last trials may have offspring. The first P are random.
    pub population: usize,
    /// S: how many of them compete to be the parent of one trial.
    pub tournament: usize,
}

/// REINFORCE (Williams, *Machine Learning* 8, 1992) with one softmax for each decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReinforceConfig {
    /// How far a reward above the baseline moves the policy. Rewards differ by hundredths.
    pub learning_rate: f64,
    /// How much of the moving baseline survives a trial, 0 to 1.
    pub baseline_decay: f64,
}

impl Default for SearchConfig {
    fn default() -> Self {
        Self {
            trials: 40,
            epochs: 10,
            image_size: None,
            minival_per_class: 25,
            step_time: StepTime::Measured,
            timed_steps: 9,
            max_step_ratio: None,
            sampler: SamplerKind::Evolution,
            reward: Reward::default(),
            space: SpaceConfig::default(),
            evolution: EvolutionConfig::default(),
            reinforce: ReinforceConfig::default(),
        }
    }
}

impl Default for EvolutionConfig {
    /// For tens of trials; the paper has P = 100 and S = 25 for 20,000.
    fn default() -> Self {
        Self { population: 12, tournament: 4 }
    }
}

impl Default for ReinforceConfig {
    fn default() -> Self {
        Self { learning_rate: 10.0, baseline_decay: 0.9 }
    }
}

impl SearchConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// [`Field`](ocelli_train::Error::Field) with the first that is out of range.
    pub fn check(&self) -> Result<()> {
        let above_zero = |value: f64| value.is_finite() && value > 0.0;
        require("search.trials", self.trials, self.trials >= 1, "1 or more")?;
        require("search.epochs", self.epochs, self.epochs >= 1, "1 or more")?;
        let minival = self.minival_per_class;
        require("search.minival_per_class", minival, minival >= 1, "1 or more images")?;
        let steps = self.timed_steps;
        require("search.timed_steps", steps, (1..=1000).contains(&steps), "1 to 1000")?;
        if let Some(ratio) = self.max_step_ratio {
            require("search.max_step_ratio", ratio, above_zero(ratio), "a number above 0")?;
        }
        let Reward { time_exponent, params_exponent } = self.reward;
        for (field, exponent) in [
            ("search.reward.time_exponent", time_exponent),
            ("search.reward.params_exponent", params_exponent),
        ] {
            require(field, exponent, (-10.0..=0.0).contains(&exponent), "-10 to 0")?;
        }
        let EvolutionConfig { population, tournament } = self.evolution;
        require("search.evolution.population", population, population >= 1, "1 or more")?;
        let competes = (1..=population).contains(&tournament);
        require("search.evolution.tournament", tournament, competes, "1 to the population")?;
        let ReinforceConfig { learning_rate: rate, baseline_decay: decay } = self.reinforce;
        require("search.reinforce.learning_rate", rate, above_zero(rate), "a number above 0")?;
        let holds = (0.0..1.0).contains(&decay);
        require("search.reinforce.baseline_decay", decay, holds, "0 to below 1")?;
        self.space.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_in_range_and_what_is_not_is_named() {
        type Spoil = fn(&mut SearchConfig);
        SearchConfig::default().check().unwrap();
        let cases: [(Spoil, &str); 9] = [
            (|config| config.trials = 0, "`search.trials` is 0"),
            (|config| config.epochs = 0, "`search.epochs` is 0"),
            (|config| config.minival_per_class = 0, "`search.minival_per_class` is 0"),
            (|config| config.timed_steps = 0, "`search.timed_steps` is 0"),
            (|config| config.max_step_ratio = Some(f64::NAN), "`search.max_step_ratio` is NaN"),
            (|config| config.reward.time_exponent = 0.1, "`search.reward.time_exponent` is 0.1"),
            (|config| config.evolution.tournament = 13, "`search.evolution.tournament` is 13"),
            (|config| config.reinforce.baseline_decay = 1.0, "baseline_decay` is 1, expected 0 to"),
            (|config| config.space.kernels = vec![4], "`search.space.kernels` is 4"),
        ];
        for (spoil, expected) in cases {
            let mut config = SearchConfig::default();
            spoil(&mut config);
            let message = config.check().unwrap_err().to_string();
            assert!(message.contains(expected), "{expected} in: {message}");
        }
    }
}
