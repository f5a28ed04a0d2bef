//! The baseline: random pixels of random colours.

use super::attempt::argmax;
use super::{Aim, Candidates, Encoding, PixelChange};
use ocelli_evolution::exact;
use ocelli_random::{Purpose, Seed};
use rand::RngExt;
use serde::{Deserialize, Serialize};

const TRY: Purpose = Purpose("one-pixel-random");

/// What random search found. It is given the benefit of any of its tries: where an evolution is
/// judged by its best candidate, here one success among all counts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RandomSearch {
    /// d.
    pub pixels: usize,
    /// Candidates that the model was asked about.
    pub evaluations: u64,
    /// Whether any of them reached the aim.
    pub success: bool,
    /// The largest probability of the target, or without one of any other class, among those that did.
    pub confidence: f64,
}

/// A random search under way.
#[derive(Clone, Debug)]
pub(super) struct Search {
    encoding: Encoding,
    seed: Seed,
    aim: Aim,
    truth: u32,
    /// How many candidates in all.
    tries: u64,
    found: SearchState,
}

/// All that a random search must remember to go on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct SearchState {
    evaluations: u64,
    success: bool,
    #[serde(with = "exact::one")]
    confidence: f64,
}

impl Search {
    /// A search with so many tries, each with random numbers of its own.
    pub(super) fn new(encoding: Encoding, seed: Seed, aim: Aim, truth: u32, tries: u64) -> Self {
        Self { encoding, seed, aim, truth, tries, found: SearchState::default() }
    }

    pub(super) fn resume(&mut self, state: SearchState) {
        self.found = state;
    }

    pub(super) fn state(&self) -> SearchState {
        self.found.clone()
    }

    /// What it found.
    pub(super) fn finish(self) -> RandomSearch {
        let SearchState { evaluations, success, confidence } = self.found;
        RandomSearch { pixels: self.encoding.pixels, evaluations, success, confidence }
    }

    /// Adds the next candidates, `most` of them or fewer, and says how many.
    pub(super) fn ask(&self, most: usize, candidates: &mut Candidates) -> usize {
        let done = self.found.evaluations;
        let count = (most as u64).min(self.tries.saturating_sub(done));
        for number in done..done + count {
            candidates.push(&self.draw(number));
        }
        count as usize
    }

    /// Takes the probabilities of the candidates that were asked for.
    ///
    /// # Shapes
    /// - `probabilities`: `[candidates, classes]`
    pub(super) fn tell(&mut self, probabilities: &[f64], classes: usize) {
        for row in probabilities.chunks_exact(classes) {
            self.found.evaluations += 1;
            let predicted = argmax(row);
            if self.aim.is_reached(predicted as u32, self.truth) {
                self.found.success = true;
                self.found.confidence = self.found.confidence.max(row[predicted]);
            }
        }
    }

    /// One candidate: every pixel and every value is as probable.
    fn draw(&self, number: u64) -> Vec<PixelChange> {
        let Encoding { pixels, channels, height, width, .. } = self.encoding;
        let mut random = self.seed.stream(TRY, 0, number);
        let mut change = || PixelChange {
            x: random.random_range(0..width as u32),
            y: random.random_range(0..height as u32),
            value: (0..channels).map(|_| f32::from(random.random::<u8>())).collect(),
        };
        (0..pixels).map(|_| change()).collect()
    }
}
