//! What a training shows while it works: a bar or lines on stderr, curves for TensorBoard.

use ocelli::report::{EventWriter, ReportError};
use ocelli::train::{Event, Observer, Row, StepReport};
use std::path::Path;

use crate::talk::{Shown, Status, rate};

/// How much of the rate of the past survives a step.
const SMOOTHING: f64 = 0.98;

/// Watches one training.
pub(super) struct Watch<'a> {
    folder: &'a Path,
    events: Option<EventWriter>,
    shown: Option<Shown>,
    /// Where this session ends at the latest.
    last_step: u64,
    /// Smoothed loss and seconds per step.
    loss: Option<f64>,
    seconds: Option<f64>,
}

impl<'a> Watch<'a> {
    /// Watches a training that writes to `folder` and stops after `max_steps`, if given.
    pub(super) fn new(folder: &'a Path, max_steps: Option<u64>) -> Self {
        Self {
            folder,
            events: None,
            shown: None,
            last_step: max_steps.unwrap_or(u64::MAX),
            loss: None,
            seconds: None,
        }
    }

    fn begin(&mut self, step: u64, total_steps: u64) {
        self.last_step = self.last_step.min(total_steps);
        let events = EventWriter::open(self.folder, step);
        self.events = unless_failed(events);
        let (total, what) = (self.last_step, "train".to_owned());
        let status = Status { what, done: step, total, unit: "steps", ..Status::default() };
        self.shown = Some(Shown::new(status));
    }

    fn step(&mut self, report: &StepReport) {
        let smooth = |past: Option<f64>, now: f64| {
            Some(past.map_or(now, |past| SMOOTHING * past + (1.0 - SMOOTHING) * now))
        };
        self.loss = smooth(self.loss, report.loss);
        self.seconds = smooth(self.seconds, report.seconds);
        let seconds = self.seconds.unwrap_or(report.seconds).max(f64::MIN_POSITIVE);
        let (loss, last) = (self.loss.unwrap_or(report.loss), self.last_step);
        let Some(shown) = &self.shown else { return };
        shown.update(|status| {
            status.done = report.step;
            status.rate = rate(report.images as f64 / seconds, "images");
            status.left = Some(last.saturating_sub(report.step) as f64 * seconds);
            status.note =
                format!("epoch {:.2}, loss {loss:.4}, lr {:.2e}", report.epoch, report.lr);
        });
    }

    /// The curves are the rows of `metrics.jsonl`.
    fn log(&mut self, row: &Row) {
        let Some(events) = &mut self.events else { return };
        let written = row
            .values
            .iter()
            .try_for_each(|(name, value)| events.scalar(name, row.step, *value as f32))
            .and_then(|()| events.flush());
        if unless_failed(written).is_none() {
            self.events = None;
        }
    }
}

impl Observer for Watch<'_> {
    fn notice(&mut self, event: &Event<'_>) {
        match event {
            Event::Begun { step, total_steps, .. } => {
                tracing::info!("{event}");
                self.begin(*step, *total_steps);
            }
            Event::Step(report) => self.step(report),
            Event::Logged(row) => self.log(row),
            Event::Evaluating { done, total } => {
                if let Some(shown) = &self.shown {
                    shown.update(|status| status.note = format!("evaluating {done} of {total}"));
                }
            }
            Event::Rejected(_) => tracing::warn!("{event}"),
            Event::Examined { .. } | Event::Stage { .. } | Event::StoppedEarly { .. } => {
                tracing::info!("{event}");
            }
            Event::Saved { .. } => tracing::debug!("{event}"),
        }
    }
}

/// Curves are a comfort: a training goes on without them.
fn unless_failed<T>(result: Result<T, ReportError>) -> Option<T> {
    result.inspect_err(|error| tracing::warn!("no TensorBoard events: {error}")).ok()
}
