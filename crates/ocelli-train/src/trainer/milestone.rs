//! What happens between steps: evaluations, checkpoints, and words about them.

use super::{Best, Event, Outcome, State, Trainer};
use crate::metrics::Scores;
use crate::{Error, Result, Row, evaluate};
use std::collections::BTreeMap;
use std::path::PathBuf;

impl Trainer<'_> {
    pub(super) fn evaluation_is_due(&self, end: Option<Outcome>) -> bool {
        let State { step, evaluated_at, .. } = self.now.state;
        (self.is_turn_to_evaluate() || end.is_some()) && evaluated_at != Some(step)
    }

    /// Whether an evaluation comes after this step, however long the training goes on.
    fn is_turn_to_evaluate(&self) -> bool {
        let State { step, steps_per_epoch, .. } = self.now.state;
        step > 0 && step % (steps_per_epoch * self.recipe.train.eval_every) == 0
    }

    /// Whether so many evaluations were no better as the recipe has patience for.
    pub(super) fn is_out_of_patience(&self) -> bool {
        let patience = self.recipe.train.patience;
        patience > 0 && self.now.state.patience.waited >= patience
    }

    pub(super) fn evaluate(&mut self) -> Result<()> {
        let Some(loader) = self.eval else { return Ok(()) };
        let total = loader.source().len();
        let observer = &mut *self.observer;
        let mut progress = |done| observer.notice(&Event::Evaluating { done, total });
        let step = self.now.state.step;
        let evaluation = evaluate(self.now.model(), loader, self.group, &mut progress);
        let evaluation = evaluation.map_err(|error| match error {
            Error::NoAnswer { image } => self.without_answer(&image),
            other => other,
        })?;

        let Scores { correct, samples, .. } = evaluation.scores;
        let now = Best { step, correct, samples };
        let is_best = self.now.state.best.is_none_or(|best| best.is_worse_than(&now));
        if is_best {
            self.now.state.best = Some(now);
        }
        if self.is_turn_to_evaluate() {
            self.now.state.patience.add(now);
        }
        self.now.state.evaluated_at = Some(step);
        self.is_saved = false;
        let scores = &evaluation.scores;
        let values = [
            ("eval/top1", scores.top1),
            ("eval/loss", scores.loss),
            ("eval/calibration_error", scores.calibration_error),
            ("eval/images_per_second", evaluation.images_per_second),
        ];
        let mut values: BTreeMap<String, f64> =
            values.map(|(name, value)| (name.to_owned(), value)).into();
        values.extend(scores.top5.map(|top5| ("eval/top5".to_owned(), top5)));
        values.extend(self.waiting());
        self.tell(&Event::Evaluated { step, evaluation: &evaluation, is_best })?;
        let measured = self.measure();
        values.extend(measured.iter().cloned());
        self.log(values)?;
        if !measured.is_empty() {
            self.tell(&Event::Measured { step, values: &measured })?;
        }
        self.evaluation = Some(evaluation);
        Ok(())
    }

    /// What early stopping measures, where the recipe has patience.
    fn waiting(&self) -> Vec<(String, f64)> {
        if self.recipe.train.patience == 0 {
            return Vec::new();
        }
        let waited = ("eval/since_best".to_owned(), self.now.state.patience.waited as f64);
        let stopped = self.is_out_of_patience().then(|| ("train/stopped_early".to_owned(), 1.0));
        [waited].into_iter().chain(stopped).collect()
    }

    pub(super) fn tell_of_early_stop(&mut self) -> Result<()> {
        let State { step, best, .. } = self.now.state;
        let patience = self.recipe.train.patience;
        self.tell(&Event::StoppedEarly { step, patience, best })
    }

    /// What the probe finds, if it is its turn.
    fn measure(&mut self) -> Vec<(String, f64)> {
        let State { step, steps_per_epoch, .. } = self.now.state;
        let between_epochs = step > 0 && step.is_multiple_of(steps_per_epoch);
        let Some(probe) = self.probe.as_mut().filter(|_| between_epochs) else {
            return Vec::new();
        };
        probe.measure(self.now.model(), step / steps_per_epoch).unwrap_or_else(|error| {
            tracing::warn!("the network cannot be measured after step {step}: {error}");
            Vec::new()
        })
    }

    /// At its distance from the one before, and where the best evaluation so far was.
    pub(super) fn checkpoint_is_due(&self) -> bool {
        let state = &self.now.state;
        let distance = self.recipe.checkpoint.distance(state.steps_per_epoch);
        let is_best = state.best.is_some_and(|best| best.step == state.step);
        state.step > 0 && (state.step.is_multiple_of(distance) || is_best)
    }

    pub(super) fn save(&mut self) -> Result<()> {
        if self.group.rank() != 0 || self.is_saved {
            return Ok(());
        }
        let step = self.now.state.step;
        let files = self.now.files(&self.metadata, self.recipe).map_err(|error| match error {
            Error::Diverged { what, step, .. } => self.diverged(what, step),
            other => other,
        })?;
        let checkpoints = self.run.checkpoints();
        let saved = checkpoints.save(step, &files)?;
        let best = self.now.state.best.map(|best| best.step);
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

    /// The error of an evaluation whose answers are not finite. A checkpoint of this very step, which
    /// was written before it was evaluated, is none of the good ones.
    fn without_answer(&self, image: &str) -> Error {
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
