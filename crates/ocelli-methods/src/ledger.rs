//! What a long work has done so far, on disk: one JSON object a line, the first of which says what the
//! work is.
//!
//! A line is added and synced when its part is complete. A crash can cut the last line; it is dropped
//! when the work goes on, and its part is made again. Every line carries a [seal](seal), so that none
//! changes unnoticed.

mod difference;
mod seal;

use crate::error::WorkKind;
use crate::{Error, Result};
use difference::first_difference;
use ocelli_train::Lock;
use seal::Seal;
use serde::Serialize;
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The longest head that is read, in bytes: a file without lines is no ledger.
const MAX_HEAD: u64 = 1 << 26;

/// What a work is: all that decides what its lines mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Header(Value);

impl Header {
    /// The fields of `identity`, as they read back from a file.
    pub(crate) fn new(identity: &impl Serialize) -> Result<Self> {
        let text = to_json(identity, Path::new("header"))?;
        let value = serde_json::from_str(&text).map_err(std::io::Error::from);
        value.map(Self).map_err(Error::io("header"))
    }
}

/// A file that this process alone adds lines to.
#[derive(Debug)]
pub(crate) struct Lines {
    path: PathBuf,
    file: File,
    /// How long its whole lines are.
    bytes: u64,
    /// What seals the next line; a file of the first version has no seals and gets none.
    seal: Option<Seal>,
}

/// A file that was begun before.
pub(crate) struct Opened {
    pub(crate) file: Lines,
    /// The lines after the head.
    pub(crate) lines: Vec<Vec<u8>>,
    /// Whether its last line had been cut and was dropped.
    pub(crate) was_cut: bool,
}

impl Lines {
    /// Begins a file of a work.
    ///
    /// # Errors
    /// [`Error::LedgerExists`] when there is one already; or when it cannot be written.
    pub(crate) fn create(path: &Path, what: WorkKind, header: &Header) -> Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        let file = file.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Error::LedgerExists { path: path.to_owned(), what },
            _ => Error::io(path)(error),
        })?;
        lock(path, &file)?;
        let seal = Some(Seal::new());
        let mut lines = Self { path: path.to_owned(), file, bytes: 0, seal };
        lines.add(&header.0)?;
        Ok(lines)
    }

    /// Opens the file of a work to go on with it.
    ///
    /// # Errors
    /// [`Error::OtherWork`] when it is that of another work than `header`'s, [`Error::Ledger`] when it is
    /// none, or when the file cannot be read or written.
    pub(crate) fn open(path: &Path, header: &Header) -> Result<Opened> {
        // Opening a pipe would wait for its other end.
        let is_file = std::fs::metadata(path).map_err(Error::io(path))?.is_file();
        if !is_file {
            let reason = "not a regular file".to_owned();
            return Err(Error::Ledger { path: path.to_owned(), line: 1, reason });
        }
        let file = OpenOptions::new().read(true).write(true).open(path);
        let file = file.map_err(Error::io(path))?;
        lock(path, &file)?;
        let seal = Some(Seal::new());
        let mut file = Self { path: path.to_owned(), file, bytes: 0, seal };
        let (lines, was_cut) = file.read(header)?;
        if was_cut {
            file.cut().map_err(Error::io(path))?;
        }
        if file.bytes == 0 {
            tracing::warn!("{}: nothing is in it, and the work begins anew", path.display());
            file.add(&header.0)?;
        }
        Ok(Opened { file, lines, was_cut })
    }

    /// Adds a line, and says how it reads.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn add(&mut self, value: &impl Serialize) -> Result<String> {
        let text = to_json(value, &self.path)?;
        let sealed = self.seal.as_mut().map(|seal| seal.put_on(&text));
        let line = sealed.unwrap_or_else(|| text.clone()) + "\n";
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_all());
        written.map_err(Error::io(&self.path))?;
        self.bytes += line.len() as u64;
        Ok(text)
    }

    /// The error that the line `at` so many lines after the head is wrong.
    pub(crate) fn refuse(&self, at: usize, reason: String) -> Error {
        Error::Ledger { path: self.path.clone(), line: at + 2, reason }
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the whole lines after the head, and says whether there is something behind them.
    fn read(&mut self, header: &Header) -> Result<(Vec<Vec<u8>>, bool)> {
        let mut file = BufReader::new(&self.file);
        let mut next = |most| {
            let mut line = Vec::new();
            let read = (&mut file).take(most).read_until(b'\n', &mut line);
            read.map(|_| line).map_err(Error::io(&self.path))
        };
        let is_whole = |line: &[u8]| line.ends_with(b"\n");
        let head = next(MAX_HEAD)?;
        if !is_whole(&head) {
            // Only what a crash can have left of the head may be cut.
            let text = to_json(&header.0, &self.path)?;
            let starts = |line: String| line.as_bytes().starts_with(&head);
            if !starts(Seal::new().put_on(&text)) && !starts(text) {
                let reason = "not the head of a ledger".to_owned();
                return Err(Error::Ledger { path: self.path.clone(), line: 1, reason });
            }
            return Ok((Vec::new(), !head.is_empty()));
        }
        let mut seal = Seal::is_on(&head).then(Seal::new);
        let mut unseal = |at: usize, line: Vec<u8>| match &mut seal {
            None => Ok(line),
            Some(seal) => seal.take_off(&line).ok_or_else(|| Error::Ledger {
                path: self.path.clone(),
                line: at,
                reason: "it does not fit its hash: it was changed, or a line before it removed"
                    .to_owned(),
            }),
        };
        let mut bytes = head.len() as u64;
        self.check_header(&unseal(1, head)?, header)?;
        let mut lines = Vec::new();
        let rest = loop {
            let line = next(u64::MAX)?;
            if !is_whole(&line) {
                break line;
            }
            bytes += line.len() as u64;
            lines.push(unseal(lines.len() + 2, line)?);
        };
        self.bytes = bytes;
        self.seal = seal;
        Ok((lines, !rest.is_empty()))
    }

    /// Ends the file after its whole lines, and goes on writing there.
    fn cut(&mut self) -> std::io::Result<()> {
        self.file.set_len(self.bytes)?;
        self.file.seek(SeekFrom::End(0)).map(drop)
    }

    fn check_header(&self, line: &[u8], header: &Header) -> Result<()> {
        let begun: Value = serde_json::from_slice(line).map_err(|error| Error::Ledger {
            path: self.path.clone(),
            line: 1,
            reason: format!("not the head of a ledger: {error}"),
        })?;
        match first_difference(&begun, &header.0) {
            None => Ok(()),
            Some((field, begun, now)) => {
                Err(Error::OtherWork { path: self.path.clone(), field, begun, now })
            }
        }
    }
}

fn to_json(value: &impl Serialize, path: &Path) -> Result<String> {
    serde_json::to_string(value).map_err(std::io::Error::from).map_err(Error::io(path))
}

fn lock(path: &Path, file: &File) -> Result<()> {
    match Lock::try_on(file).map_err(Error::io(path))? {
        Lock::Ours | Lock::Unsupported => Ok(()),
        Lock::Taken => Err(Error::LedgerBusy { path: path.to_owned() }),
    }
}
