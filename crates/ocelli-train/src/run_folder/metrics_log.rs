//! What was measured, one JSON object per line, consistent with the checkpoints.

use crate::text_file::read_text;
use crate::{Error, Result};
use ocelli_common::write_whole;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Ten million rows.
const LARGEST: u64 = 1 << 30;

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
        // What is no row is not ours to remove, but for what a crash left of the last one.
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        let is_kept = |line: &&str| row(line).is_none_or(|row| row.step <= step);
        let kept: String = whole.lines().filter(is_kept).flat_map(|line| [line, "\n"]).collect();
        let damaged = whole.lines().filter(|line| row(line).is_none()).count();
        if damaged > 0 {
            tracing::warn!(
                "{}: {damaged} lines are no measurements; they are kept",
                path.display()
            );
        }
        write_whole(path, kept.as_bytes()).map_err(Error::io(path))?;
        let file = OpenOptions::new().append(true).open(path).map_err(Error::io(path))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// The rows of a file, without lines that are none. A file that does not exist has none.
    ///
    /// # Errors
    /// When the file cannot be read or is larger than 1 GiB.
    pub fn read(path: &Path) -> Result<Vec<Row>> {
        Ok(read(path)?.lines().filter_map(row).collect())
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
    if path.exists() { read_text(path, LARGEST) } else { Ok(String::new()) }
}

fn row(line: &str) -> Option<Row> {
    serde_json::from_str(line).ok()
}

fn line(path: &Path, row: &Row) -> Result<String> {
    let text = serde_json::to_string(row).map_err(std::io::Error::from);
    text.map(|text| text + "\n").map_err(Error::io(path))
}
