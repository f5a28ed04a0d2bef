//! Every setting of an attack: the file `attack.toml`.

mod compare;
#[cfg(test)]
mod tests;

pub use compare::CompareSection;

use crate::Result;
use crate::error::require;
use ocelli_evolution::{
    BoundsRule, Config as Evolution, Selection, Start, StopRules, Strategy, Weight,
};
use serde::{Deserialize, Serialize};
use std::ops::Not;

use super::{Aim, Inference};

/// How images are attacked. The defaults are the paper's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch that a user turns")]
pub struct Config {
    /// The settings from which these began.
    pub preset: Preset,
    /// The one number from which all random numbers of the attack derive.
    pub seed: u64,
    /// How many images are attacked, drawn from the dataset. The paper takes 500 of CIFAR-10 and 105 of
    /// ImageNet.
    pub images: u64,
    /// What becomes of images that the model does not classify rightly before. The paper does not say.
    pub misclassified: Misclassified,
    /// d: how many pixels may change; every number makes attempts of its own. The paper has 1, 3 and 5.
    pub pixels: Vec<usize>,
    /// Whether a number of pixels is tried only where all smaller ones have failed on the image, towards
    /// the same aim. Rates are then of so many pixels or fewer.
    #[serde(skip_serializing_if = "Not::not")]
    pub fewest: bool,
    /// Whether every other class is a target, once for each image.
    pub targeted: bool,
    /// Whether there is a direct non-targeted attempt for each image.
    pub untargeted: bool,
    /// What ends an evolution before its last generation.
    pub stop: Stop,
    /// A targeted evolution stops when the probability of the target is above this (`stop = "paper"`).
    pub target_probability: f64,
    /// A non-targeted evolution stops when the probability of the true class is below this.
    pub true_probability: f64,
    /// Whether the first population can stop an evolution. In implementations that build on SciPy it
    /// cannot, and an attempt has at least two populations' evaluations.
    pub stop_at_start: bool,
    /// How real numbers become pixels. The paper does not say.
    pub rounding: Rounding,
    /// How the first population is drawn.
    pub first_population: FirstPopulation,
    /// The mean of first colours, on the scale 0 to 255.
    pub colour_mean: f64,
    /// Their standard deviation.
    pub colour_deviation: f64,
    /// How a network's candidates are computed.
    pub inference: Inference,
    /// Whether random search is tried on each image too, with as many evaluations as each attempt had
    /// and with `random_tries`.
    pub random: bool,
    /// Tries of the paper's random search for each image and number of pixels.
    pub random_tries: u64,
    /// Whether everything that one pixel can be is tried on each image.
    pub oracle: bool,
    /// The most evaluations that this may take for an image.
    pub oracle_limit: u64,
    /// `[evolution]`
    pub evolution: EvolutionSection,
    /// `[compare]`
    #[serde(skip_serializing_if = "CompareSection::is_default")]
    pub compare: CompareSection,
}

/// `[evolution]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvolutionSection {
    /// NP.
    pub population: usize,
    /// Whether the population is made smaller until it is a multiple of the genes, which SciPy wants:
    /// 400, 390 and 400 for 1, 3 and 5 pixels of three channels.
    pub population_in_multiples: bool,
    /// The most generations after the first population.
    pub generations: u64,
    /// What a mutant is made of.
    pub strategy: Strategy,
    /// F: a number, or two between which it is drawn for each generation.
    pub weight: Weight,
    /// CR; at 1 there is no crossover.
    pub crossover: f64,
    /// What becomes of a gene that leaves its range.
    pub bounds: BoundsRule,
    /// Whether an individual may be among those that its own mutant is made of.
    pub may_include_parent: bool,
    /// Who survives.
    pub selection: Selection,
    /// The most evaluations of an attempt, where that is less than the generations take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<u64>,
}

/// Settings by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Those of the paper.
    #[default]
    Paper,
    /// Those of other implementations, which build on SciPy's evolution.
    ScipyPeer,
}

/// What becomes of images that the model does not classify rightly before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Misclassified {
    /// They are counted and others are taken in their place.
    #[default]
    Skip,
    /// They are attacked. A non-targeted attempt succeeds on them from the start.
    Attack,
}

/// What ends an evolution before its last generation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// That the probability is above or below that of the paper.
    #[default]
    Paper,
    /// That the aim is reached. Confidences are then not comparable with the paper's.
    FirstSuccess,
    /// Nothing.
    Never,
}

/// How real numbers become pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// Towards zero, as most other implementations do: genes are 0 to W, 0 to H and 0 to 256.
    #[default]
    Truncate,
    /// To the nearest: genes are -½ to W − ½, -½ to H − ½ and -½ to 255½.
    Nearest,
    /// Coordinates are truncated, colours stay real numbers from 0 to 255.
    Real,
}

/// How the first population is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FirstPopulation {
    /// Coordinates uniformly, colours normally.
    #[default]
    Paper,
    /// Everything uniformly.
    Uniform,
    /// A Latin hypercube.
    LatinHypercube,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            preset: Preset::Paper,
            seed: 0,
            images: 500,
            misclassified: Misclassified::Skip,
            pixels: vec![1],
            fewest: false,
            targeted: true,
            untargeted: false,
            stop: Stop::Paper,
            target_probability: 0.9,
            true_probability: 0.05,
            stop_at_start: true,
            rounding: Rounding::Truncate,
            first_population: FirstPopulation::Paper,
            colour_mean: 128.0,
            colour_deviation: 127.0,
            inference: Inference::Auto,
            random: false,
            random_tries: 100,
            oracle: false,
            oracle_limit: 1 << 19,
            evolution: EvolutionSection::default(),
            compare: CompareSection::default(),
        }
    }
}

impl Default for EvolutionSection {
    fn default() -> Self {
        Self {
            population: 400,
            population_in_multiples: false,
            generations: 100,
            strategy: Strategy::Rand1,
            weight: Weight::Constant(0.5),
            crossover: 1.0,
            bounds: BoundsRule::Clip,
            may_include_parent: false,
            selection: Selection::SameIndex,
            budget: None,
        }
    }
}

/// The most pixels that an attempt may change; beyond, it is no attack on few pixels.
const MOST_PIXELS: usize = 4096;
/// Evaluations of one image that end within a day or so.
const MOST_TRIES: u64 = 1_000_000_000;

impl Config {
    /// The settings of a preset.
    pub fn preset(preset: Preset) -> Self {
        let paper = Self::default();
        match preset {
            Preset::Paper => paper,
            Preset::ScipyPeer => Self {
                preset,
                stop: Stop::FirstSuccess,
                stop_at_start: false,
                first_population: FirstPopulation::LatinHypercube,
                evolution: EvolutionSection {
                    population_in_multiples: true,
                    strategy: Strategy::Best1,
                    weight: Weight::Dither([0.5, 1.0]),
                    bounds: BoundsRule::Redraw,
                    ..paper.evolution
                },
                ..paper
            },
        }
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`Field`](ocelli_train::Error::Field) with the first that is out of range.
    pub fn check(&self) -> Result<()> {
        require("images", self.images, self.images >= 1, "1 or more")?;
        let some = !self.pixels.is_empty();
        require("pixels", "empty", some, "a number of pixels, as in [1, 3, 5]")?;
        for &pixels in &self.pixels {
            let holds = (1..=MOST_PIXELS).contains(&pixels);
            require("pixels", pixels, holds, &format!("1 to {MOST_PIXELS}"))?;
            let twice = self.pixels.iter().filter(|other| **other == pixels).count() > 1;
            require("pixels", format!("{pixels} twice"), !twice, "each number once")?;
        }
        if self.fewest {
            let found = format!("{:?}, with `fewest`", self.pixels);
            require("pixels", found, self.pixels.is_sorted(), "numbers that rise")?;
        }
        let aims = self.targeted || self.untargeted;
        require("targeted", "false, as is `untargeted`", aims, "one of them")?;
        for (field, share) in [
            ("target_probability", self.target_probability),
            ("true_probability", self.true_probability),
        ] {
            require(field, share, (0.0..=1.0).contains(&share), "0 to 1")?;
        }
        let mean = self.colour_mean;
        require("colour_mean", mean, mean.is_finite(), "a number")?;
        let deviation = self.colour_deviation;
        let holds = deviation.is_finite() && deviation >= 0.0;
        require("colour_deviation", deviation, holds, "0 or more")?;
        let holds = (1..=MOST_TRIES).contains(&self.random_tries);
        require("random_tries", self.random_tries, holds, &format!("1 to {MOST_TRIES}"))?;
        let holds = self.oracle_limit <= MOST_TRIES;
        require("oracle_limit", self.oracle_limit, holds, &format!("up to {MOST_TRIES}"))?;
        let generations = self.evolution.generations;
        require("evolution.generations", generations, generations <= 1_000_000, "up to 1000000")?;
        if let Some(budget) = self.evolution.budget {
            let population = self.evolution.population as u64;
            let expected = format!("{population} or more, the first population");
            require("evolution.budget", budget, budget >= population, &expected)?;
        }
        self.compare.check()?;
        if self.oracle {
            let is_one = self.pixels == [1];
            let found = format!("true for {:?} pixels", self.pixels);
            require(
                "oracle",
                found,
                is_one,
                "`pixels` to be [1]: what two pixels can be is too much",
            )?;
            let whole = self.rounding != Rounding::Real;
            require("oracle", "true for real colours", whole, "a rounding to whole numbers")?;
        }
        Ok(())
    }

    /// The settings of the evolution of `genes` genes towards `aim`.
    pub(super) fn evolution_of(&self, aim: Aim, genes: usize) -> Evolution {
        let section = &self.evolution;
        let genes = genes.max(1);
        let population = if section.population_in_multiples {
            (section.population / genes).max(1) * genes
        } else {
            section.population
        };
        let fitness = match (self.stop, aim) {
            (Stop::Paper, Aim::Target(_)) => Some(self.target_probability),
            (Stop::Paper, Aim::Untargeted) => Some(self.true_probability),
            (Stop::FirstSuccess | Stop::Never, _) => None,
        };
        let start = match self.first_population {
            FirstPopulation::LatinHypercube => Start::LatinHypercube,
            FirstPopulation::Paper | FirstPopulation::Uniform => Start::ByLaw,
        };
        Evolution {
            population,
            goal: aim.goal(),
            strategy: section.strategy,
            weight: section.weight,
            crossover: section.crossover,
            bounds: section.bounds,
            may_include_parent: section.may_include_parent,
            selection: section.selection,
            start,
            stop: StopRules {
                generations: section.generations,
                fitness,
                evaluations: section.budget,
                spread: None,
                at_start: self.stop_at_start,
            },
        }
    }
}
