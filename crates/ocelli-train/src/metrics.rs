//! What is measured about the predictions of a classifier.

mod calibration;
#[cfg(test)]
mod tests;

pub use calibration::BINS;

use crate::{ProcessGroup, Result};
use calibration::Calibration;
use ocelli_data::Targets;
use serde::Serialize;

/// With more classes a confusion matrix is not kept: it would take `8 × classes²` bytes.
pub const MAX_CONFUSION_CLASSES: usize = 4000;

/// How many predictions of a sample count as right if one of them is.
const TOP: usize = 5;

/// How many classes stand before the true one: 0 is a right prediction, below 5 a top-5 hit.
///
/// Of equal logits the first counts as larger, as with `argmax`. A logit that is not a number
/// counts as larger than any: a broken network is never right.
pub fn rank_of(logits: &[f32], label: usize) -> usize {
    let Some(&own) = logits.get(label) else { return logits.len() };
    let stands_before = |(class, other): (usize, &f32)| {
        let is_after = if class < label { *other < own } else { *other <= own };
        class != label && !is_after
    };
    logits.iter().enumerate().filter(|entry| stands_before(*entry)).count()
}

/// The class with the largest logit, the first of equal ones.
pub fn argmax(logits: &[f32]) -> usize {
    let larger = |best: (usize, f32), next: (usize, f32)| if next.1 > best.1 { next } else { best };
    logits.iter().copied().enumerate().reduce(larger).map_or(0, |(class, _)| class)
}

/// The probability of each class, in double precision: those of a network that is nearly certain differ
/// still.
pub fn softmax(logits: &[f32]) -> Vec<f64> {
    let softmax = Softmax::new(logits);
    (0..logits.len()).map(|class| softmax.log_of(class).exp()).collect()
}

/// The sums of an evaluation that is under way.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    classes: usize,
    top1: f64,
    top5: f64,
    loss: f64,
    calibration: Calibration,
    /// Samples of each class.
    samples: Vec<f64>,
    /// Right predictions of each class.
    correct: Vec<f64>,
    /// `[truth][prediction]`, row after row; empty with too many classes.
    confusion: Vec<f64>,
}

impl Tally {
    /// A tally of no sample.
    pub fn new(classes: usize) -> Self {
        let cells = if classes <= MAX_CONFUSION_CLASSES { classes * classes } else { 0 };
        Self {
            classes,
            top1: 0.0,
            top5: 0.0,
            loss: 0.0,
            calibration: Calibration::default(),
            samples: vec![0.0; classes],
            correct: vec![0.0; classes],
            confusion: vec![0.0; cells],
        }
    }

    /// Counts a batch.
    ///
    /// # Shapes
    /// - `logits`: `[labels.len(), classes]`, row-major
    pub fn add(&mut self, logits: &[f32], labels: &[u32]) {
        for (row, label) in logits.chunks_exact(self.classes.max(1)).zip(labels) {
            self.add_one(row, std::slice::from_ref(label));
        }
    }

    /// Counts a batch whose samples have one class or several: each of them is right. Among
    /// the samples of a class, and in the confusion matrix, a sample stands once: with the class that
    /// was predicted if that is right, and else with its first.
    ///
    /// # Shapes
    /// - `logits`: `[targets.len(), classes]`, row-major
    pub fn add_targets(&mut self, logits: &[f32], targets: &Targets) {
        let Targets::MultiLabel(sets) = targets else {
            return self.add(logits, &targets.classes());
        };
        for (row, set) in logits.chunks_exact(self.classes.max(1)).zip(sets) {
            self.add_one(row, set);
        }
    }

    fn add_one(&mut self, logits: &[f32], labels: &[u32]) {
        let labels = || labels.iter().map(|label| *label as usize);
        let nearest = labels().map(|label| (rank_of(logits, label), label)).min();
        let (Some((rank, nearest)), Some(first)) = (nearest, labels().next()) else { return };
        if labels().any(|label| label >= self.classes) {
            return;
        }
        let is_correct = rank == 0;
        let label = if is_correct { nearest } else { first };
        let predicted = argmax(logits);
        let probabilities = Softmax::new(logits);
        self.top1 += f64::from(u8::from(is_correct));
        self.top5 += f64::from(u8::from(rank < TOP));
        let logs: f64 = labels().map(|label| probabilities.log_of(label)).sum();
        self.loss -= logs / labels().count() as f64;
        self.calibration.add(probabilities.largest(), is_correct);
        self.samples[label] += 1.0;
        self.correct[label] += f64::from(u8::from(is_correct));
        if let Some(cell) = self.confusion.get_mut(label * self.classes + predicted) {
            *cell += 1.0;
        }
    }

    /// Adds the tallies of all processes up.
    ///
    /// # Errors
    /// When a process cannot be reached.
    pub fn reduce(&mut self, group: &dyn ProcessGroup) -> Result<()> {
        if group.world_size() == 1 {
            return Ok(());
        }
        let mut sums: Vec<f64> = self.sums().map(|sum| *sum).collect();
        group.all_reduce_f64(&mut sums)?;
        for (counter, sum) in self.sums().zip(sums) {
            *counter = sum;
        }
        Ok(())
    }

    fn sums(&mut self) -> impl Iterator<Item = &mut f64> {
        [&mut self.top1, &mut self.top5, &mut self.loss]
            .into_iter()
            .chain(self.calibration.sums())
            .chain(&mut self.samples)
            .chain(&mut self.correct)
            .chain(&mut self.confusion)
    }

    /// What the sums say.
    pub fn finish(&self) -> Scores {
        let samples: f64 = self.samples.iter().sum();
        let counts = |sums: &[f64]| -> Vec<u64> { sums.iter().map(|sum| *sum as u64).collect() };
        Scores {
            samples: samples as u64,
            correct: self.top1 as u64,
            top1: self.top1 / samples,
            top5: (self.classes > TOP).then(|| self.top5 / samples),
            loss: self.loss / samples,
            calibration_error: self.calibration.error(),
            class_samples: counts(&self.samples),
            class_correct: counts(&self.correct),
            confusion: self.confusion.chunks(self.classes.max(1)).map(counts).collect(),
        }
    }
}

/// How good a classifier's predictions are.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scores {
    /// How many images were classified.
    pub samples: u64,
    /// How many of them rightly.
    pub correct: u64,
    /// The share that was classified rightly.
    pub top1: f64,
    /// The share whose true class was among the five most probable; none where there are no more.
    pub top5: Option<f64>,
    /// The mean cross-entropy, in nats.
    pub loss: f64,
    /// The expected calibration error, 0 to 1, in [`BINS`] bins.
    pub calibration_error: f64,
    /// Images of each class.
    pub class_samples: Vec<u64>,
    /// Right predictions of each class.
    pub class_correct: Vec<u64>,
    /// `confusion[truth][prediction]`, in images; empty above [`MAX_CONFUSION_CLASSES`] classes.
    pub confusion: Vec<Vec<u64>>,
}

/// A softmax in double precision.
struct Softmax<'a> {
    logits: &'a [f32],
    largest: f64,
    log_sum: f64,
}

impl<'a> Softmax<'a> {
    fn new(logits: &'a [f32]) -> Self {
        let largest = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
        let sum: f64 = logits.iter().map(|logit| (f64::from(*logit) - largest).exp()).sum();
        Self { logits, largest, log_sum: sum.ln() }
    }

    fn log_of(&self, class: usize) -> f64 {
        f64::from(self.logits[class]) - self.largest - self.log_sum
    }

    /// The probability of the most probable class.
    fn largest(&self) -> f64 {
        (-self.log_sum).exp()
    }
}
