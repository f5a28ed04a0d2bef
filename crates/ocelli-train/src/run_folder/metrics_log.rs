//! What was measured, one JSON object per line, consistent with the checkpoints.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// One line: what was measured at a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Steps taken so far.
    pub step: u64,
    /// Passes over the training set so far, with a fraction.
    pub epoch: f64,
    /// What was measured, as in `train/loss` or `eval/top1`.
    #[serde(flatten)]
    pub values: BTreeMap<String, f64>,
}

/// A file of rows that is being added to.
#[derive(Debug)]
pub struct MetricsLog {
    path: PathBuf,
    file: File,
}

impl MetricsLog {
    /// Opens the file without its rows after `step` and without a last line that a crash cut off:
    /// a resumed run takes those steps again.
    pub(super) fn open(path: &Path, step: u64) -> Result<Self> {
        let text = read(path)?;
        let kept = rows(&text).filter(|(row, _)| row.step <= step);
        let text: String = kept.flat_map(|(_, line)| [line, "\n"]).collect();
        let unfinished = path.with_extension("jsonl.partial");
        fs::write(&unfinished, text).map_err(Error::io(&unfinished))?;
        fs::rename(&unfinished, path).map_err(Error::io(path))?;
        let file = OpenOptions::new().append(true).open(path).map_err(Error::io(path))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// The rows of a file, up to the first line that is not one. A file that does not exist has
    /// none.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(path: &Path) -> Result<Vec<Row>> {
        Ok(rows(&read(path)?).map(|(row, _)| row).collect())
    }

    /// Adds a row. Values that are not finite are left out: JSON has no word for them.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn add(&mut self, row: &Row) -> Result<()> {
        let values =
            row.values.iter().filter(|(_, value)| value.is_finite()).map(|(k, v)| (k.clone(), *v));
        let row = Row { values: values.collect(), ..row.clone() };
        let line = line(&self.path, &row)?;
        self.file.write_all(line.as_bytes()).map_err(Error::io(&self.path))
    }
}

fn read(path: &Path) -> Result<String> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        text => text.map_err(Error::io(path)),
    }
}

/// The rows of a text with their lines, up to the first line that is not one.
fn rows(text: &str) -> impl Iterator<Item = (Row, &str)> {
    text.lines().map_while(|line| Some((serde_json::from_str(line).ok()?, line)))
}

fn line(path: &Path, row: &Row) -> Result<String> {
    let text = serde_json::to_string(row).map_err(std::io::Error::from);
    text.map(|text| text + "\n").map_err(Error::io(path))
}
