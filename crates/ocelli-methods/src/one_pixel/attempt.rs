//! One evolution: an image, an aim, a number of pixels.

use super::pixel::distortion;
use super::{Aim, AttackOutcome, Candidates, Config, Encoding, Ending, Stop};
use crate::Result;
use ocelli_data::Image;
use ocelli_evolution::{End, Evolution, State, exact};
use ocelli_random::{Purpose, Seed};
use rand::RngExt;
use serde::{Deserialize, Serialize};

const ATTEMPT: Purpose = Purpose("one-pixel");

/// Which attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) image: u64,
    pub(super) truth: u32,
    pub(super) pixels: usize,
    pub(super) aim: Aim,
}

impl Key {
    /// The seed of everything random in this attempt.
    pub(super) fn seed(self, seed: u64) -> Seed {
        let position = (self.pixels as u64) << 40 | self.aim.number();
        Seed(Seed(seed).stream(ATTEMPT, self.image, position).random())
    }
}

/// An attempt under way.
#[derive(Debug)]
pub(super) struct Attempt {
    key: Key,
    stop: Stop,
    encoding: Encoding,
    evolution: Evolution,
    best: Option<Incumbent>,
}

/// The best candidate so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Incumbent {
    #[serde(with = "exact::many")]
    genes: Vec<f64>,
    #[serde(with = "exact::one")]
    fitness: f64,
    predicted: u32,
    #[serde(with = "exact::one")]
    confidence: f64,
    #[serde(with = "exact::one")]
    true_probability: f64,
}

/// All that an attempt must remember to go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct AttemptState {
    evolution: State,
    best: Option<Incumbent>,
}

impl Attempt {
    /// Goes on from `saved`; begins where there is none.
    pub(super) fn resume(
        key: Key,
        config: &Config,
        shape: [usize; 3],
        saved: Option<AttemptState>,
    ) -> Result<Self> {
        let encoding = Encoding::new(key.pixels, shape, config.rounding)?;
        let evolution = config.evolution_of(key.aim, encoding.genes());
        let (space, seed) = (encoding.space(config), key.seed(config.seed));
        let (evolution, best) = match saved {
            None => (Evolution::new(evolution, space, seed)?, None),
            Some(AttemptState { evolution: state, best }) => {
                (Evolution::resume(evolution, space, seed, state)?, best)
            }
        };
        Ok(Self { key, stop: config.stop, encoding, evolution, best })
    }

    pub(super) fn state(&self) -> AttemptState {
        AttemptState { evolution: self.evolution.state().clone(), best: self.best.clone() }
    }

    pub(super) fn key(&self) -> Key {
        self.key
    }

    /// Whether it has succeeded, once it has ended.
    pub(super) fn success(&self) -> Option<bool> {
        self.ending().map(|_| self.succeeded())
    }

    pub(super) fn evaluations(&self) -> u64 {
        self.evolution.evaluations()
    }

    /// Adds candidates that wait, `most` of them or fewer, and says how many.
    pub(super) fn ask(&self, most: usize, candidates: &mut Candidates) -> usize {
        if self.ending().is_some() {
            return 0;
        }
        let waiting = self.evolution.pending().chunks_exact(self.encoding.genes()).take(most);
        let count = waiting.len();
        waiting.for_each(|genes| candidates.push_genes(&self.encoding, genes));
        count
    }

    /// Takes the probabilities of the candidates that were asked for.
    ///
    /// # Shapes
    /// - `probabilities`: `[candidates, classes]`
    pub(super) fn tell(&mut self, probabilities: &[f64], classes: usize) -> Result<()> {
        let watched = self.key.aim.watched(self.key.truth);
        let rows = probabilities.chunks_exact(classes);
        let fitness: Vec<f64> = rows.clone().map(|row| row[watched]).collect();
        let goal = self.key.aim.goal();
        let waiting = self.evolution.pending().chunks_exact(self.encoding.genes());
        for ((row, fitness), genes) in rows.zip(&fitness).zip(waiting) {
            if self.best.as_ref().is_some_and(|best| !goal.is_better(*fitness, best.fitness)) {
                continue;
            }
            let predicted = argmax(row);
            self.best = Some(Incumbent {
                genes: genes.to_vec(),
                fitness: *fitness,
                predicted: predicted as u32,
                confidence: row[self.key.aim.target().map_or(predicted, |class| class as usize)],
                true_probability: row[self.key.truth as usize],
            });
        }
        Ok(self.evolution.tell(&fitness)?)
    }

    fn succeeded(&self) -> bool {
        let Key { truth, aim, .. } = self.key;
        self.best.as_ref().is_some_and(|best| aim.is_reached(best.predicted, truth))
    }

    /// Why it has ended, if it has. Looked at between generations only.
    fn ending(&self) -> Option<Ending> {
        let population = self.evolution.config().population;
        let is_between = self.evolution.pending_count() == population;
        let counts = self.evolution.config().stop.at_start || self.evolution.generations() >= 1;
        match self.evolution.end() {
            Some(End::Fitness) => Some(Ending::EarlyStop),
            Some(_) if self.stop == Stop::FirstSuccess && self.succeeded() => {
                Some(Ending::FirstSuccess)
            }
            Some(End::Evaluations) => Some(Ending::Budget),
            Some(End::Generations | End::Spread) => Some(Ending::Generations),
            None => {
                let is_first = self.stop == Stop::FirstSuccess && self.succeeded();
                let has_begun = !self.evolution.trace().is_empty();
                (is_first && has_begun && is_between && counts).then_some(Ending::FirstSuccess)
            }
        }
    }

    /// What came of it, once it has ended.
    pub(super) fn outcome(&self, image: &Image) -> Option<AttackOutcome> {
        let (ending, best) = (self.ending()?, self.best.as_ref()?);
        let changes = self.encoding.changes(&best.genes);
        let trace = self.evolution.trace();
        Some(AttackOutcome {
            pixels: self.key.pixels,
            aim: self.key.aim,
            success: self.succeeded(),
            predicted: best.predicted,
            confidence: best.confidence,
            true_probability: best.true_probability,
            evaluations: self.evolution.evaluations(),
            generations: self.evolution.generations(),
            population: self.evolution.config().population,
            ending,
            distortion: distortion(image, &changes),
            changes,
            best: trace.iter().map(|generation| generation.best as f32).collect(),
            mean: trace.iter().map(|generation| generation.mean as f32).collect(),
            random: None,
        })
    }
}

/// The most probable class, the first of equal ones.
pub fn argmax(probabilities: &[f64]) -> usize {
    let larger = |best: usize, next: usize| {
        if probabilities[next] > probabilities[best] { next } else { best }
    };
    (0..probabilities.len()).reduce(larger).unwrap_or(0)
}
