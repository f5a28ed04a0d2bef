//! How far a long command is: a bar on a terminal, now and then a line elsewhere.

use indicatif::{ProgressBar, ProgressStyle};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::output::grouped;

/// Lines of progress are this far apart.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// The progress of one task of known size. Can be moved on from any thread.
#[derive(Debug)]
pub(crate) struct Progress {
    what: &'static str,
    total: u64,
    start: Instant,
    bar: Option<ProgressBar>,
    last_line: Mutex<Instant>,
    note: Mutex<String>,
}

impl Progress {
    /// Begins a task that has `total` of `unit` to do.
    pub(crate) fn start(what: &'static str, total: u64, unit: &str) -> Self {
        let style = format!(
            "{what} [{{bar:30}}] {{human_pos}}/{{human_len}} {unit}, {{per_sec}}, {{eta}} left{{msg}}"
        );
        let bar = super::bars().map(|bars| {
            let style = ProgressStyle::with_template(&style);
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            bars.add(ProgressBar::new(total).with_style(style.progress_chars("=> ")))
        });
        let start = Instant::now();
        let (last_line, note) = (Mutex::new(start), Mutex::default());
        Self { what, total, start, bar, last_line, note }
    }

    /// What is told beside how much is done, as in `37 succeeded`.
    pub(crate) fn note(&self, note: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(format!("; {note}"));
        } else if let Ok(mut last) = self.note.lock() {
            last.clear();
            last.push_str(note);
        }
    }

    /// `done` of the total are done.
    pub(crate) fn set(&self, done: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            return;
        }
        let Ok(mut last) = self.last_line.lock() else { return };
        if last.elapsed() < BETWEEN_LINES || done >= self.total {
            return;
        }
        *last = Instant::now();
        let rate = done as f64 / self.start.elapsed().as_secs_f64();
        let (done, total) = (grouped(done), grouped(self.total));
        let note = self.note.lock().map(|note| note.clone()).unwrap_or_default();
        let separator = if note.is_empty() { "" } else { "; " };
        tracing::info!("{}: {done} of {total}, {rate:.0} per second{separator}{note}", self.what);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
