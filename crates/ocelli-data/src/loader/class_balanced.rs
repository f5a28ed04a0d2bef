//! Every class as often as any other.

use super::{Positions, Sampler};
use crate::{Error, Result, Source};
use ocelli_random::{Permutation, Purpose, Seed};
use rand::RngExt;
use std::sync::Arc;

/// The random keys of the rounds of all classes.
const ROUND: Purpose = Purpose("balanced-round");
/// The random key of the samples of a class.
const CLASS: Purpose = Purpose("balanced-class");

/// Visits every class as often as any other, however many samples it has (the balanced sampling of long-tailed
/// recognition, as in Kang et al. 2020, arXiv 1910.09217, here without replacement).
///
/// An epoch has as many positions as samples. Each run of as many positions as there are classes visits
/// each class once, in random order; the visits of a class go through all its samples in random order
/// before one comes again. Classes without a sample are left out.
///
/// Memory: 8 bytes for each sample.
#[derive(Clone, Debug)]
pub struct ClassBalanced(Arc<Classes>);

/// The samples of each class, those without any left out.
#[derive(Debug)]
struct Classes(Vec<Vec<u64>>);

impl ClassBalanced {
    /// Sorts the samples of `source` by their labels. It is a sampler for this source alone.
    ///
    /// # Errors
    /// [`Error::Unlabelled`] when the samples have no labels, and when one cannot be read.
    pub fn new(source: &dyn Source) -> Result<Self> {
        let mut classes = vec![Vec::new(); source.classes().len()];
        for index in 0..source.len() {
            let Some(label) = source.label(index)? else {
                return Err(Error::Unlabelled { name: source.name(index)? });
            };
            classes[label as usize].push(index);
        }
        classes.retain(|samples: &Vec<u64>| !samples.is_empty());
        Ok(Self(Arc::new(Classes(classes))))
    }
}

impl Sampler for ClassBalanced {
    fn epoch(&self, samples: u64, seed: Seed, epoch: u64) -> Box<dyn Positions> {
        let key = |class| Seed(seed.stream(CLASS, epoch, class).random());
        let keys = (0..self.0.0.len() as u64).map(key).collect();
        Box::new(Balanced { classes: Arc::clone(&self.0), keys, seed, epoch, len: samples })
    }
}

struct Balanced {
    classes: Arc<Classes>,
    /// The random key of each class in this epoch.
    keys: Vec<Seed>,
    seed: Seed,
    epoch: u64,
    len: u64,
}

impl Positions for Balanced {
    fn index(&self, position: u64) -> Option<u64> {
        let classes = self.keys.len() as u64;
        if position >= self.len || classes == 0 {
            return None;
        }
        let (round, slot) = (position / classes, position % classes);
        let key = Seed(self.seed.stream(ROUND, self.epoch, round).random());
        let class = Permutation::new(key, self.epoch, classes).get(slot)? as usize;
        let samples = &self.classes.0[class];
        let count = samples.len() as u64;
        // The class is visited once a round, and all its samples every `count` rounds.
        let index = Permutation::new(self.keys[class], round / count, count).get(round % count)?;
        samples.get(index as usize).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OpenOptions, Split, Subset, open};
    use std::collections::BTreeMap;

    /// 7, 2 and 41 samples of classes 0, 3 and 9, and none of the others.
    fn long_tailed() -> Subset {
        let whole = open("builtin:fashion-mnist", &OpenOptions::new(Split::Test)).unwrap();
        let of_class = |label, count| {
            let is_of = |index: &u64| whole.label(*index).unwrap() == Some(label);
            (0..whole.len()).filter(is_of).take(count).collect::<Vec<_>>()
        };
        let indices = [of_class(0, 7), of_class(3, 2), of_class(9, 41)].concat();
        Subset::new(Arc::clone(&whole), indices).unwrap()
    }

    fn epoch(number: u64) -> Vec<u64> {
        let source = long_tailed();
        let sampler = ClassBalanced::new(&source).unwrap();
        assert_eq!(sampler.epoch_len(source.len()), 50);
        let positions = sampler.epoch(source.len(), Seed(4), number);
        assert_eq!(positions.index(50), None);
        (0..50).map(|position| positions.index(position).unwrap()).collect()
    }

    #[test]
    fn every_round_visits_every_class_that_has_samples_once() {
        let source = long_tailed();
        for round in epoch(0).chunks(3) {
            let mut labels: Vec<_> = round.iter().map(|at| source.label(*at).unwrap()).collect();
            labels.sort_unstable();
            labels.dedup();
            assert_eq!(labels.len(), round.len(), "no class twice");
        }
    }

    #[test]
    fn samples_of_a_class_are_visited_as_often_as_each_other() {
        let source = long_tailed();
        let mut visits: BTreeMap<u64, u64> = (0..source.len()).map(|index| (index, 0)).collect();
        for index in epoch(0) {
            *visits.entry(index).or_default() += 1;
        }
        for (label, total) in [(0, 17), (3, 17), (9, 17)] {
            let of_class =
                |(index, _): &(&u64, &u64)| source.label(**index).unwrap() == Some(label);
            let counts: Vec<u64> =
                visits.iter().filter(of_class).map(|(_, count)| *count).collect();
            let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
            assert!(most - least <= 1, "class {label}: {counts:?}");
            let sum: u64 = counts.iter().sum();
            assert!(sum == total || sum + 1 == total, "class {label}: {sum} visits");
        }
    }

    #[test]
    fn epochs_differ_and_are_repeatable() {
        assert_eq!(epoch(1), epoch(1));
        assert_ne!(epoch(1), epoch(2));
        assert_ne!(epoch(0)[..3], epoch(0)[3..6]);
    }
}
