//! Everything that one pixel can be.

use super::attempt::argmax;
use super::{Candidates, PixelChange};
use crate::{Error, Result};
use ocelli_evolution::exact;
use serde::{Deserialize, Serialize};

/// What one pixel can do to an image at all, found out by trying every pixel with every value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Oracle {
    /// Candidates that the model was asked about.
    pub evaluations: u64,
    /// For each class, whether some candidate is taken for it.
    pub reachable: Vec<bool>,
    /// For each class, the largest probability that some candidate gives it.
    pub largest: Vec<f64>,
}

/// What the oracle knows so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct OracleState {
    pub(super) evaluations: u64,
    reachable: Vec<bool>,
    #[serde(with = "exact::many")]
    largest: Vec<f64>,
}

/// All candidates in their order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Everything {
    channels: u32,
    width: u64,
    values: u64,
    /// How many there are.
    pub(super) count: u64,
}

impl Everything {
    /// All that one pixel of an image can be.
    pub(super) fn new([channels, height, width]: [usize; 3], limit: u64) -> Result<Self> {
        let values = 256_u64.checked_pow(channels as u32);
        let count = values.and_then(|values| values.checked_mul((height * width) as u64));
        match (values, count) {
            (Some(values), Some(count)) if count <= limit => {
                Ok(Self { channels: channels as u32, width: width as u64, values, count })
            }
            (_, count) => {
                let count = count.map_or("more than 2⁶⁴".to_owned(), |count| count.to_string());
                Err(Error::Oracle { channels, height, width, count, limit })
            }
        }
    }

    /// Replaces `candidates` by those from number `first` on, `most` of them or fewer.
    pub(super) fn ask(&self, first: u64, most: usize, candidates: &mut Candidates) {
        candidates.clear();
        for number in first..self.count.min(first + most as u64) {
            let (pixel, value) = (number / self.values, number % self.values);
            let byte = |channel: u32| (value >> (8 * channel)) as u8;
            candidates.push(&[PixelChange {
                x: (pixel % self.width) as u32,
                y: (pixel / self.width) as u32,
                value: (0..self.channels).map(|channel| f32::from(byte(channel))).collect(),
            }]);
        }
    }
}

impl OracleState {
    pub(super) fn new(classes: usize) -> Self {
        let (reachable, largest) = (vec![false; classes], vec![0.0; classes]);
        Self { evaluations: 0, reachable, largest }
    }

    /// Takes the probabilities of some candidates.
    ///
    /// # Shapes
    /// - `probabilities`: `[candidates, classes]`
    pub(super) fn tell(&mut self, probabilities: &[f64]) {
        for row in probabilities.chunks_exact(self.reachable.len()) {
            self.evaluations += 1;
            self.reachable[argmax(row)] = true;
            let pairs = self.largest.iter_mut().zip(row);
            pairs.for_each(|(largest, probability)| *largest = largest.max(*probability));
        }
    }

    /// What it found.
    pub(super) fn finish(self) -> Oracle {
        let Self { evaluations, reachable, largest } = self;
        Oracle { evaluations, reachable, largest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_pixel_has_every_value_once() {
        let everything = Everything::new([1, 3, 5], 10_000).unwrap();
        assert_eq!(everything.count, 3 * 5 * 256);
        let mut candidates = Candidates::default();
        let mut seen = HashSet::new();
        for first in (0..everything.count).step_by(1000) {
            candidates = Candidates::new(1);
            everything.ask(first, 1000, &mut candidates);
            for candidate in 0..candidates.len() {
                let ([x, y], value) = candidates.changes(candidate).next().unwrap();
                assert!(x < 5 && y < 3 && seen.insert((x, y, value[0] as u8)));
            }
        }
        assert_eq!((seen.len(), candidates.len()), (3 * 5 * 256, 840));
    }

    #[test]
    fn too_much_work_is_refused_by_how_much_it_is() {
        let message = Everything::new([1, 28, 28], 100_000).unwrap_err().to_string();
        assert!(message.contains("28×28") && message.contains("200704"), "{message}");
        let message = Everything::new([3, 32, 32], 1 << 40).unwrap().count;
        assert_eq!(message, 1024 << 24);
        assert!(Everything::new([3, 32, 32], 1 << 20).is_err());
    }
}
