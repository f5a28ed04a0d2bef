//! How far a search is, and the trial under way.

use ocelli::methods::search;
use ocelli::train::{Event, Observer, StepReport};
use std::cell::{Cell, RefCell};
use std::time::Instant;

use crate::output::grouped;
use crate::talk::{Progress, clock};

/// Watches a search, whose trials are trainings.
pub(super) struct Watch {
    /// How many trials are made in all.
    trials: u64,
    /// The trial under way, counted from zero.
    present: Cell<u64>,
    /// Trials that were made in this session, and since when.
    made: Cell<u64>,
    start: Instant,
    training: RefCell<Option<Progress>>,
}

impl Watch {
    pub(super) fn new(trials: u64) -> Self {
        let (present, made) = (Cell::new(0), Cell::new(0));
        Self { trials, present, made, start: Instant::now(), training: RefCell::default() }
    }

    /// What listens to the training of each trial.
    pub(super) fn trial(&self) -> Trial<'_> {
        Trial(self)
    }

    /// Tells of a trial, and of the time that the others will take.
    pub(super) fn notice(&self, event: &search::Event<'_>) {
        self.end();
        tracing::info!("{event}");
        match event {
            search::Event::Trying { number, .. } => self.present.set(*number),
            search::Event::Tried { trial, .. } => {
                self.made.set(self.made.get() + 1);
                let (done, all) = (trial.number + 1, self.trials);
                if done < all {
                    let each = self.start.elapsed().as_secs_f64() / self.made.get() as f64;
                    let left = clock((all - done) as f64 * each);
                    tracing::info!(
                        "{} of {} trials, about {left} left",
                        grouped(done),
                        grouped(all)
                    );
                }
            }
        }
    }

    /// Shows nothing any more, where the last trial was interrupted.
    pub(super) fn end(&self) {
        self.training.replace(None);
    }

    fn begin(&self, step: u64, total_steps: u64) {
        let what = format!("trial {}", self.present.get());
        self.training.replace(Some(Progress::resume(what, step, total_steps, "steps")));
    }

    fn step(&self, report: &StepReport) {
        if let Some(progress) = &*self.training.borrow() {
            progress.set(report.step);
            progress.note(&format!("epoch {:.2}, loss {:.4}", report.epoch, report.loss));
        }
    }
}

/// Watches the training of one trial.
pub(super) struct Trial<'a>(&'a Watch);

impl Observer for Trial<'_> {
    fn notice(&mut self, event: &Event<'_>) {
        match event {
            Event::Begun { step, total_steps, .. } => {
                tracing::debug!("{event}");
                self.0.begin(*step, *total_steps);
            }
            Event::Step(report) => self.0.step(report),
            Event::Examined { .. } => tracing::debug!("{event}"),
            _ => {}
        }
    }
}
