//! The last evaluation of a run, kept in its folder for the report.

use anyhow::Context;
use ocelli::train::{Evaluation, read_text};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

use crate::whole_file::write_whole;

/// The confusion matrix of five thousand classes.
const LARGEST: u64 = 256 << 20;

/// What an evaluation found, with the names of the classes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedEvaluation {
    pub(crate) step: u64,
    pub(crate) samples: u64,
    pub(crate) correct: u64,
    pub(crate) top1: f64,
    pub(crate) top5: Option<f64>,
    pub(crate) loss: f64,
    pub(crate) calibration_error: f64,
    pub(crate) classes: Vec<String>,
    pub(crate) confusion: Vec<Vec<u64>>,
}

impl SavedEvaluation {
    /// The evaluation after `step`.
    pub(crate) fn new(step: u64, classes: Vec<String>, evaluation: &Evaluation) -> Self {
        let scores = &evaluation.scores;
        Self {
            step,
            samples: scores.samples,
            correct: scores.correct,
            top1: scores.top1,
            top5: scores.top5,
            loss: scores.loss,
            calibration_error: scores.calibration_error,
            classes,
            confusion: scores.confusion.clone(),
        }
    }

    /// Writes it into the folder of its run, whole or not at all.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(crate) fn save(&self, run: &Path) -> anyhow::Result<()> {
        let path = path(run);
        let text = serde_json::to_vec(self).map_err(io::Error::from)?;
        write_whole(&path, text)
    }

    /// Reads that of a run, if there is one.
    ///
    /// # Errors
    /// When the file cannot be read or is no evaluation.
    pub(super) fn load(run: &Path) -> anyhow::Result<Option<Self>> {
        let path = path(run);
        if !path.exists() {
            return Ok(None);
        }
        let text = read_text(&path, LARGEST)?;
        let evaluation = serde_json::from_str(&text).map_err(io::Error::from);
        evaluation.with_context(|| path.display().to_string()).map(Some)
    }
}

fn path(run: &Path) -> PathBuf {
    run.join("evaluation.json")
}
