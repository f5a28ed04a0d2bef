//! Where a training stands: all that a checkpoint holds besides tensors.

use crate::exact::Exact;
use crate::{Score, StepReport};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The version of `state.json`.
pub(super) const FORMAT: u32 = 1;

/// Where a training stands between two steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub(super) format: u32,
    /// Steps taken. Epoch, position in the epoch, learning rate and every random number follow.
    pub step: u64,
    /// Updates per pass over the training set; another number means another dataset.
    pub steps_per_epoch: u64,
    /// The seed of the run.
    pub seed: u64,
    /// Updates of the moving average.
    pub(super) ema_updates: u64,
    /// The best evaluation so far; of equal ones the first.
    pub best: Option<Best>,
    /// What early stopping knows of the evaluations so far.
    #[serde(default)]
    pub(super) patience: Patience,
    /// The step of the last evaluation.
    pub(super) evaluated_at: Option<u64>,
    /// Time spent training and evaluating, over all sessions.
    pub seconds: f64,
    /// Measurements since the last row that was logged.
    pub(super) window: Window,
}

/// The best evaluation of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Best {
    /// Steps taken.
    pub step: u64,
    /// How good it was.
    #[serde(flatten)]
    pub score: Score,
}

impl Best {
    /// Whether it is better than all before, of which `best` is the best.
    pub(super) fn is_better_than(&self, best: Option<&Self>) -> bool {
        best.is_none_or(|best| best.score.is_worse_than(&self.score))
    }

    /// The top-1 accuracy, if that is the score.
    pub fn top1(&self) -> Option<f64> {
        self.score.is_top1().then(|| self.score.share())
    }
}

impl fmt::Display for Best {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.score.fmt(f)
    }
}

/// How long a training has waited for a better evaluation. Only those count that come at their turn
/// (`train.eval_every`): one more because a limit was reached must not change when a run stops.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Patience {
    best: Option<Best>,
    /// Evaluations since the best.
    pub(super) waited: u64,
}

impl Patience {
    pub(super) fn add(&mut self, now: Best) {
        if now.is_better_than(self.best.as_ref()) {
            *self = Self { best: Some(now), waited: 0 };
        } else {
            self.waited += 1;
        }
    }
}

impl State {
    pub(super) fn new(seed: u64, steps_per_epoch: u64) -> Self {
        Self {
            format: FORMAT,
            step: 0,
            steps_per_epoch,
            seed,
            ema_updates: 0,
            best: None,
            patience: Patience::default(),
            evaluated_at: None,
            seconds: 0.0,
            window: Window::default(),
        }
    }

    /// Whole passes over the training set.
    pub fn epoch(&self) -> u64 {
        self.step / self.steps_per_epoch
    }

    /// Steps taken in the current pass.
    pub fn step_in_epoch(&self) -> u64 {
        self.step % self.steps_per_epoch
    }

    /// Passes over the training set, with a fraction.
    pub(super) fn epochs(&self) -> f64 {
        self.step as f64 / self.steps_per_epoch as f64
    }
}

/// Sums over some steps, from which a row of means is made. Sums of a run that was resumed are
/// those of one that was not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Window {
    steps: u64,
    images: u64,
    seconds: f64,
    sums: BTreeMap<String, Exact>,
}

impl Window {
    pub(super) fn add(&mut self, report: &StepReport) {
        self.steps += 1;
        self.images += report.images;
        self.seconds += report.seconds;
        let loss = std::iter::once(("loss", report.loss));
        for (name, value) in loss.chain(report.metrics.iter().copied()) {
            self.sums.entry(name.to_owned()).or_default().0 += value;
        }
    }

    /// The means under their names in the log; the window is empty afterwards.
    pub(super) fn take(&mut self, lr: f64) -> BTreeMap<String, f64> {
        let Self { steps, images, seconds, sums } = std::mem::take(self);
        let mean = |(name, sum): (String, Exact)| (format!("train/{name}"), sum.0 / steps as f64);
        let mut means: BTreeMap<String, f64> = sums.into_iter().map(mean).collect();
        means.insert("train/lr".to_owned(), lr);
        means.insert("train/images_per_second".to_owned(), images as f64 / seconds);
        means
    }

    pub(super) fn steps(&self) -> u64 {
        self.steps
    }
}
