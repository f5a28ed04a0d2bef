//! The trials of a search on disk.

#[cfg(test)]
mod tests;

use super::{Score, Space, Trial};
use crate::error::WorkKind;
use crate::ledger::{Header, Lines, Opened};
use crate::{Error, Result};
use std::path::Path;

/// The version of the file.
pub(super) const FORMAT: u32 = 1;

/// A ledger that this process alone adds to: one JSON object a line, the first of which says what the
/// search is.
///
/// A line is added and synced when its trial is complete. A crash can cut the last line; it is dropped
/// when the search goes on, and its trial is made again.
#[derive(Debug)]
pub struct Ledger {
    file: Lines,
    trials: Vec<Trial>,
}

impl Ledger {
    /// Begins the ledger of a new search.
    ///
    /// # Errors
    /// [`Error::LedgerExists`] when there is one already; or when it cannot be written.
    pub fn create(path: &Path, header: &Header) -> Result<Self> {
        let file = Lines::create(path, WorkKind::Search, header)?;
        Ok(Self { file, trials: Vec::new() })
    }

    /// Opens the ledger of a search to go on with it. Says so if its last line had been cut and was
    /// dropped.
    ///
    /// # Errors
    /// [`Error::OtherWork`] when it is that of another search than `header`'s, [`Error::Ledger`] when
    /// a line is not what it should be, or when the file cannot be read or written.
    pub fn open(path: &Path, header: &Header, space: &Space) -> Result<(Self, bool)> {
        let Opened { file, lines, was_cut } = Lines::open(path, header)?;
        let mut ledger = Self { file, trials: Vec::new() };
        for (at, line) in lines.iter().enumerate() {
            let trial = ledger.trial(at, line, space)?;
            ledger.trials.push(trial);
        }
        Ok((ledger, was_cut))
    }

    /// The trials, in the order in which they were made.
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// Adds a trial. It is kept as it reads back, since the last digit of a number may change on the way:
    /// a search that goes on sees the same values as one that was not stopped.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn add(&mut self, trial: &Trial) -> Result<()> {
        let line = self.file.add(trial)?;
        let trial = serde_json::from_str(&line).map_err(std::io::Error::from);
        self.trials.push(trial.map_err(Error::io(self.file.path()))?);
        Ok(())
    }

    /// The trial that stands `at` so many lines after the head.
    fn trial(&self, at: usize, line: &[u8], space: &Space) -> Result<Trial> {
        let refuse = |reason| self.file.refuse(at, reason);
        let trial: Trial = serde_json::from_slice(line)
            .map_err(|error| refuse(format!("not a trial: {error}")))?;
        if trial.number != at as u64 {
            return Err(refuse(format!("trial {}, expected trial {at}", trial.number)));
        }
        if space.choices(&trial.stages).is_none() {
            return Err(refuse(format!("{} is not in the space of the search", trial.stages)));
        }
        match trial.score().and_then(Score::problem) {
            Some(problem) => Err(refuse(problem)),
            None => Ok(trial),
        }
    }
}
