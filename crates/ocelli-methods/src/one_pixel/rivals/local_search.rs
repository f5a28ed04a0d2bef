//! Greedy local search.
//!
//! Paper: Narodytska and Kasiviswanathan, *Simple Black-Box Adversarial Perturbations for Deep Networks*,
//! 2016 (<https://arxiv.org/abs/1612.06299>), section 5.
//!
//! | paper | here |
//! | --- | --- |
//! | `PERT`, equation 1 | [`perturbed`] |
//! | `CYCLIC`, algorithm 2 | [`cyclic`] |
//! | `LOCSEARCHADV`, algorithm 3, with k = 1 | [`LocalSearchState::step`] |
//! | a changed pixel rests for 30 rounds (section 6) | [`CompareSection::rest`](super::CompareSection::rest) |
//!
//! Each round tries pixels near those of the round before, one at a time, with values far out of range, and
//! changes those for good that leave the true class the least probability: the paper sorts scores in
//! descending order, which its own text and other implementations contradict.
//!
//! Deviations: p is fixed, where the paper moves it up and down between rounds without saying by how much;
//! of the pixels that are near, a sample is tried, as in Foolbox; and what a pixel changes to is rounded to
//! bytes, so that the result is an image.

use super::{AttackContext, Candidates, Rival, RivalOutcome, Session, change};
use crate::Result;
use crate::one_pixel::PixelChange;
use ocelli_evolution::exact;
use ocelli_random::Purpose;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

const DRAW: Purpose = Purpose("local-search");
/// The first round tries one pixel of so many.
const FIRST_OF: usize = 10;

/// All that a search must remember to go on. Pixels are numbered row by row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct LocalSearchState {
    /// The round under way, from one.
    round: u64,
    evaluations: u64,
    /// The pixels that this round tries.
    tried: Vec<usize>,
    /// The probability of the true class with the first of those.
    #[serde(with = "exact::many")]
    scores: Vec<f64>,
    /// Pixels that have changed.
    changed: BTreeMap<usize, Changed>,
}

/// What has become of a pixel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Changed {
    value: Vec<u8>,
    /// The round in which it changed last.
    round: u64,
}

impl LocalSearchState {
    pub(super) fn begin(context: &AttackContext<'_>) -> Self {
        let image = context.image();
        let pixels = image.width as usize * image.height as usize;
        let mut near: Vec<usize> = (0..pixels).collect();
        near.shuffle(&mut context.seed.stream(DRAW, context.image, 0));
        near.truncate(pixels.div_ceil(FIRST_OF));
        let mut state = Self {
            round: 1,
            evaluations: 0,
            tried: Vec::new(),
            scores: Vec::new(),
            changed: BTreeMap::new(),
        };
        state.draw(near, context);
        state
    }

    /// Whether it can be that of a search on this image.
    pub(super) fn fits(&self, context: &AttackContext<'_>) -> bool {
        let image = context.image();
        let pixels = image.width as usize * image.height as usize;
        let is_whole = |changed: &Changed| {
            changed.value.len() == usize::from(image.channels) && changed.round < self.round
        };
        self.scores.len() <= self.tried.len()
            && self.tried.iter().chain(self.changed.keys()).all(|pixel| *pixel < pixels)
            && self.changed.values().all(is_whole)
    }

    pub(super) fn evaluations(&self) -> u64 {
        self.evaluations
    }

    /// Tries `most` pixels or fewer, and ends the round when all are tried; what came of the search, if that
    /// was the last.
    pub(super) fn step(
        &mut self,
        context: &AttackContext<'_>,
        session: &mut dyn Session,
        most: usize,
    ) -> Result<Option<RivalOutcome>> {
        self.score(context, session, most)?;
        if self.scores.len() < self.tried.len() {
            return Ok(None);
        }
        let mut order: Vec<usize> = (0..self.tried.len()).collect();
        order.sort_by(|left, right| self.scores[*left].total_cmp(&self.scores[*right]));
        order.truncate(context.section.changes);
        let chosen: Vec<usize> = order.into_iter().map(|at| self.tried[at]).collect();
        for &pixel in &chosen {
            let cyclic = |byte: &u8| cyclic(*byte, context.section.cyclic);
            let value = self.value(context, pixel).iter().map(cyclic).collect();
            self.changed.insert(pixel, Changed { value, round: self.round });
        }
        let changes = self.changes(context);
        let probabilities = context.probabilities_with(session, &changes)?;
        self.evaluations += 1;
        let costs = [self.evaluations, 0];
        let outcome = context.outcome(Rival::LocalSearch, &changes, &probabilities, costs);

        self.round += 1;
        self.draw(neighbours(&chosen, context), context);
        let is_last = self.round > context.section.rounds || self.tried.is_empty();
        Ok((outcome.success || is_last).then_some(outcome))
    }

    /// Draws what the next round tries from the pixels that are near and do not rest.
    fn draw(&mut self, mut near: Vec<usize>, context: &AttackContext<'_>) {
        let rests = |pixel: &usize| {
            let last = self.changed.get(pixel).map(|changed| changed.round);
            last.is_some_and(|last| self.round - last <= context.section.rest)
        };
        near.retain(|pixel| !rests(pixel));
        near.shuffle(&mut context.seed.stream(DRAW, context.image, self.round));
        near.truncate(context.section.tries);
        (self.tried, self.scores) = (near, Vec::new());
    }

    /// The probability of the true class under what has changed and one pixel more, of the next `most` pixels.
    fn score(
        &mut self,
        context: &AttackContext<'_>,
        session: &mut dyn Session,
        most: usize,
    ) -> Result<()> {
        let mut changes = self.changes(context);
        let mut candidates = Candidates::new(context.image().channels.into());
        for &pixel in self.tried.iter().skip(self.scores.len()).take(most) {
            let pert = |byte: &u8| perturbed(*byte, context.section.sensitivity);
            let value = self.value(context, pixel).iter().map(pert).collect();
            changes.push(change(coordinates(pixel, context), value));
            candidates.push(&changes);
            changes.pop();
        }
        let probabilities = context.probabilities(session, &candidates)?;
        self.evaluations += candidates.len() as u64;
        let rows = probabilities.chunks_exact(context.classes);
        self.scores.extend(rows.map(|row| row[context.truth as usize]));
        Ok(())
    }

    fn changes(&self, context: &AttackContext<'_>) -> Vec<PixelChange> {
        let change = |(pixel, changed): (&usize, &Changed)| {
            let value = changed.value.iter().map(|byte| f32::from(*byte)).collect();
            change(coordinates(*pixel, context), value)
        };
        self.changed.iter().map(change).collect()
    }

    /// What a pixel is by now.
    fn value<'a>(&'a self, context: &'a AttackContext<'_>, pixel: usize) -> &'a [u8] {
        let image = context.image();
        let channels = usize::from(image.channels);
        let original = || &image.pixels[pixel * channels..][..channels];
        self.changed.get(&pixel).map_or_else(original, |changed| &changed.value)
    }
}

/// Column and row of a pixel.
fn coordinates(pixel: usize, context: &AttackContext<'_>) -> [u32; 2] {
    let width = context.image().width as usize;
    [(pixel % width) as u32, (pixel / width) as u32]
}

/// `PERT`: `sensitivity` times the sign of a value between -½ and ½.
fn perturbed(byte: u8, sensitivity: f64) -> f32 {
    let sign = (f64::from(byte) / 255.0 - 0.5).signum();
    ((sensitivity * sign + 0.5) * 255.0) as f32
}

/// `CYCLIC`: `factor` times a value between -½ and ½, brought back into this range.
fn cyclic(byte: u8, factor: f64) -> u8 {
    let value = factor * (f64::from(byte) / 255.0 - 0.5);
    let back = match value {
        value if value < -0.5 => value + 1.0,
        value if value > 0.5 => value - 1.0,
        value => value,
    };
    ((back + 0.5) * 255.0).round() as u8
}

/// The pixels of the squares around those that were chosen, each once, in order.
fn neighbours(chosen: &[usize], context: &AttackContext<'_>) -> Vec<usize> {
    let (width, height) = (context.image().width as usize, context.image().height as usize);
    let reach = context.section.reach as usize;
    let around = |at: usize, len: usize| {
        at.saturating_sub(reach)..at.saturating_add(reach).saturating_add(1).min(len)
    };
    let pixels = chosen.iter().flat_map(|pixel| {
        let (rows, columns) = (around(pixel / width, height), around(pixel % width, width));
        rows.flat_map(move |row| columns.clone().map(move |column| row * width + column))
    });
    pixels.collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::one_pixel::{BlackBox, Classifier, CompareSection, Picture};
    use ocelli_data::Image;
    use ocelli_random::Seed;
    use std::cell::RefCell;

    #[test]
    fn values_that_leave_the_range_come_in_at_the_other_end() {
        // 255 is ½: 1.5 times that is ¾, which comes in again at -¼.
        assert_eq!(cyclic(255, 1.5), 64);
        assert_eq!(cyclic(0, 1.5), 191);
        // What stays inside is drawn away from the middle.
        assert_eq!(cyclic(140, 1.5), 146);
        assert_eq!(cyclic(140, 1.0), 140);
        assert_eq!(cyclic(200, 0.0), 128);
        assert_eq!((cyclic(0, 2.0), cyclic(255, 2.0)), (128, 128));
    }

    #[test]
    fn pixels_are_tried_far_out_of_range() {
        assert_eq!(perturbed(200, 10.0), 10.5 * 255.0);
        assert_eq!(perturbed(100, 10.0), -9.5 * 255.0);
    }

    /// Wider than high, all values different.
    fn picture() -> Picture {
        let pixels = (0..12 * 5).map(|at| 3 * at + 20).collect();
        let image = Image { width: 12, height: 5, channels: 1, pixels };
        Picture { name: "a picture".to_owned(), label: 0, others: Vec::new(), image }
    }

    fn context<'a>(section: &'a CompareSection, picture: &'a Picture) -> AttackContext<'a> {
        AttackContext { section, picture, image: 7, truth: 0, classes: 2, seed: Seed(1) }
    }

    #[test]
    fn neighbours_are_a_square_as_far_as_the_image_goes() {
        let picture = picture();
        let around = |pixel: usize, reach: u32| {
            let section = CompareSection { reach, ..CompareSection::default() };
            neighbours(&[pixel], &context(&section, &picture))
        };
        assert_eq!(around(0, 1), [0, 1, 12, 13]);
        assert_eq!(around(59, 1), [46, 47, 58, 59]);
        assert_eq!(around(14, 0), [14]);
        assert_eq!(around(14, u32::MAX), (0..60).collect::<Vec<_>>());
        assert_eq!(around(27, 2).len(), 25);
    }

    #[test]
    fn a_round_changes_what_lowers_the_true_class_most_and_lets_it_rest() {
        let picture = picture();
        let before: Vec<f32> = picture.image.pixels.iter().map(|byte| f32::from(*byte)).collect();
        let section = CompareSection { changes: 2, rounds: 3, ..CompareSection::default() };
        let context = context(&section, &picture);
        let asked = RefCell::new(Vec::new());
        // Every pixel weighs something else; nothing ever fools it.
        let mut model = BlackBox::new(2, [1, 5, 12], |images: &[f32], count: usize| {
            let mut rows = Vec::new();
            for image in images.chunks(images.len() / count) {
                let sum: f32 =
                    (0..).zip(image).map(|(at, value)| (at * 37 % 60) as f32 * value).sum();
                let own = 0.75 + 0.2 * (sum / 1e6).tanh();
                asked.borrow_mut().push((image.to_vec(), own));
                rows.extend([own, 1.0 - own]);
            }
            Ok(rows)
        });
        let mut session = model.begin(&picture.image).unwrap();
        let mut state = LocalSearchState::begin(&context);
        assert_eq!(state.tried.len(), 6);
        let mut changed = BTreeSet::new();
        for round in 1..=3 {
            let tried = state.tried.clone();
            assert!(tried.iter().all(|pixel| !changed.contains(pixel)), "it rests");
            asked.borrow_mut().clear();
            // In blocks of four.
            let outcome = loop {
                let outcome = state.step(&context, &mut *session, 4).unwrap();
                if state.round > round {
                    break outcome;
                }
                assert!(outcome.is_none());
            };
            let asked = asked.borrow();
            assert_eq!(asked.len(), tried.len() + 1);
            let mut order: Vec<usize> = (0..tried.len()).collect();
            order.sort_by(|left, right| asked[*left].1.total_cmp(&asked[*right].1));
            changed.extend(order[..2].iter().map(|at| tried[*at]));
            let (last, _) = asked.last().unwrap();
            for pixel in 0..60 {
                let byte = picture.image.pixels[pixel];
                let expected = if changed.contains(&pixel) {
                    f32::from(cyclic(byte, 1.5))
                } else {
                    before[pixel]
                };
                assert_eq!(last[pixel], expected, "pixel {pixel} after round {round}");
            }
            assert_eq!(outcome.is_some(), round == 3);
            assert!(state.fits(&context));
            let mut outside = state.clone();
            outside.tried.push(60);
            assert!(!outside.fits(&context));
            if let Some(outcome) = outcome {
                assert_eq!((outcome.success, outcome.changed_pixels), (false, 6));
            }
        }
    }
}
