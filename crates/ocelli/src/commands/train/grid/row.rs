//! What became of one cell of a grid.

use ocelli::nn::Cost;
use ocelli::train::grid::Cell;
use ocelli::train::recipe::LARGEST_FILE;
use ocelli::train::{Best, Summary, read_text};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::io;
use std::path::{Path, PathBuf};

use crate::whole_file::write_whole;

/// The file of a row in the folder of its run.
pub(super) const FILE: &str = "cell.json";

/// Where a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Planned,
    Finished,
    LimitReached,
    StoppedEarly,
    Interrupted,
    Failed,
}

impl Status {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Finished => "finished",
            Self::LimitReached => "limit_reached",
            Self::StoppedEarly => "stopped_early",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
        }
    }
}

/// One cell: its settings, what its network costs, what was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) settings: Map<String, Value>,
    pub(super) status: Status,
    pub(super) run: Option<PathBuf>,
    pub(super) params: Option<u64>,
    pub(super) macs: Option<u64>,
    pub(super) activations: Option<u64>,
    /// `train.patience` where the training may stop early.
    pub(super) patience: Option<u64>,
    pub(super) steps: Option<u64>,
    pub(super) samples: Option<u64>,
    pub(super) top1: Option<f64>,
    pub(super) best_top1: Option<f64>,
    pub(super) best_step: Option<u64>,
    /// What decides which evaluation is the best, as in `top-1`.
    pub(super) score: Option<String>,
    pub(super) best_score: Option<f64>,
    pub(super) seconds: Option<f64>,
    pub(super) images_per_second: Option<f64>,
    pub(super) error: Option<String>,
}

impl Row {
    /// A cell before its training.
    pub(super) fn new(cell: &Cell) -> Self {
        let setting = |(key, value): &(String, toml::Value)| {
            (key.clone(), serde_json::to_value(value).unwrap_or_default())
        };
        let patience = cell.recipe.as_ref().ok().map(|recipe| recipe.train.patience);
        Self {
            name: cell.name.clone(),
            settings: cell.settings.iter().map(setting).collect(),
            status: Status::Planned,
            run: None,
            params: None,
            macs: None,
            activations: None,
            patience: patience.filter(|patience| *patience > 0),
            steps: None,
            samples: None,
            top1: None,
            best_top1: None,
            best_step: None,
            score: None,
            best_score: None,
            seconds: None,
            images_per_second: None,
            error: None,
        }
    }

    pub(super) fn with_cost(self, cost: &Cost) -> Self {
        let Cost { params, macs, activations, .. } = *cost;
        let (params, macs, activations) = (Some(params), Some(macs), Some(activations));
        Self { params, macs, activations, ..self }
    }

    pub(super) fn failed(self, error: String) -> Self {
        Self { status: Status::Failed, error: Some(error), ..self }
    }

    /// The cell after its training; `speed` is that of an earlier session, for one that took no
    /// step.
    pub(super) fn with_summary(self, summary: &Summary, run: &Path, speed: Option<f64>) -> Self {
        let scores = summary.evaluation.as_ref().map(|evaluation| &evaluation.scores);
        let measured = Some(summary.images_per_second).filter(|speed| speed.is_finite());
        let best = summary.state.best.as_ref();
        Self {
            status: summary.outcome.into(),
            run: Some(run.to_owned()),
            steps: Some(summary.state.step),
            samples: scores.map(|scores| scores.samples),
            top1: scores.map(|scores| scores.top1),
            best_top1: best.and_then(Best::top1),
            best_step: best.map(|best| best.step),
            score: best.map(|best| best.score.meaning.clone()),
            best_score: best.map(|best| best.score.share()),
            seconds: Some(summary.state.seconds),
            images_per_second: measured.or(speed),
            error: None,
            ..self
        }
    }

    /// Whether no session would go on with it under this `train.patience`.
    pub(super) fn is_finished(&self, patience: Option<u64>) -> bool {
        match self.status {
            Status::StoppedEarly => self.patience == patience,
            status => status == Status::Finished,
        }
    }

    /// What an earlier command left in the run's folder.
    pub(super) fn load(folder: &Path) -> Option<Self> {
        serde_json::from_str(&read_text(&folder.join(FILE), LARGEST_FILE).ok()?).ok()
    }

    /// Leaves it in the run's folder, if there is one, whole or not at all.
    pub(super) fn save(&self, folder: &Path) -> anyhow::Result<()> {
        if !folder.is_dir() {
            return Ok(());
        }
        write_whole(&folder.join(FILE), serde_json::to_vec(self).map_err(io::Error::from)?)
    }
}
