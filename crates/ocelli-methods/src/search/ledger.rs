//! The trials of a search on disk, one JSON object a line, the first of which says what the search is.
//!
//! A line is added and synced when its trial is complete. A crash can cut the last line; it is dropped
//! when the search goes on, and its trial is made again.

mod difference;

#[cfg(test)]
mod tests;

use super::{Score, Space, Trial};
use crate::{Error, Result};
use difference::first_difference;
use serde::Serialize;
use serde_json::Value;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The version of the file.
pub(super) const FORMAT: u32 = 1;

/// The longest ledger that is read, in bytes: a line has less than 10,000.
const MAX_BYTES: u64 = 1 << 28;

/// What a search is: all that decides what its trials mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Header(Value);

impl Header {
    /// The fields of `search`, as they read back from a file.
    pub(super) fn new(search: &impl Serialize) -> Result<Self> {
        let text = to_line(search, Path::new("header"))?;
        let value = serde_json::from_str(&text).map_err(std::io::Error::from);
        value.map(Self).map_err(Error::io("header"))
    }
}

/// A ledger that this process alone adds to.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    file: File,
    trials: Vec<Trial>,
}

impl Ledger {
    /// Begins the ledger of a new search.
    ///
    /// # Errors
    /// [`Error::LedgerExists`] when there is one already; or when it cannot be written.
    pub fn create(path: &Path, header: &Header) -> Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        let file = file.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Error::LedgerExists { path: path.to_owned() },
            _ => Error::io(path)(error),
        })?;
        lock(path, &file)?;
        let mut ledger = Self { path: path.to_owned(), file, trials: Vec::new() };
        ledger.write(&header.0)?;
        Ok(ledger)
    }

    /// Opens the ledger of a search to go on with it. Says so if its last line had been cut and was
    /// dropped.
    ///
    /// # Errors
    /// [`Error::OtherSearch`] when it is that of another search than `header`'s, [`Error::Ledger`] when
    /// a line is not what it should be, or when the file cannot be read or written.
    pub fn open(path: &Path, header: &Header, space: &Space) -> Result<(Self, bool)> {
        let file = OpenOptions::new().read(true).write(true).open(path);
        let file = file.map_err(Error::io(path))?;
        lock(path, &file)?;
        let mut ledger = Self { path: path.to_owned(), file, trials: Vec::new() };
        let bytes = ledger.read()?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let was_cut = whole < bytes.len();
        if was_cut {
            ledger.cut(whole as u64).map_err(Error::io(path))?;
        }
        let mut lines = bytes[..whole].split_inclusive(|byte| *byte == b'\n');
        match lines.next() {
            Some(line) => ledger.check_header(line, header)?,
            None => ledger.write(&header.0).map(drop)?,
        }
        for (at, line) in lines.enumerate() {
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
    /// a search that goes on sees the same numbers as one that was not stopped.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn add(&mut self, trial: &Trial) -> Result<()> {
        let line = self.write(trial)?;
        let trial = serde_json::from_str(&line).map_err(std::io::Error::from);
        self.trials.push(trial.map_err(Error::io(&self.path))?);
        Ok(())
    }

    fn write(&mut self, value: &impl Serialize) -> Result<String> {
        let line = to_line(value, &self.path)?;
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_all());
        written.map_err(Error::io(&self.path))?;
        Ok(line)
    }

    fn read(&mut self) -> Result<Vec<u8>> {
        let size = self.file.metadata().map_err(Error::io(&self.path))?.len();
        if size > MAX_BYTES {
            return Err(self.refuse(1, format!("{size} bytes, expected at most {MAX_BYTES}")));
        }
        let mut bytes = Vec::new();
        self.file.read_to_end(&mut bytes).map_err(Error::io(&self.path))?;
        Ok(bytes)
    }

    /// Ends the file after so many bytes, and goes on writing there.
    fn cut(&mut self, bytes: u64) -> std::io::Result<()> {
        self.file.set_len(bytes)?;
        self.file.seek(SeekFrom::End(0)).map(drop)
    }

    fn check_header(&self, line: &[u8], header: &Header) -> Result<()> {
        let begun: Value = serde_json::from_slice(line)
            .map_err(|error| self.refuse(1, format!("not the head of a ledger: {error}")))?;
        match first_difference(&begun, &header.0) {
            None => Ok(()),
            Some((field, begun, now)) => {
                Err(Error::OtherSearch { path: self.path.clone(), field, begun, now })
            }
        }
    }

    /// The trial that stands `at` so many lines after the head.
    fn trial(&self, at: usize, line: &[u8], space: &Space) -> Result<Trial> {
        let refuse = |reason| self.refuse(at + 2, reason);
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

    fn refuse(&self, line: usize, reason: String) -> Error {
        Error::Ledger { path: self.path.clone(), line, reason }
    }
}

fn to_line(value: &impl Serialize, path: &Path) -> Result<String> {
    let text = serde_json::to_string(value).map_err(std::io::Error::from);
    text.map(|text| text + "\n").map_err(Error::io(path))
}

fn lock(path: &Path, file: &File) -> Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(Error::LedgerBusy { path: path.to_owned() }),
        // Some network file systems have no locks; there a search must do without.
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => Ok(()),
        Err(TryLockError::Error(error)) => Err(Error::io(path)(error)),
    }
}
