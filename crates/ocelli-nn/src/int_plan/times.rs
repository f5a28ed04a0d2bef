//! What each step of a plan takes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// What a step is and does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepLabel {
    /// The operation that it begins with.
    pub layer: String,
    /// What it does: `layer`, `depthwise`, `quantize`, `mean` and the like.
    pub work: &'static str,
    /// Whether it reads or writes codes.
    pub on_integers: bool,
    /// Multiply-adds for an image.
    pub products: u64,
}

/// What a step took.
#[derive(Clone, Debug, PartialEq)]
pub struct StepTime {
    /// What it is and does.
    pub label: StepLabel,
    /// Seconds of all passes, added up over threads that compute images of their own.
    pub seconds: f64,
}

/// Clocks of a plan's steps, after one for the given values.
pub(super) struct StepClocks(Vec<AtomicU64>);

impl StepClocks {
    pub(super) fn new(steps: usize) -> Self {
        Self((0..=steps).map(|_| AtomicU64::new(0)).collect())
    }

    /// Does something, and adds what it takes to the clock of a step; 0 is that of the given values.
    pub(super) fn time(clocks: Option<&Self>, step: usize, work: impl FnOnce()) {
        let Some(Self(clocks)) = clocks else { return work() };
        let begin = Instant::now();
        work();
        let taken = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        clocks[step].fetch_add(taken, Ordering::Relaxed);
    }

    /// Seconds by step.
    pub(super) fn seconds(&self) -> impl Iterator<Item = f64> {
        self.0.iter().map(|nanoseconds| nanoseconds.load(Ordering::Relaxed) as f64 * 1e-9)
    }
}
