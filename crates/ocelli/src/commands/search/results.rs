//! What a search found: the front on stdout, all trials as CSV, the winner as a recipe.

use ocelli::methods::search::{End, Score, SearchPlan, StepTime, Trial, TrialOutcome};
use ocelli::results::write_csv;
use serde::Serialize;
use std::path::{Path, PathBuf};

use crate::failure::BadInput;
use crate::output::{Align, Output, Table, grouped, millions, percent};
use crate::whole_file::write_whole;

const TRIALS: &str = "trials.csv";
const WINNER: &str = "winner.toml";

/// What a search found so far.
pub(super) struct Results<'a> {
    plan: &'a SearchPlan,
    trials: &'a [Trial],
    end: End,
    folder: &'a Path,
    winner: Option<&'a Trial>,
    front: Vec<(&'a Trial, &'a Score)>,
}

/// One network that was trained, for programs.
#[derive(Serialize)]
struct Row {
    trial: u64,
    reward: f64,
    accuracy: f64,
    correct: u64,
    samples: u64,
    step_ms: f64,
    step_ratio: f64,
    params: u64,
    macs: u64,
    network: String,
}

impl Row {
    fn new(trial: &Trial, Score { reward, measured }: &Score) -> Self {
        Self {
            trial: trial.number,
            reward: *reward,
            accuracy: measured.accuracy(),
            correct: measured.correct,
            samples: measured.samples,
            step_ms: measured.step_ms,
            step_ratio: measured.step_ratio(),
            params: measured.params,
            macs: measured.macs,
            network: trial.stages.to_string(),
        }
    }
}

/// A line of the CSV; what a failed trial lacks is empty.
#[derive(Serialize)]
struct Line {
    trial: u64,
    status: &'static str,
    role: &'static str,
    reward: Option<f64>,
    accuracy: Option<f64>,
    correct: Option<u64>,
    samples: Option<u64>,
    step_ms: Option<f64>,
    step_ratio: Option<f64>,
    params: Option<u64>,
    macs: Option<u64>,
    seconds: Option<f64>,
    network: String,
    reason: String,
}

/// The one JSON object.
#[derive(Serialize)]
pub(super) struct SearchJson {
    search: PathBuf,
    outcome: &'static str,
    /// Whether times were measured or modelled.
    step_time: StepTime,
    trials: usize,
    failed: usize,
    backbone: Option<Row>,
    winner: Option<Row>,
    recipe: Option<PathBuf>,
    front: Vec<Row>,
}

impl<'a> Results<'a> {
    pub(super) fn new(
        plan: &'a SearchPlan,
        trials: &'a [Trial],
        end: End,
        folder: &'a Path,
    ) -> Self {
        let (winner, front) = (plan.winner(trials), plan.front(trials));
        Self { plan, trials, end, folder, winner, front }
    }

    /// Writes the CSV and the winner's recipe.
    ///
    /// # Errors
    /// When a file cannot be written, or all trials are made and none can win.
    pub(super) fn write(&self) -> anyhow::Result<()> {
        write_csv(&self.folder.join(TRIALS), |file| {
            self.trials.iter().try_for_each(|trial| file.serialize(self.line(trial)))
        })?;
        let Some(winner) = self.winner else { return self.no_winner() };
        write_whole(&self.folder.join(WINNER), self.plan.winner_recipe(winner).to_toml()?)
    }

    fn no_winner(&self) -> anyhow::Result<()> {
        let reason = self.trials.iter().find_map(|trial| match &trial.outcome {
            TrialOutcome::Failed { reason } => Some(format!("trial {}: {reason}", trial.number)),
            TrialOutcome::Done(_) => None,
        });
        match (self.end, self.plan.config().max_step_ratio, reason) {
            (End::Interrupted, ..) => Ok(()),
            (End::Finished, Some(most), _) if !self.front.is_empty() => Err(BadInput::new(
                format!("no network has a step of at most {most} times the backbone's"),
            )
            .hint("raise search.max_step_ratio and resume")
            .into()),
            (End::Finished, _, reason) => {
                let reason = reason.unwrap_or_default();
                Err(BadInput::new(format!("no network could be trained; {reason}"))
                    .hint("lower optimizer.lr, or shorten gradients with optimizer.clip_norm")
                    .into())
            }
        }
    }

    fn role(&self, trial: &Trial) -> &'static str {
        let is = |other: &Trial| other.number == trial.number;
        if self.winner.is_some_and(is) {
            "winner"
        } else if self.plan.space().backbone().is_some_and(|stages| stages == trial.stages) {
            "backbone"
        } else if self.front.iter().any(|(other, _)| is(other)) {
            "front"
        } else {
            ""
        }
    }

    fn line(&self, trial: &Trial) -> Line {
        let row = trial.score().map(|score| Row::new(trial, score));
        let row = row.as_ref();
        Line {
            trial: trial.number,
            status: if row.is_some() { "done" } else { "failed" },
            role: self.role(trial),
            reward: row.map(|row| row.reward),
            accuracy: row.map(|row| row.accuracy),
            correct: row.map(|row| row.correct),
            samples: row.map(|row| row.samples),
            step_ms: row.map(|row| row.step_ms),
            step_ratio: row.map(|row| row.step_ratio),
            params: row.map(|row| row.params),
            macs: row.map(|row| row.macs),
            seconds: trial.score().map(|score| score.measured.seconds),
            network: trial.stages.to_string(),
            reason: match &trial.outcome {
                TrialOutcome::Failed { reason } => reason.clone(),
                TrialOutcome::Done(_) => String::new(),
            },
        }
    }

    /// Shows the front, the fastest network first, and where the winner is.
    pub(super) fn show(&self, output: &mut Output) -> anyhow::Result<()> {
        let right = |head| (head, Align::Right);
        let mut table = Table::new([
            right("trial"),
            right("reward"),
            right("top-1"),
            right(match self.plan.config().step_time {
                StepTime::Measured => "step ms",
                StepTime::Modelled => "modelled ms",
            }),
            right("× backbone"),
            right("params"),
            ("network", Align::Left),
            ("", Align::Left),
        ]);
        for (trial, score) in &self.front {
            let measured = &score.measured;
            table.row([
                trial.number.to_string(),
                format!("{:.4}", score.reward),
                percent(measured.accuracy()),
                format!("{:.2}", measured.step_ms),
                format!("{:.2}", measured.step_ratio()),
                millions(measured.params),
                trial.stages.to_string(),
                self.role(trial).replace("front", ""),
            ]);
        }
        output.text(table)?;
        output.text("")?;
        output.text(format_args!(
            "trials  {}, {} failed",
            grouped(self.trials.len() as u64),
            self.failed()
        ))?;
        if self.winner.is_some() {
            output.text(format_args!("winner  {}", self.folder.join(WINNER).display()))?;
        }
        Ok(())
    }

    fn failed(&self) -> usize {
        self.trials.iter().filter(|trial| trial.score().is_none()).count()
    }

    /// The one JSON object.
    pub(super) fn json(&self) -> SearchJson {
        let row = |trial: &Trial| Some(Row::new(trial, trial.score()?));
        let backbone = self.plan.space().backbone();
        let backbone = self.trials.iter().find(|trial| Some(&trial.stages) == backbone.as_ref());
        SearchJson {
            search: self.folder.to_owned(),
            outcome: match self.end {
                End::Finished => "finished",
                End::Interrupted => "interrupted",
            },
            step_time: self.plan.config().step_time,
            trials: self.trials.len(),
            failed: self.failed(),
            backbone: backbone.and_then(row),
            winner: self.winner.and_then(row),
            recipe: self.winner.map(|_| self.folder.join(WINNER)),
            front: self.front.iter().map(|(trial, score)| Row::new(trial, score)).collect(),
        }
    }
}
