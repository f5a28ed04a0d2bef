//! The loop: from batches to a trained network, interrupted and resumed at any step.
//!
//! The state of a training between two steps is a [`State`], the network, the optimiser's memory
//! and the moving average. A step is a pure function of that state and of the dataset: every
//! random number and the learning rate follow from the seed and the number of the step. So a run
//! that is killed and resumed ends with the same bits as one that was not.

mod event;
mod gradients;
mod snapshot;
mod state;

#[cfg(test)]
mod tests;

pub use event::{Event, Observer, StepReport};
pub use snapshot::MODEL;
pub use state::{Best, State};

use crate::checkpoint::{Checkpoint, Newest};
use crate::evaluate::{evaluate, warn_of};
use crate::optimizer::{clip_norm, clip_value};
use crate::{
    Ema, Error, Evaluation, Method, MetricsLog, Optimizer, Place, ProcessGroup, Recipe, Result,
    Row, RunFolder, Schedule,
};
use gradients::{Accumulated, reduce_stats};
use ocelli_data::{Epoch, Loader};
use ocelli_nn::Network;
use ocelli_random::Seed;
use snapshot::Snapshot;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Everything that a training is made of.
pub struct Parts<'a> {
    /// The resolved recipe.
    pub recipe: &'a Recipe,
    /// The network with its first values. Patterns of `model.freeze` are applied here.
    pub network: Network,
    /// The way of training.
    pub method: &'a mut dyn Method,
    /// Training batches: shuffled, full batches only.
    pub train: &'a Loader,
    /// Evaluation batches, or none to train blindly.
    pub eval: Option<&'a Loader>,
    /// Where everything is written.
    pub run: &'a mut RunFolder,
    /// What the model's file says about itself, so that it can be used alone.
    pub metadata: BTreeMap<String, String>,
    /// The processes that train together.
    pub group: &'a dyn ProcessGroup,
    /// Hears what happens.
    pub observer: &'a mut dyn Observer,
    /// Set from outside, it ends the training after the step under way.
    pub stop: &'a AtomicBool,
}

/// A training under way.
pub struct Trainer<'a> {
    recipe: &'a Recipe,
    method: &'a mut dyn Method,
    train: &'a Loader,
    eval: Option<&'a Loader>,
    run: &'a mut RunFolder,
    metadata: BTreeMap<String, String>,
    group: &'a dyn ProcessGroup,
    observer: &'a mut dyn Observer,
    stop: &'a AtomicBool,
    schedule: Schedule,
    total_steps: u64,
    metrics: MetricsLog,
    now: Snapshot,
    saved: Option<Checkpoint>,
    /// Whether `saved` is the present state.
    is_saved: bool,
    evaluation: Option<Evaluation>,
    /// The clock of this session, and what earlier ones took.
    begin: Instant,
    seconds_before: f64,
    images: u64,
    seconds_training: f64,
}

/// Why a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs are done.
    Finished,
    /// `train.max_steps` or `train.max_hours` was reached.
    LimitReached,
    /// It was stopped from outside.
    Interrupted,
}

/// What a training achieved.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Why it ended.
    pub outcome: Outcome,
    /// Where it stands.
    pub state: State,
    /// The last evaluation of this session, if there was one.
    pub evaluation: Option<Evaluation>,
    /// The last checkpoint.
    pub checkpoint: Option<Checkpoint>,
    /// Images per second in training, over this session and process.
    pub images_per_second: f64,
}

impl<'a> Trainer<'a> {
    /// A training from where its run's folder stands: from the newest checkpoint that can be
    /// trusted, or from the start if there is none.
    ///
    /// # Errors
    /// When the dataset is too small or does not fit the network, the checkpoints belong to
    /// another recipe or dataset, or all of them are damaged.
    pub fn new(parts: Parts<'a>) -> Result<Self> {
        let Parts { recipe, mut network, run, train, .. } = parts;
        check_classes(&network, train)?;
        let steps_per_epoch = train.steps_per_epoch() / recipe.train.accumulate as u64;
        if steps_per_epoch == 0 {
            return Err(Error::TooFewSamples {
                samples: train.source().len(),
                needed: (recipe.train.batch_size * recipe.train.accumulate) as u64,
            });
        }
        network.params_mut().freeze(&recipe.model.freeze)?;
        let total_steps = recipe.train.epochs.saturating_mul(steps_per_epoch);
        let mut now = Snapshot {
            state: State::new(recipe.seed, steps_per_epoch),
            optimizer: Optimizer::new(&recipe.optimizer),
            ema: recipe.ema.enabled.then(|| Ema::new(&network, recipe.ema.decay)),
            network,
        };
        let Newest { checkpoint: saved, rejected } = run.checkpoints().newest()?;
        match (&saved, rejected.first()) {
            (Some(checkpoint), _) => now.restore(checkpoint, &recipe.ema)?,
            (None, Some(newest)) => {
                let folder = run.checkpoints().folder().to_owned();
                return Err(Error::NoGoodCheckpoint { folder, reason: newest.reason.clone() });
            }
            (None, None) => {}
        }
        let mut trainer = Self {
            recipe,
            method: parts.method,
            train,
            eval: parts.eval,
            metadata: parts.metadata,
            group: parts.group,
            observer: parts.observer,
            stop: parts.stop,
            schedule: Schedule::new(
                &recipe.schedule,
                recipe.optimizer.lr,
                steps_per_epoch as f64,
                total_steps,
            ),
            total_steps,
            metrics: run.metrics_after(now.state.step)?,
            run,
            begin: Instant::now(),
            seconds_before: now.state.seconds,
            now,
            is_saved: saved.is_some(),
            saved,
            evaluation: None,
            images: 0,
            seconds_training: 0.0,
        };
        for rejected in &rejected {
            trainer.tell(&Event::Rejected(rejected))?;
        }
        Ok(trainer)
    }

    /// Trains until the last epoch, a limit or a stop from outside. Whatever ends it, the last
    /// step is on disk.
    ///
    /// # Errors
    /// When data cannot be read, a file cannot be written, or training diverges: then the last
    /// checkpoint is from before.
    pub fn run(mut self) -> Result<Summary> {
        let State { step, steps_per_epoch, .. } = self.now.state;
        let total_steps = self.total_steps;
        self.tell(&Event::Begun { step, total_steps, steps_per_epoch })?;
        let mut batches = None;
        let outcome = loop {
            let end = self.end()?;
            if end != Some(Outcome::Interrupted) && self.evaluation_is_due(end) {
                self.evaluate()?;
            }
            if end.is_some() || self.checkpoint_is_due() {
                self.save()?;
            }
            if let Some(outcome) = end {
                break outcome;
            }
            self.step(&mut batches)?;
        };
        Ok(Summary {
            outcome,
            state: self.now.state,
            evaluation: self.evaluation,
            checkpoint: self.saved,
            images_per_second: self.images as f64 / self.seconds_training,
        })
    }

    /// Why training should end here, if it should. All processes agree.
    fn end(&mut self) -> Result<Option<Outcome>> {
        let limits = &self.recipe.train;
        let state = &mut self.now.state;
        state.seconds = self.seconds_before + self.begin.elapsed().as_secs_f64();
        let out_of_time = limits.max_hours.is_some_and(|hours| state.seconds >= hours * 3600.0);
        let stopped = self.stop.load(Ordering::Relaxed);
        let mut votes = [f64::from(u8::from(out_of_time)), f64::from(u8::from(stopped))];
        self.group.all_reduce_f64(&mut votes)?;
        let out_of_steps = limits.max_steps.is_some_and(|steps| state.step >= steps);
        Ok(if state.step >= self.total_steps {
            Some(Outcome::Finished)
        } else if votes[1] > 0.0 {
            Some(Outcome::Interrupted)
        } else if out_of_steps || votes[0] > 0.0 {
            Some(Outcome::LimitReached)
        } else {
            None
        })
    }

    /// One update of the weights.
    fn step(&mut self, batches: &mut Option<Epoch>) -> Result<()> {
        let start = Instant::now();
        let (step, accumulate) = (self.now.state.step, self.recipe.train.accumulate as u64);
        let first_part = self.now.state.step_in_epoch() * accumulate;
        if first_part == 0 {
            *batches = None;
        }
        let epoch = self.now.state.epoch();
        let batches = batches.get_or_insert_with(|| self.train.epoch(epoch, first_part));

        let mut sum = Accumulated::default();
        for part in 0..accumulate {
            let batch = batches.next().ok_or(ocelli_data::Error::LoaderStopped)??;
            warn_of(&batch.skipped);
            let images = batch.len();
            let weight = images as f64 / (batch.global_len.max(1) as f64 * accumulate as f64);
            if images == 0 {
                continue;
            }
            let first_row = part * self.recipe.train.batch_size as u64 + batch.first;
            let place = Place { seed: Seed(self.recipe.seed), step, first_row };
            let mut output = self.method.step(&self.now.network, batch, place)?;
            let stats = std::mem::take(&mut output.stats);
            let stats = reduce_stats(stats, weight * accumulate as f64, self.group)?;
            self.now.network.apply_batch_stats(&stats)?;
            sum.add(output, weight, images as u64);
        }
        sum.reduce(self.now.network.params(), self.group)?;
        if !sum.loss.is_finite() {
            return Err(self.diverged("the loss".to_owned(), step + 1));
        }
        let lr = self.schedule.rate(step);
        self.update(&mut sum, lr)?;

        self.is_saved = false;
        let state = &mut self.now.state;
        state.step += 1;
        let report = StepReport {
            step: state.step,
            epoch: state.epochs(),
            loss: sum.loss,
            lr,
            metrics: sum.metrics,
            images: sum.images,
            seconds: start.elapsed().as_secs_f64(),
        };
        self.images += report.images;
        self.seconds_training += report.seconds;
        self.record(&report)
    }

    /// Applies the gradients of a step.
    fn update(&mut self, sum: &mut Accumulated, lr: f64) -> Result<()> {
        let section = &self.recipe.optimizer;
        if let Some(largest) = section.clip_value {
            clip_value(&mut sum.gradients, largest);
        }
        if let Some(longest) = section.clip_norm {
            let norm = clip_norm(&mut sum.gradients, longest);
            sum.metrics.push(("gradient_norm", norm));
        }
        let Snapshot { network, optimizer, ema, state } = &mut self.now;
        optimizer.step(network.params_mut(), std::mem::take(&mut sum.gradients), lr)?;
        if let Some(ema) = ema {
            ema.update(network)?;
            state.ema_updates = ema.updates();
        }
        Ok(())
    }

    /// Tells of a step, and logs the mean of some.
    fn record(&mut self, report: &StepReport) -> Result<()> {
        let state = &mut self.now.state;
        state.window.add(report);
        if state.window.steps() >= self.recipe.train.log_every || state.step == self.total_steps {
            let values = state.window.take(report.lr);
            self.log(values)?;
        }
        self.observer.notice(&Event::Step(report));
        Ok(())
    }

    fn evaluation_is_due(&self, end: Option<Outcome>) -> bool {
        let State { step, steps_per_epoch, evaluated_at, .. } = self.now.state;
        let at_rest = step % (steps_per_epoch * self.recipe.train.eval_every) == 0 && step > 0;
        (at_rest || end.is_some()) && evaluated_at != Some(step)
    }

    fn evaluate(&mut self) -> Result<()> {
        let Some(loader) = self.eval else { return Ok(()) };
        let total = loader.source().len();
        let observer = &mut *self.observer;
        let mut progress = |done| observer.notice(&Event::Evaluating { done, total });
        let evaluation = evaluate(self.now.model(), loader, self.group, &mut progress)?;

        let step = self.now.state.step;
        let crate::metrics::Scores { correct, samples, .. } = evaluation.scores;
        let is_best = self.now.state.best.is_none_or(|best| correct > best.correct);
        if is_best {
            self.now.state.best = Some(Best { step, correct, samples });
        }
        self.now.state.evaluated_at = Some(step);
        self.is_saved = false;
        let scores = &evaluation.scores;
        let values = [
            ("eval/top1", scores.top1),
            ("eval/top5", scores.top5),
            ("eval/loss", scores.loss),
            ("eval/calibration_error", scores.calibration_error),
            ("eval/images_per_second", evaluation.images_per_second),
        ];
        self.log(values.map(|(name, value)| (name.to_owned(), value)).into())?;
        self.tell(&Event::Evaluated { step, evaluation: &evaluation, is_best })?;
        self.evaluation = Some(evaluation);
        Ok(())
    }

    /// At its distance from the one before, and where the best evaluation so far was.
    fn checkpoint_is_due(&self) -> bool {
        let state = &self.now.state;
        let distance = self.recipe.checkpoint.every.steps(state.steps_per_epoch as f64);
        let distance = (distance.round() as u64).max(1);
        let is_best = state.best.is_some_and(|best| best.step == state.step);
        state.step > 0 && (state.step.is_multiple_of(distance) || is_best)
    }

    fn save(&mut self) -> Result<()> {
        if self.group.rank() != 0 || self.is_saved {
            return Ok(());
        }
        let step = self.now.state.step;
        let files = self.now.files(&self.metadata).map_err(|error| match error {
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

    fn log(&mut self, values: BTreeMap<String, f64>) -> Result<()> {
        if self.group.rank() != 0 {
            return Ok(());
        }
        let state = &self.now.state;
        self.metrics.add(&Row { step: state.step, epoch: state.epochs(), values })
    }

    /// Tells the observer and the run's log.
    fn tell(&mut self, event: &Event<'_>) -> Result<()> {
        self.observer.notice(event);
        if self.group.rank() != 0 {
            return Ok(());
        }
        let seconds = self.seconds_before + self.begin.elapsed().as_secs_f64();
        self.run.log(&format!("[{seconds:9.1} s] {event}"))
    }

    fn diverged(&self, what: String, step: u64) -> Error {
        let kept: Option<PathBuf> = self.saved.as_ref().map(|saved| saved.path.clone());
        Error::Diverged { what, step, kept }
    }
}

fn check_classes(network: &Network, data: &Loader) -> Result<()> {
    let (network, data) = (network.graph().num_classes(), data.source().classes().len());
    if network == data { Ok(()) } else { Err(Error::ClassCount { network, data }) }
}
