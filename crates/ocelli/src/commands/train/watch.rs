//! What a training shows while it works: a bar or lines on stderr, curves for TensorBoard.

use indicatif::{ProgressBar, ProgressStyle};
use ocelli::report::{EventWriter, ReportError};
use ocelli::train::{Event, Observer, Row, StepReport};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::talk;

/// Without a terminal, lines of progress are this far apart.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// How much of the rate of the past survives a step.
const SMOOTHING: f64 = 0.98;

/// Watches one training.
pub(super) struct Watch<'a> {
    folder: &'a Path,
    events: Option<EventWriter>,
    bar: Option<ProgressBar>,
    /// Where this session ends at the latest.
    last_step: u64,
    last_line: Instant,
    /// Smoothed loss and seconds per step.
    loss: Option<f64>,
    seconds: Option<f64>,
    images: u64,
}

impl<'a> Watch<'a> {
    /// Watches a training that writes to `folder` and stops after `max_steps`, if given.
    pub(super) fn new(folder: &'a Path, max_steps: Option<u64>) -> Self {
        Self {
            folder,
            events: None,
            bar: None,
            last_step: max_steps.unwrap_or(u64::MAX),
            last_line: Instant::now(),
            loss: None,
            seconds: None,
            images: 0,
        }
    }

    fn begin(&mut self, step: u64, total_steps: u64) {
        self.last_step = self.last_step.min(total_steps);
        let events = EventWriter::open(self.folder, step);
        self.events = unless_failed(events);
        self.bar = talk::bars().map(|bars| {
            let template = "train [{bar:24}] {pos}/{len} {wide_msg}";
            let style = ProgressStyle::with_template(template);
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = bars.add(ProgressBar::new(self.last_step));
            bar.set_style(style.progress_chars("=> "));
            bar.with_position(step)
        });
    }

    fn step(&mut self, report: &StepReport) {
        let smooth = |past: Option<f64>, now: f64| {
            Some(past.map_or(now, |past| SMOOTHING * past + (1.0 - SMOOTHING) * now))
        };
        self.loss = smooth(self.loss, report.loss);
        self.seconds = smooth(self.seconds, report.seconds);
        self.images = report.images;
        if let Some(bar) = &self.bar {
            bar.set_position(report.step);
            bar.set_message(self.status(report));
        } else if self.last_line.elapsed() >= BETWEEN_LINES {
            self.last_line = Instant::now();
            let last = self.last_step;
            tracing::info!("step {} of {last}: {}", report.step, self.status(report));
        }
    }

    /// Loss, rate, speed and time left, in one line.
    fn status(&self, report: &StepReport) -> String {
        let seconds = self.seconds.unwrap_or(report.seconds).max(f64::MIN_POSITIVE);
        let left = self.last_step.saturating_sub(report.step) as f64 * seconds;
        format!(
            "epoch {:.2}, loss {:.4}, lr {:.2e}, {:.0} images/s, {} left",
            report.epoch,
            self.loss.unwrap_or(report.loss),
            report.lr,
            self.images as f64 / seconds,
            clock(left),
        )
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
                if let Some(bar) = &self.bar {
                    bar.set_message(format!("evaluating {done} of {total}"));
                }
            }
            Event::Rejected(_) => tracing::warn!("{event}"),
            Event::Evaluated { .. }
            | Event::Measured { .. }
            | Event::Stage { .. }
            | Event::StoppedEarly { .. } => {
                tracing::info!("{event}");
            }
            Event::Saved { .. } => tracing::debug!("{event}"),
        }
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Curves are a comfort: a training goes on without them.
fn unless_failed<T>(result: Result<T, ReportError>) -> Option<T> {
    result.inspect_err(|error| tracing::warn!("no TensorBoard events: {error}")).ok()
}

/// A length of time as people say it.
fn clock(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, _) => format!("{minutes}:{seconds:02} min"),
        _ => format!("{hours}:{minutes:02} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::clock;

    #[test]
    fn times_are_told_in_the_unit_that_fits() {
        let told = [0.4, 59.0, 61.0, 3599.0, 3600.0, 90_000.0].map(clock);
        assert_eq!(told, ["0 s", "59 s", "1:01 min", "59:59 min", "1:00 h", "25:00 h"]);
    }
}
