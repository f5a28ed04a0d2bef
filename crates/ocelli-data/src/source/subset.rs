//! Parts of a source.

use super::{NotImages, SampleKey, Source, in_bounds};
use crate::{Error, Record, Result};
use ocelli_random::{Purpose, Seed};
use rand::RngExt;
use std::collections::HashMap;
use std::sync::Arc;

/// Some samples of a source, in ascending order, with the classes and labels of the whole.
///
/// Memory: 8 bytes for each sample of the subset.
#[derive(Clone)]
pub struct Subset {
    source: Arc<dyn Source>,
    indices: Vec<u64>,
}

impl Subset {
    /// The samples at these positions; the order in which they are given does not matter, and
    /// each counts once.
    ///
    /// # Errors
    /// [`Error::OutOfBounds`] when a position is past the end.
    pub fn new(source: Arc<dyn Source>, mut indices: Vec<u64>) -> Result<Self> {
        indices.sort_unstable();
        indices.dedup();
        if let Some(last) = indices.last() {
            in_bounds(*last, source.len())?;
        }
        Ok(Self { source, indices })
    }

    /// The first `count` samples, or all if there are fewer.
    pub fn first(source: Arc<dyn Source>, count: u64) -> Self {
        let indices = (0..source.len().min(count)).collect();
        Self { source, indices }
    }

    /// `count` samples of each class, drawn by `seed`.
    ///
    /// # Errors
    /// [`Error::TooFewSamples`] when a class has fewer, [`Error::Unlabelled`] when there are no classes,
    /// and when a label cannot be read.
    pub fn per_class(source: Arc<dyn Source>, count: u64, seed: Seed) -> Result<Self> {
        Ok(Self::hold_out(source, count, seed)?.1)
    }

    /// Splits a source in two: what is left, and `count` samples of each class, drawn by `seed`,
    /// that are held out for validation.
    ///
    /// # Errors
    /// [`Error::TooFewSamples`] when a class has fewer, [`Error::Unlabelled`] when there are no classes,
    /// and when a label cannot be read.
    pub fn hold_out(source: Arc<dyn Source>, count: u64, seed: Seed) -> Result<(Self, Self)> {
        if source.classes().is_empty() && !source.is_empty() {
            return Err(Error::Unlabelled { name: source.name(0)? });
        }
        Self::hold_out_of_classes(source, seed, |_| count)
    }

    /// Splits a source in two: what is left, and about this `share` of each class, 0 to 1, drawn by
    /// `seed`. Of a class that has several samples, at least one is held out and at least one is left;
    /// the only one of a class is left.
    ///
    /// # Errors
    /// [`Error::TooFewToHoldOut`] when no class has several, and when a label cannot be read.
    pub fn hold_out_share(source: Arc<dyn Source>, share: f64, seed: Seed) -> Result<(Self, Self)> {
        let (left, held) = Self::hold_out_of_classes(source, seed, |samples| match samples {
            0 | 1 => 0,
            _ => ((samples as f64 * share).round() as u64).clamp(1, samples - 1),
        })?;
        if held.len() == 0 {
            return Err(Error::TooFewToHoldOut);
        }
        Ok((left, held))
    }

    /// About this `share` of each class, 0 to 1 and at least one sample, drawn by `seed`.
    ///
    /// # Errors
    /// When a label cannot be read.
    pub fn share(source: Arc<dyn Source>, share: f64, seed: Seed) -> Result<Self> {
        let count = |samples: u64| match samples {
            0 => 0,
            _ => ((samples as f64 * share).round() as u64).clamp(1, samples),
        };
        Ok(Self::hold_out_of_classes(source, seed, count)?.1)
    }

    /// The samples of these names, in the source's order. A name may be the whole one or what follows its last
    /// slash.
    ///
    /// # Errors
    /// [`Error::NotNamed`] when a name is none of the source's, and when one cannot be read.
    pub fn named(source: Arc<dyn Source>, names: &[&str]) -> Result<Self> {
        let mut wanted: HashMap<&str, bool> = names.iter().map(|name| (*name, false)).collect();
        let mut indices = Vec::new();
        for index in 0..source.len() {
            let whole = source.name(index)?;
            let last = whole.rsplit('/').next().unwrap_or_default();
            for name in [whole.as_str(), last] {
                if let Some(is_found) = wanted.get_mut(name) {
                    *is_found = true;
                    indices.push(index);
                }
            }
        }
        match names.iter().find(|name| wanted.get(*name) == Some(&false)) {
            Some(name) => Err(Error::NotNamed { name: (*name).to_owned() }),
            None => Self::new(source, indices),
        }
    }

    /// Holds as many of each class out as `count` says of their number.
    fn hold_out_of_classes(
        source: Arc<dyn Source>,
        seed: Seed,
        count: impl Fn(u64) -> u64,
    ) -> Result<(Self, Self)> {
        // Images without classes are one.
        let mut classes: Vec<Vec<u64>> = vec![Vec::new(); source.classes().len().max(1)];
        for index in 0..source.len() {
            let label = source.label(index)?.unwrap_or_default();
            classes[label as usize].push(index);
        }
        let (mut left, mut held) = (Vec::new(), Vec::new());
        for (label, mut indices) in classes.into_iter().enumerate() {
            let count = count(indices.len() as u64);
            if (indices.len() as u64) < count {
                return Err(Error::TooFewSamples {
                    wanted: count,
                    of: source
                        .classes()
                        .get(label)
                        .map_or_else(String::new, |class| format!("of class `{class}`")),
                    found: indices.len() as u64,
                });
            }
            let mut random = seed.stream(Purpose::SPLIT, 0, label as u64);
            let count = count as usize;
            for at in 0..count {
                let other = random.random_range(at..indices.len());
                indices.swap(at, other);
            }
            held.extend_from_slice(&indices[..count]);
            left.extend_from_slice(&indices[count..]);
        }
        Ok((Self::new(source.clone(), left)?, Self::new(source, held)?))
    }

    /// The positions in the whole source, in ascending order.
    pub fn indices(&self) -> &[u64] {
        &self.indices
    }

    fn whole(&self, index: u64) -> Result<u64> {
        Ok(self.indices[in_bounds(index, self.len())?])
    }
}

impl Source for Subset {
    fn len(&self) -> u64 {
        self.indices.len() as u64
    }

    fn classes(&self) -> &[String] {
        self.source.classes()
    }

    fn read(&self, index: u64) -> Result<Record> {
        self.source.read(self.whole(index)?)
    }

    fn label(&self, index: u64) -> Result<Option<u32>> {
        self.source.label(self.whole(index)?)
    }

    fn name(&self, index: u64) -> Result<String> {
        self.source.name(self.whole(index)?)
    }

    fn others(&self, index: u64) -> Result<Vec<u32>> {
        self.source.others(self.whole(index)?)
    }

    fn key(&self, index: u64) -> Result<SampleKey> {
        self.source.key(self.whole(index)?)
    }

    fn not_images(&self) -> NotImages {
        self.source.not_images()
    }
}

/// How many samples each class has, in the order of the labels; nothing where there are no labels.
///
/// # Errors
/// When a label cannot be read.
pub fn class_counts(source: &dyn Source) -> Result<Vec<u64>> {
    let mut counts = vec![0; source.classes().len()];
    for index in 0..source.len() {
        if let Some(label) = source.label(index)? {
            counts[label as usize] += 1;
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OpenOptions, Split, open};

    fn test_part() -> Arc<dyn Source> {
        open("builtin:fashion-mnist", &OpenOptions::new(Split::Test)).unwrap()
    }

    #[test]
    fn a_subset_keeps_labels_and_classes() {
        let source = test_part();
        let subset = Subset::new(source.clone(), vec![1999, 3, 3]).unwrap();
        assert_eq!(subset.indices(), [3, 1999]);
        assert_eq!(subset.classes(), source.classes());
        assert_eq!(subset.label(1).unwrap(), source.label(1999).unwrap());
        assert_eq!(subset.name(0).unwrap(), source.name(3).unwrap());
        assert_eq!(subset.read(0).unwrap().name, source.read(3).unwrap().name);
        assert!(matches!(subset.read(2), Err(Error::OutOfBounds { index: 2, len: 2 })));
        assert!(matches!(Subset::new(source, vec![2000]), Err(Error::OutOfBounds { .. })));
    }

    #[test]
    fn the_first_samples_are_at_most_all() {
        assert_eq!(Subset::first(test_part(), 7).len(), 7);
        assert_eq!(Subset::first(test_part(), 9999).len(), 2000);
    }

    #[test]
    fn every_class_gives_the_same_number() {
        let subset = |seed| Subset::per_class(test_part(), 5, Seed(seed)).unwrap();
        assert_eq!(class_counts(&subset(1)).unwrap(), [5; 10]);
        assert_eq!(subset(1).indices(), subset(1).indices());
        assert_ne!(subset(1).indices(), subset(2).indices());
    }

    #[test]
    fn held_out_samples_and_the_rest_are_the_whole() {
        let (left, held) = Subset::hold_out(test_part(), 20, Seed(0)).unwrap();
        assert_eq!(class_counts(&left).unwrap(), [180; 10]);
        assert_eq!(class_counts(&held).unwrap(), [20; 10]);
        let mut all = [left.indices(), held.indices()].concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..2000));
    }

    #[test]
    fn a_share_of_each_class_is_held_out_however_large_it_is() {
        let uneven = Subset::new(test_part(), (0..400).collect()).unwrap();
        let sizes = class_counts(&uneven).unwrap();
        let (left, held) = Subset::hold_out_share(Arc::new(uneven), 0.1, Seed(0)).unwrap();
        let held = class_counts(&held).unwrap();
        for ((size, left), held) in sizes.iter().zip(class_counts(&left).unwrap()).zip(held) {
            assert_eq!((left + held, held), (*size, (*size as f64 / 10.0).round() as u64));
        }
        let alone = Subset::new(test_part(), vec![0]).unwrap();
        let error = Subset::hold_out_share(Arc::new(alone), 0.5, Seed(0)).err().unwrap();
        assert!(matches!(error, Error::TooFewToHoldOut), "{error}");
    }

    #[test]
    fn a_share_of_each_class_is_one_at_least_and_follows_the_draw() {
        let uneven: Arc<dyn Source> =
            Arc::new(Subset::new(test_part(), (0..400).collect()).unwrap());
        let share = |share, draw| Subset::share(uneven.clone(), share, Seed(draw)).unwrap();
        let sizes = class_counts(&*uneven).unwrap();
        for (size, kept) in sizes.iter().zip(class_counts(&share(0.1, 0)).unwrap()) {
            assert_eq!(kept, (*size as f64 / 10.0).round() as u64);
        }
        assert_eq!(class_counts(&share(1e-6, 0)).unwrap(), [1; 10]);
        assert_eq!(share(1.0, 0).len(), 400);
        assert_eq!(share(0.1, 0).indices(), share(0.1, 0).indices());
        assert_ne!(share(0.1, 0).indices(), share(0.1, 1).indices());
    }

    #[test]
    fn samples_are_taken_by_their_names() {
        let source: Arc<dyn Source> = test_part();
        let names = [source.name(7).unwrap(), source.name(3).unwrap()];
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(Subset::named(source.clone(), &names).unwrap().indices(), [3, 7]);
        let error = Subset::named(source, &["nobody"]).err().unwrap();
        assert!(error.to_string().contains("`nobody`"), "{error}");
    }

    #[test]
    fn a_class_that_is_too_small_is_an_error() {
        let error = Subset::per_class(test_part(), 201, Seed(0)).err().unwrap();
        assert!(matches!(error, Error::TooFewSamples { wanted: 201, found: 200, .. }));
    }
}
