//! Greedy local search (LocSearchAdv of Narodytska and Kasiviswanathan, 2016).
//!
//! Each round tries pixels near those of the round before, one at a time, with values far out of range, and
//! changes those for good that leave the true class the least probability. Ours: what they change to is
//! rounded to bytes, so that the result is an image.

use super::{Candidates, Ground, Rival, RivalOutcome, Session, change};
use crate::Result;
use ocelli_random::Purpose;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

const DRAW: Purpose = Purpose("local-search");
/// The share of the pixels that the first round tries.
const FIRST_SHARE: usize = 10;

/// All that a search must remember to go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct LocalSearchState {
    rounds: u64,
    evaluations: u64,
    /// Pixels that may be tried next, column and row.
    near: Vec<[u32; 2]>,
    /// Pixels that have changed, by row and column, with their values.
    changed: Vec<([u32; 2], Vec<u8>)>,
}

impl LocalSearchState {
    pub(super) fn begin(ground: &Ground<'_>) -> Self {
        let (width, height) = (ground.image().width, ground.image().height);
        let mut near: Vec<[u32; 2]> =
            (0..height).flat_map(|y| (0..width).map(move |x| [x, y])).collect();
        let count = near.len().div_ceil(FIRST_SHARE);
        near.shuffle(&mut ground.seed.stream(DRAW, ground.image, 0));
        near.truncate(count);
        Self { rounds: 0, evaluations: 0, near, changed: Vec::new() }
    }

    pub(super) fn evaluations(&self) -> u64 {
        self.evaluations
    }

    /// One round; what came of the search, if it was the last.
    pub(super) fn round(
        &mut self,
        ground: &Ground<'_>,
        session: &mut dyn Session,
    ) -> Result<Option<RivalOutcome>> {
        self.rounds += 1;
        let mut tried = std::mem::take(&mut self.near);
        tried.shuffle(&mut ground.seed.stream(DRAW, ground.image, self.rounds));
        tried.truncate(ground.section.tries);
        let mut changed: BTreeMap<[u32; 2], Vec<u8>> = self.changed.drain(..).collect();

        let scores = self.scores(ground, session, &changed, &tried)?;
        let mut order: Vec<usize> = (0..tried.len()).collect();
        order.sort_by(|left, right| scores[*left].total_cmp(&scores[*right]));
        let chosen: Vec<[u32; 2]> =
            order.into_iter().take(ground.section.changes).map(|at| tried[at]).collect();
        for place in &chosen {
            let cyclic = |byte: &u8| cyclic(*byte, ground.section.cyclic);
            let value = values_at(ground, &changed, *place).iter().map(cyclic).collect();
            changed.insert([place[1], place[0]], value);
        }
        self.near = neighbours(&chosen, ground);
        self.changed = changed.into_iter().collect();

        let changes = self.changes();
        let probabilities = ground.answer(session, &changes)?;
        self.evaluations += 1;
        let costs = [self.evaluations, 0];
        let outcome = ground.outcome(Rival::LocalSearch, &changes, &probabilities, costs);
        let is_last = self.rounds >= ground.section.rounds || self.near.is_empty();
        Ok((outcome.success || is_last).then_some(outcome))
    }

    /// The probability of the true class under what has changed and one pixel more.
    fn scores(
        &mut self,
        ground: &Ground<'_>,
        session: &mut dyn Session,
        changed: &BTreeMap<[u32; 2], Vec<u8>>,
        tried: &[[u32; 2]],
    ) -> Result<Vec<f64>> {
        let so_far: Vec<_> = changed.iter().map(|(place, value)| pixel(*place, value)).collect();
        let mut candidates = Candidates::new(ground.image().channels.into());
        for place in tried {
            let mut changes = so_far.clone();
            let pert = |byte: &u8| perturbed(*byte, ground.section.sensitivity);
            let value = values_at(ground, changed, *place).iter().map(pert).collect();
            changes.push(change(*place, value));
            candidates.push(&changes);
        }
        let mut probabilities = vec![0.0; tried.len() * ground.classes];
        session.probabilities(&candidates, &mut probabilities)?;
        super::super::plan::check_probabilities(&probabilities, &ground.picture.name)?;
        self.evaluations += tried.len() as u64;
        let rows = probabilities.chunks_exact(ground.classes);
        Ok(rows.map(|row| row[ground.truth as usize]).collect())
    }

    fn changes(&self) -> Vec<super::PixelChange> {
        self.changed.iter().map(|(place, value)| pixel(*place, value)).collect()
    }
}

/// A pixel at a row and a column.
fn pixel([y, x]: [u32; 2], value: &[u8]) -> super::PixelChange {
    change([x, y], value.iter().map(|byte| f32::from(*byte)).collect())
}

/// What a pixel is by now.
fn values_at(
    ground: &Ground<'_>,
    changed: &BTreeMap<[u32; 2], Vec<u8>>,
    [x, y]: [u32; 2],
) -> Vec<u8> {
    let image = ground.image();
    let channels = usize::from(image.channels);
    let start = (y as usize * image.width as usize + x as usize) * channels;
    let original = || image.pixels[start..start + channels].to_vec();
    changed.get(&[y, x]).cloned().unwrap_or_else(original)
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

/// The pixels of the squares around those that were chosen, each once, in the order of rows.
fn neighbours(chosen: &[[u32; 2]], ground: &Ground<'_>) -> Vec<[u32; 2]> {
    let (width, height, reach) =
        (ground.image().width, ground.image().height, ground.section.reach);
    let around =
        |at: u32, len: u32| at.saturating_sub(reach)..at.saturating_add(reach + 1).min(len);
    let places = chosen.iter().flat_map(|[x, y]| {
        let (rows, columns) = (around(*y, height), around(*x, width));
        rows.flat_map(move |y| columns.clone().map(move |x| [y, x]))
    });
    let places: BTreeSet<[u32; 2]> = places.collect();
    places.into_iter().map(|[y, x]| [x, y]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_leave_the_range_come_in_at_the_other_end() {
        // 255 is ½: 1.5 times that is ¾, which comes in again at -¼.
        assert_eq!(cyclic(255, 1.5), 64);
        assert_eq!(cyclic(0, 1.5), 191);
        // What stays inside is drawn away from the middle.
        assert_eq!(cyclic(140, 1.5), 146);
        assert_eq!(cyclic(140, 1.0), 140);
        assert_eq!(cyclic(200, 0.0), 128);
        for byte in 0..=255 {
            for factor in [0.0, 0.3, 1.0, 1.5, 2.0] {
                // Never panics, never leaves.
                let _ = cyclic(byte, factor);
            }
        }
    }

    #[test]
    fn pixels_are_tried_far_out_of_range() {
        assert_eq!(perturbed(200, 10.0), 10.5 * 255.0);
        assert_eq!(perturbed(100, 10.0), -9.5 * 255.0);
    }
}
