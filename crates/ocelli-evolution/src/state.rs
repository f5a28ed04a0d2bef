//! All that an evolution must remember to go on, to the bit.

use crate::{Config, Error, Result, Space};
use serde::{Deserialize, Serialize};

/// An evolution that was stopped, in the middle of a generation or after one. What can be derived from
/// the seed is not in it. Floats are written as their bits, which no text format rounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The generation under way; 0 is the first population.
    pub(crate) generation: u64,
    /// The survivors of the generation before; empty in generation 0.
    #[serde(with = "crate::exact::many")]
    pub(crate) population: Vec<f64>,
    /// The fitness of each survivor.
    #[serde(with = "crate::exact::many")]
    pub(crate) fitness: Vec<f64>,
    /// The fitness of the first candidates of this generation, as far as they are evaluated.
    #[serde(with = "crate::exact::many")]
    pub(crate) evaluated: Vec<f64>,
    /// What became of each whole generation.
    pub(crate) trace: Vec<Generation>,
}

/// What became of one generation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Generation {
    /// The best fitness after selection.
    #[serde(with = "crate::exact::one")]
    pub best: f64,
    /// The mean fitness after selection.
    #[serde(with = "crate::exact::one")]
    pub mean: f64,
}

impl State {
    /// Checks that this can be a state of such an evolution.
    pub(crate) fn check(&self, config: &Config, space: &Space) -> Result<()> {
        let refuse = |reason: String| Err(Error::State { reason });
        let survivors = if self.generation == 0 { 0 } else { config.population };
        if self.fitness.len() != survivors || self.population.len() != survivors * space.len() {
            let (found, genes) = (self.fitness.len(), self.population.len());
            return refuse(format!(
                "{found} individuals with {genes} genes in all, expected {survivors} with {} each",
                space.len()
            ));
        }
        if self.evaluated.len() >= config.population {
            let found = self.evaluated.len();
            return refuse(format!("{found} of {} candidates evaluated", config.population));
        }
        if self.trace.len() as u64 != self.generation {
            let (found, expected) = (self.trace.len(), self.generation);
            return refuse(format!("a trace of {found} generations, expected {expected}"));
        }
        let in_range = |row: &[f64]| {
            row.iter()
                .zip(space.genes())
                .all(|(value, gene)| (gene.low..=gene.high).contains(value))
        };
        if !self.population.chunks_exact(space.len().max(1)).all(in_range) {
            return refuse("a gene is out of its range".to_owned());
        }
        Ok(())
    }
}
