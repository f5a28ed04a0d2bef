//! A run's folder: everything that belongs to one training, and nothing else.
//!
//! ```text
//! runs/NAME/recipe.toml      the resolved recipe
//!           metrics.jsonl    one JSON object per line: steps, evaluations
//!           log.txt          what happened, in words
//!           checkpoints/     see `checkpoint`
//! ```

mod metrics_log;
mod own_recipe;

#[cfg(test)]
mod tests;

pub use metrics_log::{MetricsLog, Row};

use crate::checkpoint::Checkpoints;
use crate::work_folder::{ClaimedFolder, Lock};
use crate::{Error, Recipe, Result};
use ocelli_common::UNFINISHED;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

const RECIPE: &str = "recipe.toml";
const METRICS: &str = "metrics.jsonl";
const LOG: &str = "log.txt";
const CHECKPOINTS: &str = "checkpoints";

/// So much of a log is looked at.
const LARGEST_LOG: u64 = 256 << 20;

/// A run's folder that this process alone writes to.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    log: File,
}

impl RunFolder {
    /// The folder of a run that begins, with its recipe, or of one that is resumed, whose recipe stays.
    ///
    /// # Errors
    /// As [`create`](Self::create) and [`open`](Self::open).
    pub fn begin(folder: &ClaimedFolder, recipe: &Recipe) -> Result<Self> {
        if folder.is_begun() {
            return Ok(Self::open(folder.path())?.0);
        }
        Self::create(folder.path(), recipe)
    }

    /// Makes the folder of a new run and writes its recipe.
    ///
    /// # Errors
    /// [`Error::RunExists`] when the folder holds a run already; or when it cannot be written.
    pub fn create(path: impl Into<PathBuf>, recipe: &Recipe) -> Result<Self> {
        let path = path.into();
        if Self::holds_run(&path) {
            return Err(Error::RunExists { path });
        }
        fs::create_dir_all(&path).map_err(Error::io(&path))?;
        let run = Self::lock(path)?;
        own_recipe::write(&Self::recipe_path(&run.path), recipe)?;
        Ok(run)
    }

    /// Opens the folder of a run that was begun, and its recipe.
    ///
    /// # Errors
    /// When it is no run's folder, its recipe is damaged, or another process writes to it.
    pub fn open(path: impl Into<PathBuf>) -> Result<(Self, Recipe)> {
        let path = path.into();
        let recipe = Self::recipe(&path)?;
        Ok((Self::lock(path)?, recipe))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a run was begun in `path`.
    pub fn holds_run(path: &Path) -> bool {
        Self::recipe_path(path).exists()
    }

    /// The path of the recipe of the run in `path`.
    pub fn recipe_path(path: &Path) -> PathBuf {
        path.join(RECIPE)
    }

    /// Its checkpoints.
    pub fn checkpoints(&self) -> Checkpoints {
        Self::checkpoints_of(&self.path)
    }

    /// The checkpoints of the run in `path`, for a reader.
    pub fn checkpoints_of(path: &Path) -> Checkpoints {
        Checkpoints::new(path.join(CHECKPOINTS))
    }

    /// The path of the measurements of the run in `path`.
    pub fn metrics_path(path: &Path) -> PathBuf {
        path.join(METRICS)
    }

    /// Opens the measurements to add to them, without those that lie after `step`.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn metrics_after(&self, step: u64) -> Result<MetricsLog> {
        MetricsLog::open(&self.path.join(METRICS), step)
    }

    /// Adds a line to the log.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn log(&mut self, line: &str) -> Result<()> {
        writeln!(self.log, "{line}").map_err(Error::io(self.path.join(LOG)))
    }

    /// Checks that the folder is still there: a run does not make it again.
    pub(crate) fn check_is_there(&self) -> Result<()> {
        let log = self.path.join(LOG);
        fs::metadata(&log).map(drop).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::Corrupt {
                path: self.path.clone(),
                reason: "the run's folder was removed while it trained".to_owned(),
            },
            _ => Error::io(log)(error),
        })
    }

    /// The step of the last measurement of the run in `path`, which is 0 without one.
    fn last_step(path: &Path) -> Result<u64> {
        let rows = MetricsLog::read(&Self::metrics_path(path))?;
        Ok(rows.iter().map(|row| row.step).max().unwrap_or(0))
    }

    /// Whether the log says that a checkpoint was written.
    fn log_tells_of_a_checkpoint(&self) -> Result<bool> {
        let path = self.path.join(LOG);
        let lines = BufReader::new(File::open(&path).map_err(Error::io(&path))?);
        // A line that is no text, or endless, is none of ours.
        let lines = lines.take(LARGEST_LOG).lines().map_while(std::result::Result::ok);
        Ok(lines.into_iter().any(|line| line.contains("] saved ")))
    }

    /// Checks that a run without a checkpoint never had one: it would begin again in silence.
    ///
    /// # Errors
    /// [`Error::CheckpointsGone`] when it was measured after the step of its first checkpoint, or its log
    /// tells of one.
    pub(crate) fn check_never_saved(&self, steps_per_epoch: u64) -> Result<()> {
        let begun = Self::recipe(&self.path)?;
        let (step, first) =
            (Self::last_step(&self.path)?, begun.checkpoint.distance(steps_per_epoch));
        if step <= first && !self.log_tells_of_a_checkpoint()? {
            return Ok(());
        }
        Err(Error::CheckpointsGone { folder: self.checkpoints().folder().to_owned(), step })
    }

    /// The log is what is locked: it stays open, and the system lets go of it if we die.
    fn lock(path: PathBuf) -> Result<Self> {
        let log_path = path.join(LOG);
        if fs::symlink_metadata(&log_path).is_ok_and(|metadata| !metadata.is_file()) {
            let reason = "no regular file, where a run writes one of its own".to_owned();
            return Err(Error::Corrupt { path: log_path, reason });
        }
        let log = OpenOptions::new().create(true).append(true).open(&log_path);
        let log = log.map_err(Error::io(&log_path))?;
        match Lock::try_on(&log).map_err(Error::io(&log_path))? {
            // Nobody else writes here, so that what is unfinished stays so.
            Lock::Ours => sweep(&path),
            Lock::Taken => return Err(Error::RunBusy { path }),
            Lock::Unsupported => {}
        }
        Ok(Self { path, log })
    }
}

/// Removes the files that writers of this folder left unfinished when they were killed.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file && entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            // It is in nobody's way if it stays.
            let _ = fs::remove_file(entry.path());
        }
    }
}
