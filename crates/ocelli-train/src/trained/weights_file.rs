//! Which file of weights is opened: of a run's checkpoints the best, the last or that of a step.

#[cfg(test)]
mod tests;

use crate::checkpoint::{Checkpoint, MANIFEST, Newest, Rejected};
use crate::{Best, Error, MODEL, Result, RunFolder, State};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

const BEST: &str = "best";
const LAST: &str = "last";
const STEP: &str = "step-";

/// Which checkpoint of a run's folder is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum CheckpointChoice {
    /// That of the best evaluation; the last one where it is not there.
    #[default]
    Best,
    /// The newest that can be trusted.
    Last,
    /// That of a step.
    Step(u64),
}

/// The checkpoint that was taken, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChosenCheckpoint {
    /// The step after which it was written.
    pub step: u64,
    /// Which one it is: also the last, where the best is not there.
    pub which: CheckpointChoice,
    /// Why this one, in words.
    pub why: String,
    /// The top-1 accuracy of its evaluation, if it is the best of the run.
    pub top1: Option<f64>,
}

/// A file of weights.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightsFile {
    /// The file.
    pub path: PathBuf,
    /// The checkpoint that it belongs to, unless the file itself was named.
    pub checkpoint: Option<ChosenCheckpoint>,
}

impl WeightsFile {
    /// The file of weights that `path` stands for: a run's folder, a checkpoint or the file itself.
    /// Of a run it is the best checkpoint unless `choice` says otherwise. Which one it is, is told in
    /// the log.
    ///
    /// # Errors
    /// When a run has no checkpoint that can be trusted, or not the one of the step; and when
    /// there is a `choice` and `path` is no run's folder.
    pub fn find(path: &Path, choice: Option<CheckpointChoice>) -> Result<Self> {
        let is_checkpoint = path.join(MANIFEST).exists();
        if choice.is_some() && (is_checkpoint || !path.is_dir()) {
            return Err(Error::NoChoice { path: path.to_owned() });
        }
        if !path.is_dir() {
            return Ok(Self { path: path.to_owned(), checkpoint: None });
        }
        if is_checkpoint {
            let checkpoint = Checkpoint::open(path)?;
            let best = best_of(&checkpoint).ok().flatten();
            let named = CheckpointChoice::Step(checkpoint.step);
            let chosen = ChosenCheckpoint::new(&checkpoint, named, "its folder was named", best);
            return Ok(Self { path: checkpoint.file(MODEL), checkpoint: Some(chosen) });
        }
        let (checkpoint, chosen) = match choice.unwrap_or_default() {
            CheckpointChoice::Best => best(path)?,
            CheckpointChoice::Last => last(path)?,
            CheckpointChoice::Step(step) => of_step(path, step)?,
        };
        tracing::info!("{}: {chosen}", path.display());
        Ok(Self { path: checkpoint.file(MODEL), checkpoint: Some(chosen) })
    }
}

impl ChosenCheckpoint {
    fn new(
        checkpoint: &Checkpoint,
        which: CheckpointChoice,
        why: impl Into<String>,
        best: Option<Best>,
    ) -> Self {
        let step = checkpoint.step;
        let top1 = best.filter(|best| best.step == step).and_then(|best| best.top1());
        Self { step, which, why: why.into(), top1 }
    }
}

/// The checkpoint of the best evaluation, or else the last.
fn best(run: &Path) -> Result<(Checkpoint, ChosenCheckpoint)> {
    let last = newest(run)?;
    let else_last = |why: String| {
        let chosen = ChosenCheckpoint::new(&last, CheckpointChoice::Last, why, None);
        Ok((last.clone(), chosen))
    };
    let best = match best_of(&last) {
        Ok(Some(best)) => best,
        Ok(None) => return else_last("the run was not evaluated yet".to_owned()),
        Err(error) => return else_last(format!("which is the best is not known: {error}")),
    };
    let checkpoints = RunFolder::checkpoints_of(run);
    if !checkpoints.steps()?.contains(&best.step) {
        return else_last(format!("the best has no checkpoint: step {}, {best}", best.step));
    }
    match checkpoints.at(best.step) {
        Ok(checkpoint) => {
            let which = CheckpointChoice::Best;
            let chosen = ChosenCheckpoint::new(&checkpoint, which, best.to_string(), Some(best));
            Ok((checkpoint, chosen))
        }
        Err(error) => {
            warn_of(&[Rejected {
                path: checkpoints.folder_of(best.step),
                reason: error.to_string(),
            }]);
            else_last(format!("the best is damaged: step {}, {best}", best.step))
        }
    }
}

fn last(run: &Path) -> Result<(Checkpoint, ChosenCheckpoint)> {
    let last = newest(run)?;
    let chosen = asked_for(&last, CheckpointChoice::Last, best_of(&last).ok().flatten());
    Ok((last, chosen))
}

fn of_step(run: &Path, step: u64) -> Result<(Checkpoint, ChosenCheckpoint)> {
    let checkpoints = RunFolder::checkpoints_of(run);
    let known = checkpoints.steps()?;
    if !known.contains(&step) {
        return Err(Error::NoSuchStep { path: run.to_owned(), step, known });
    }
    let checkpoint = checkpoints.at(step)?;
    let newest = checkpoints.newest()?.checkpoint;
    let best = newest.and_then(|newest| best_of(&newest).ok().flatten());
    let chosen = asked_for(&checkpoint, CheckpointChoice::Step(step), best);
    Ok((checkpoint, chosen))
}

fn asked_for(
    checkpoint: &Checkpoint,
    which: CheckpointChoice,
    best: Option<Best>,
) -> ChosenCheckpoint {
    let why = match &best {
        Some(best) if best.step == checkpoint.step => {
            format!("asked for, and also the best: {best}")
        }
        Some(best) => format!("asked for; the best is step {}, {best}", best.step),
        None => "asked for".to_owned(),
    };
    ChosenCheckpoint::new(checkpoint, which, why, best)
}

/// The newest checkpoint that can be trusted.
fn newest(run: &Path) -> Result<Checkpoint> {
    let Newest { checkpoint, rejected } = RunFolder::checkpoints_of(run).newest()?;
    warn_of(&rejected);
    checkpoint.ok_or_else(|| match rejected.first() {
        Some(newest) => Error::NoGoodCheckpoint {
            folder: RunFolder::checkpoints_of(run).folder().to_owned(),
            reason: newest.reason.clone(),
        },
        None => Error::NoCheckpoint { path: run.to_owned() },
    })
}

fn warn_of(rejected: &[Rejected]) {
    for Rejected { path, reason } in rejected {
        tracing::warn!("passing over the damaged checkpoint {}: {reason}", path.display());
    }
}

/// What a checkpoint knows as the best evaluation of its run.
fn best_of(checkpoint: &Checkpoint) -> Result<Option<Best>> {
    State::read(checkpoint).map(|state| state.best)
}

impl FromStr for CheckpointChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            BEST => Ok(Self::Best),
            LAST => Ok(Self::Last),
            _ => {
                let step = text.strip_prefix(STEP).and_then(|step| step.parse().ok());
                step.map(Self::Step)
                    .ok_or_else(|| "expected best, last or step-N, as in step-1200".to_owned())
            }
        }
    }
}

impl fmt::Display for CheckpointChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Best => f.write_str(BEST),
            Self::Last => f.write_str(LAST),
            Self::Step(step) => write!(f, "{STEP}{step}"),
        }
    }
}

impl TryFrom<String> for CheckpointChoice {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<CheckpointChoice> for String {
    fn from(choice: CheckpointChoice) -> Self {
        choice.to_string()
    }
}

impl fmt::Display for ChosenCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, which, why, .. } = self;
        match which {
            CheckpointChoice::Step(_) => write!(f, "step {step} ({why})"),
            which => write!(f, "step {step}, the {which} ({why})"),
        }
    }
}
