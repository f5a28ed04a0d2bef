//! Other attacks on the same images, as the paper's Table IX sets them beside its own: the fast gradient sign
//! method, which changes every pixel a little, and local search, which changes a few dozen a lot.

mod fgsm;
mod local_search;

use super::plan::check_probabilities;
use super::{Candidates, CompareSection, Picture, PixelChange, Session};
use crate::Result;
use local_search::LocalSearchState;
use ocelli_data::Image;
use ocelli_evolution::exact;
use ocelli_random::Seed;
use serde::{Deserialize, Serialize};
use std::fmt;

/// An attack that one-pixel attacks are compared with. None of them has a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rival {
    /// Fast gradient sign method: Goodfellow et al., 2015, <https://arxiv.org/abs/1412.6572>. It sees the
    /// weights of the network.
    Fgsm,
    /// Greedy local search: Narodytska and Kasiviswanathan, 2016, <https://arxiv.org/abs/1612.06299>,
    /// algorithm LocSearchAdv with k = 1. It asks for probabilities, like the one-pixel attack.
    LocalSearch,
}

impl fmt::Display for Rival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fgsm => "FGSM",
            Self::LocalSearch => "local search",
        })
    }
}

/// What became of an image under another attack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RivalOutcome {
    /// Which.
    pub attack: Rival,
    /// Whether the image is taken for another class than its own.
    pub success: bool,
    /// What it is taken for.
    pub predicted: u32,
    /// The probability of that class.
    pub confidence: f64,
    /// The probability that is left to the true class.
    pub true_probability: f64,
    /// Images that the model was asked about.
    pub evaluations: u64,
    /// Gradients that it was asked for.
    pub gradients: u64,
    /// Pixels that differ from those of the image.
    pub changed_pixels: u64,
    /// The mean absolute change of a channel of those, 0 to 255.
    pub distortion: f64,
}

/// What the other attacks have done to an image so far: those that have ended, and the one under way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct RivalsState {
    ended: Vec<Ended>,
    under_way: Option<LocalSearchState>,
}

/// An outcome that is saved with the bits of its values, which text could round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
struct Ended(RivalOutcome);

#[derive(Serialize, Deserialize)]
struct Saved {
    outcome: RivalOutcome,
    #[serde(with = "exact::one")]
    confidence: f64,
    #[serde(with = "exact::one")]
    true_probability: f64,
    #[serde(with = "exact::one")]
    distortion: f64,
}

impl From<Ended> for Saved {
    fn from(Ended(outcome): Ended) -> Self {
        let RivalOutcome { confidence, true_probability, distortion, .. } = outcome;
        Self { outcome, confidence, true_probability, distortion }
    }
}

impl From<Saved> for Ended {
    fn from(saved: Saved) -> Self {
        let Saved { outcome, confidence, true_probability, distortion } = saved;
        Self(RivalOutcome { confidence, true_probability, distortion, ..outcome })
    }
}

/// What the other attacks work on.
pub(super) struct AttackContext<'a> {
    pub(super) section: &'a CompareSection,
    pub(super) picture: &'a Picture,
    /// Its position in the dataset, for random numbers.
    pub(super) image: u64,
    pub(super) truth: u32,
    pub(super) classes: usize,
    pub(super) seed: Seed,
}

impl RivalsState {
    /// Asks the model about a block of images, about `block` of them, and says how many; none when all
    /// attacks have ended.
    pub(super) fn step(
        &mut self,
        context: &AttackContext<'_>,
        session: &mut dyn Session,
        block: usize,
    ) -> Result<u64> {
        let Some(attack) = context.section.attacks.get(self.ended.len()) else { return Ok(0) };
        match attack {
            Rival::Fgsm => {
                self.ended.push(Ended(fgsm::attack(context, session)?));
                Ok(1)
            }
            Rival::LocalSearch => {
                let begin = || LocalSearchState::begin(context);
                let state = self.under_way.get_or_insert_with(begin);
                let before = state.evaluations();
                let outcome = state.step(context, session, block)?;
                let evaluated = state.evaluations() - before;
                if let Some(outcome) = outcome {
                    self.ended.push(Ended(outcome));
                    self.under_way = None;
                }
                Ok(evaluated)
            }
        }
    }

    /// Whether it can be that of these attacks on this image.
    pub(super) fn fits(&self, context: &AttackContext<'_>) -> bool {
        let attacks = &context.section.attacks;
        let are_first =
            self.ended.iter().zip(attacks).all(|(ended, attack)| ended.0.attack == *attack);
        self.ended.len() <= attacks.len()
            && are_first
            && self.under_way.as_ref().is_none_or(|search| search.fits(context))
    }

    /// What came of them, when all have ended.
    pub(super) fn finish(self) -> Vec<RivalOutcome> {
        self.ended.into_iter().map(|Ended(outcome)| outcome).collect()
    }
}

impl AttackContext<'_> {
    fn image(&self) -> &Image {
        &self.picture.image
    }

    /// The probabilities of the image under changes.
    fn probabilities_with(
        &self,
        session: &mut dyn Session,
        changes: &[PixelChange],
    ) -> Result<Vec<f64>> {
        let mut changed = Candidates::new(self.image().channels.into());
        changed.push(changes);
        self.probabilities(session, &changed)
    }

    /// What the model makes of candidates.
    ///
    /// # Shapes
    /// - result: `[candidates, classes]`
    fn probabilities(
        &self,
        session: &mut dyn Session,
        candidates: &Candidates,
    ) -> Result<Vec<f64>> {
        let mut probabilities = vec![0.0; candidates.len() * self.classes];
        if !candidates.is_empty() {
            session.probabilities(candidates, &mut probabilities)?;
            check_probabilities(&probabilities, &self.picture.name)?;
        }
        Ok(probabilities)
    }

    /// What changes came to, each pixel once.
    fn outcome(
        &self,
        attack: Rival,
        changes: &[PixelChange],
        probabilities: &[f64],
        [evaluations, gradients]: [u64; 2],
    ) -> RivalOutcome {
        let predicted = super::argmax(probabilities);
        let differs = |change: &&PixelChange| {
            let before = &self.image().pixels[change.offset(self.image())..];
            change.value.iter().zip(before).any(|(after, before)| *after != f32::from(*before))
        };
        let changed: Vec<PixelChange> = changes.iter().filter(differs).cloned().collect();
        RivalOutcome {
            attack,
            success: predicted != self.truth as usize,
            predicted: predicted as u32,
            confidence: probabilities[predicted],
            true_probability: probabilities[self.truth as usize],
            evaluations,
            gradients,
            changed_pixels: changed.len() as u64,
            distortion: super::pixel::distortion(self.image(), &changed),
        }
    }
}

/// A change from its coordinates and values.
fn change([x, y]: [u32; 2], value: Vec<f32>) -> PixelChange {
    PixelChange { x, y, value }
}
