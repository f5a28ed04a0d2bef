//! Every setting of an evolution, with the one-pixel paper's values as defaults.

use crate::{BoundsRule, Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt::Display;

/// How a population evolves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// NP: how many individuals there are. 400 in the one-pixel paper.
    pub population: usize,
    /// Whether fitness is to grow or to shrink.
    pub goal: Goal,
    /// What a mutant is made of.
    pub strategy: Strategy,
    /// F: how much of a difference is added.
    pub weight: Weight,
    /// CR, 0 to 1: how probable it is that a gene comes from the mutant and not from the parent. At 1,
    /// the paper's value, there is no crossover: the mutant is the child.
    pub crossover: f64,
    /// What becomes of a gene that leaves its range. The paper does not say.
    pub bounds: BoundsRule,
    /// Whether an individual may be among those that its own mutant is made of. The one-pixel paper
    /// does not say; Storn and Price exclude it, and so does what builds on SciPy's evolution.
    pub may_include_parent: bool,
    /// Who survives.
    pub selection: Selection,
    /// How the first population is drawn.
    pub start: Start,
    /// When it ends.
    pub stop: StopRules,
}

/// Whether fitness is to grow or to shrink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// Less is better.
    #[default]
    Minimise,
    /// More is better.
    Maximise,
}

/// What a mutant is made of. The individuals r1, r2, r3 are different ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// `DE/rand/1`: x_r1 + F (x_r2 − x_r3).
    #[default]
    Rand1,
    /// `DE/best/1`: x_best + F (x_r1 − x_r2). With crossover it is SciPy's `best1bin`.
    Best1,
}

/// F, the weight of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Weight {
    /// The same for all.
    Constant(f64),
    /// Drawn for each generation, uniformly between the two: the dither of SciPy.
    Dither([f64; 2]),
}

/// Who survives a generation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// A child replaces the parent of its own index if it is fitter.
    #[default]
    SameIndex,
    /// The same, and also if it is as fit: a population on a plateau keeps moving.
    SameIndexOrEqual,
    /// The best of parents and children together; of equal ones, parents and low indices first.
    BestOfBoth,
}

/// How the first population is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// Every gene by its own law ([`Law`](crate::Law)).
    #[default]
    ByLaw,
    /// Latin hypercube: each gene's range is cut into NP strata, and each has one individual. Laws do
    /// not count. SciPy's default.
    LatinHypercube,
}

/// When an evolution ends. Looked at after each whole generation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StopRules {
    /// The most generations after the first population.
    pub generations: u64,
    /// Ends when the best fitness is beyond this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fitness: Option<f64>,
    /// Ends when another generation would take more evaluations in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluations: Option<u64>,
    /// Ends when the deviation of fitness is at most this share of its mean: SciPy's `tol`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spread: Option<f64>,
    /// Whether the first population can end it. In implementations that build on SciPy it cannot.
    pub at_start: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            population: 400,
            goal: Goal::Minimise,
            strategy: Strategy::Rand1,
            weight: Weight::Constant(0.5),
            crossover: 1.0,
            bounds: BoundsRule::Clip,
            may_include_parent: false,
            selection: Selection::SameIndex,
            start: Start::ByLaw,
            stop: StopRules::default(),
        }
    }
}

impl Default for StopRules {
    fn default() -> Self {
        Self { generations: 100, fitness: None, evaluations: None, spread: None, at_start: true }
    }
}

/// The largest population, which bounds memory.
const LARGEST_POPULATION: usize = 1 << 20;

impl Config {
    /// Checks every field.
    ///
    /// # Errors
    /// [`Error::Setting`] with the first that is out of range.
    pub fn check(&self) -> Result<()> {
        let least = self.least_population();
        let fits = (least..=LARGEST_POPULATION).contains(&self.population);
        let expected = format!("{least} to {LARGEST_POPULATION} individuals");
        require("population", self.population, fits, &expected)?;
        let fine = |weight: f64| weight.is_finite() && (0.0..=10.0).contains(&weight);
        match self.weight {
            Weight::Constant(weight) => require("weight", weight, fine(weight), "0 to 10")?,
            Weight::Dither([low, high]) => {
                let holds = fine(low) && fine(high) && low <= high;
                require("weight", format!("[{low}, {high}]"), holds, "0 ≤ low ≤ high ≤ 10")?;
            }
        }
        let probable = (0.0..=1.0).contains(&self.crossover);
        require("crossover", self.crossover, probable, "0 to 1")?;
        if let Some(spread) = self.stop.spread {
            let holds = spread.is_finite() && spread >= 0.0;
            require("stop.spread", spread, holds, "0 or more")?;
        }
        if let Some(fitness) = self.stop.fitness {
            require("stop.fitness", fitness, !fitness.is_nan(), "a number")?;
        }
        Ok(())
    }

    /// So many individuals take part in a mutant.
    fn least_population(&self) -> usize {
        let others = match self.strategy {
            Strategy::Rand1 => 3,
            Strategy::Best1 => 2,
        };
        others + usize::from(!self.may_include_parent)
    }
}

impl Goal {
    /// Whether `new` is better than `old`. What is not a number is worse than any number.
    pub fn is_better(self, new: f64, old: f64) -> bool {
        match self {
            _ if new.is_nan() => false,
            _ if old.is_nan() => true,
            Self::Minimise => new < old,
            Self::Maximise => new > old,
        }
    }
}

pub(crate) fn require(
    field: &'static str,
    found: impl Display,
    holds: bool,
    expected: &str,
) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::Setting { field, found: found.to_string(), expected: expected.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_in_range_and_what_is_not_is_named() {
        type Spoil = fn(&mut Config);
        Config::default().check().unwrap();
        let cases: [(Spoil, &str); 8] = [
            (|config| config.population = 3, "`population` is 3, expected 4 to"),
            (|config| config.population = usize::MAX, "`population` is"),
            (|config| config.weight = Weight::Constant(f64::NAN), "`weight` is NaN"),
            (|config| config.weight = Weight::Constant(10.5), "`weight` is 10.5"),
            (|config| config.weight = Weight::Dither([0.5, 11.0]), "`weight` is [0.5, 11]"),
            (|config| config.weight = Weight::Dither([1.0, 0.5]), "`weight` is [1, 0.5]"),
            (|config| config.crossover = 1.5, "`crossover` is 1.5"),
            (|config| config.stop.spread = Some(-1.0), "`stop.spread` is -1"),
        ];
        for (spoil, expected) in cases {
            let mut config = Config::default();
            spoil(&mut config);
            let message = config.check().unwrap_err().to_string();
            assert!(message.contains(expected), "{expected} in: {message}");
        }
        Config { population: 3, may_include_parent: true, ..Config::default() }.check().unwrap();
    }

    #[test]
    fn what_is_not_a_number_is_never_better() {
        for goal in [Goal::Minimise, Goal::Maximise] {
            assert!(!goal.is_better(f64::NAN, 1.0) && !goal.is_better(f64::NAN, f64::NAN));
            assert!(goal.is_better(1.0, f64::NAN) && !goal.is_better(1.0, 1.0));
        }
        assert!(Goal::Maximise.is_better(2.0, 1.0) && Goal::Minimise.is_better(1.0, 2.0));
    }
}
