//! How far a long command is: a bar on a terminal, now and then a line elsewhere.

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Status;
use super::status::rate;

/// Lines of progress are this far apart.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// The width of a terminal that does not tell its own.
const USUAL_WIDTH: usize = 80;

/// Shows a status that its owner keeps. Can be told of changes from any thread.
#[derive(Debug)]
pub(crate) struct Shown {
    status: Arc<Mutex<Status>>,
    bar: Option<ProgressBar>,
    last_line: Mutex<Instant>,
}

impl Shown {
    /// Begins to show `status`.
    pub(crate) fn new(status: Status) -> Self {
        let status = Arc::new(Mutex::new(status));
        let bar = super::bars().map(|bars| {
            let bar = bars.add(ProgressBar::new(0).with_style(style(&status)));
            bar.tick();
            bar
        });
        Self { status, bar, last_line: Mutex::new(Instant::now()) }
    }

    /// Changes the status, and shows it where it is time to.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Status)) {
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut status);
        if let Some(bar) = &self.bar {
            // The bar reads the status when it is drawn.
            drop(status);
            bar.inc(1);
            return;
        }
        let mut last = self.last_line.lock().unwrap_or_else(PoisonError::into_inner);
        if last.elapsed() >= BETWEEN_LINES && status.done < status.total {
            *last = Instant::now();
            tracing::info!("{}", status.words());
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A style that is one key, which lays the whole line out for the terminal as it is now.
fn style(status: &Arc<Mutex<Status>>) -> ProgressStyle {
    let status = Arc::clone(status);
    let line = move |_: &ProgressState, line: &mut dyn Write| {
        let status = status.lock().unwrap_or_else(PoisonError::into_inner);
        // A line that cannot be written is one that nobody sees.
        let _ = line.write_str(&status.line(width()));
    };
    let style = ProgressStyle::with_template("{line}");
    style.unwrap_or_else(|_| ProgressStyle::default_bar()).with_key("line", line)
}

/// The columns of the terminal. The last is left free: some terminals begin a new line after it.
fn width() -> usize {
    let size = terminal_size::terminal_size_of(io::stderr());
    size.map_or(USUAL_WIDTH, |(width, _)| width.0.into()).saturating_sub(1)
}

/// The progress of one task of known size. Can be moved on from any thread.
#[derive(Debug)]
pub(crate) struct Progress {
    shown: Shown,
    start: Instant,
    /// What had been done before.
    before: u64,
}

impl Progress {
    /// Begins a task that has `total` of `unit` to do.
    pub(crate) fn start(what: impl Into<String>, total: u64, unit: &'static str) -> Self {
        Self::resume(what, 0, total, unit)
    }

    /// Goes on with a task of which `before` was done in another session.
    pub(crate) fn resume(
        what: impl Into<String>,
        before: u64,
        total: u64,
        unit: &'static str,
    ) -> Self {
        let status = Status { what: what.into(), done: before, total, unit, ..Status::default() };
        Self { shown: Shown::new(status), start: Instant::now(), before }
    }

    /// What is told beside how much is done, as in `37 succeeded`.
    pub(crate) fn note(&self, note: &str) {
        self.shown.update(|status| {
            status.note.clear();
            status.note.push_str(note);
        });
    }

    /// `done` of the total are done.
    pub(crate) fn set(&self, done: u64) {
        let seconds = self.start.elapsed().as_secs_f64();
        let per_second = done.saturating_sub(self.before) as f64 / seconds.max(f64::MIN_POSITIVE);
        self.shown.update(|status| {
            status.done = done;
            status.rate = rate(per_second, status.unit);
            let left = status.total.saturating_sub(done) as f64 / per_second;
            status.left = Some(left).filter(|left| left.is_finite());
        });
    }
}
