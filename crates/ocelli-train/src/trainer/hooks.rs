//! What happens between steps: when there are evaluations, checkpoints, and words about them.

use super::{Event, State, TrainOutcome, Trainer};
use crate::{Error, Result, Row};
use std::collections::BTreeMap;
use std::path::PathBuf;

impl Trainer<'_> {
    pub(super) fn evaluation_is_due(&self, end: Option<TrainOutcome>) -> bool {
        let State { step, evaluated_at, .. } = self.now.state;
        (self.is_turn_to_evaluate() || end.is_some()) && evaluated_at != Some(step)
    }

    /// Whether an evaluation comes after this step, however long the training goes on.
    pub(super) fn is_turn_to_evaluate(&self) -> bool {
        let State { step, steps_per_epoch, .. } = self.now.state;
        step > 0 && step % (steps_per_epoch * self.recipe.train.eval_every) == 0
    }

    /// Whether so many evaluations were no better as the recipe has patience for.
    pub(super) fn is_out_of_patience(&self) -> bool {
        let patience = self.recipe.train.patience;
        patience > 0 && self.now.state.patience.waited >= patience
    }

    /// What early stopping measures, where the recipe has patience.
    pub(super) fn waiting(&self) -> Vec<(String, f64)> {
        if self.recipe.train.patience == 0 {
            return Vec::new();
        }
        let waited = ("eval/since_best".to_owned(), self.now.state.patience.waited as f64);
        let stopped = self.is_out_of_patience().then(|| ("train/stopped_early".to_owned(), 1.0));
        [waited].into_iter().chain(stopped).collect()
    }

    pub(super) fn tell_of_early_stop(&mut self) -> Result<()> {
        let State { step, best, .. } = self.now.state.clone();
        let patience = self.recipe.train.patience;
        self.tell(&Event::StoppedEarly { step, patience, best })
    }

    /// At its distance from the one before, and where the best evaluation so far was.
    pub(super) fn checkpoint_is_due(&self) -> bool {
        let state = &self.now.state;
        let distance = self.recipe.checkpoint.distance(state.steps_per_epoch);
        let is_best = state.best.as_ref().is_some_and(|best| best.step == state.step);
        state.step > 0 && (state.step.is_multiple_of(distance) || is_best)
    }

    pub(super) fn save(&mut self) -> Result<()> {
        if self.group.rank() != 0 || self.is_saved {
            return Ok(());
        }
        let step = self.now.state.step;
        let models = self.method.models(self.now.model(), step)?;
        let model = models.first().map(|(_, model)| model);
        let files =
            self.now.files(model, &self.metadata, self.recipe).map_err(|error| match error {
                Error::Diverged { what, step, .. } => self.diverged(what, step),
                other => other,
            })?;
        let checkpoints = self.run.checkpoints();
        let saved = checkpoints.save(step, &files)?;
        let best = self.now.state.best.as_ref().map(|best| best.step);
        checkpoints.prune(self.recipe.checkpoint.keep, best)?;
        self.tell(&Event::Saved { step, path: &saved.path })?;
        self.saved = Some(saved);
        self.is_saved = true;
        Ok(())
    }

    pub(super) fn log(&mut self, values: BTreeMap<String, f64>) -> Result<()> {
        if self.group.rank() != 0 {
            return Ok(());
        }
        let state = &self.now.state;
        let row = Row { step: state.step, epoch: state.epochs(), values };
        self.metrics.add(&row)?;
        self.observer.notice(&Event::Logged(&row));
        Ok(())
    }

    /// Tells the observer and the run's log.
    pub(super) fn tell(&mut self, event: &Event<'_>) -> Result<()> {
        self.observer.notice(event);
        if self.group.rank() != 0 {
            return Ok(());
        }
        let seconds = self.seconds_before + self.begin.elapsed().as_secs_f64();
        self.run.log(&format!("[{seconds:9.1} s] {event}"))
    }

    /// The error of an evaluation whose outputs are not finite. A checkpoint of this very step, which
    /// was written before it was evaluated, is none of the good ones.
    pub(super) fn diverged_on(&self, image: &str) -> Error {
        let step = self.now.state.step;
        let checkpoints = self.run.checkpoints();
        let before = checkpoints.steps().unwrap_or_default().into_iter().rev();
        let mut before = before.filter(|saved| *saved < step);
        let kept = before.find_map(|step| Some(checkpoints.at(step).ok()?.path));
        Error::Diverged { what: format!("the answer to {image}"), step, kept }
    }

    pub(super) fn diverged(&self, what: String, step: u64) -> Error {
        let kept: Option<PathBuf> = self.saved.as_ref().map(|saved| saved.path.clone());
        Error::Diverged { what, step, kept }
    }
}
