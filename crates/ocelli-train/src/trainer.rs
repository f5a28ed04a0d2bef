//! The loop: from batches to a trained network, interrupted and resumed at any step.
//!
//! The state of a training between two steps is a [`State`], the network, the optimiser's memory
//! and the moving average. A step is a pure function of that state and of the dataset: every
//! random number and the learning rate follow from the seed and the number of the step. So a run
//! that is killed and resumed ends with the same bits as one that was not.

mod evaluation;
mod event;
mod gradients;
mod hooks;
mod latent;
mod snapshot;
mod state;
mod step;

#[cfg(test)]
mod tests;

pub use event::{Event, Observer, StepReport};
pub use latent::LatentRun;
pub use snapshot::MODEL;
pub use state::{Best, State};

use crate::checkpoint::{Checkpoint, Newest};
use crate::{
    Ema, Error, Evaluation, Examiner, Method, MetricsLog, Moment, Optimizer, ProcessGroup, Recipe,
    Result, RunFolder, Schedule, Score, Stages,
};
use ocelli_nn::{Gradients, Network};
use snapshot::Snapshot;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Everything that a training is made of.
pub struct TrainerParts<'a> {
    /// The resolved recipe.
    pub recipe: &'a Recipe,
    /// The network with its first values. Patterns of `model.freeze` are applied here.
    pub network: Network,
    /// The way of training.
    pub method: &'a mut dyn Method,
    /// Training batches: shuffled, full batches only.
    pub train: &'a Stages,
    /// What is measured at evaluations; nothing to train blindly.
    pub examiners: Vec<Box<dyn Examiner + 'a>>,
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
    train: &'a Stages,
    /// The stage of the last step of this session.
    stage: Option<usize>,
    examiners: Vec<Box<dyn Examiner + 'a>>,
    run: &'a mut RunFolder,
    metadata: BTreeMap<String, String>,
    group: &'a dyn ProcessGroup,
    observer: &'a mut dyn Observer,
    stop: &'a AtomicBool,
    schedule: Schedule,
    total_steps: u64,
    metrics: MetricsLog,
    now: Snapshot,
    /// The sums of a step, kept for their memory.
    gradients: Gradients,
    saved: Option<Checkpoint>,
    /// Whether `saved` is the present state.
    is_saved: bool,
    evaluation: Option<Evaluation>,
    score: Option<Score>,
    /// The clock of this session, and what earlier ones took.
    begin: Instant,
    seconds_before: f64,
    images: u64,
    seconds_training: f64,
}

/// Why a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrainOutcome {
    /// All epochs are done.
    Finished,
    /// `train.max_steps` or `train.max_hours` was reached.
    LimitReached,
    /// `train.patience` evaluations were no better than the best.
    StoppedEarly,
    /// It was stopped from outside.
    Interrupted,
}

/// What a training achieved.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Why it ended.
    pub outcome: TrainOutcome,
    /// Where it stands.
    pub state: State,
    /// The evaluation of the last step, where a classifier was evaluated.
    pub evaluation: Option<Evaluation>,
    /// The score of the last step, if there is one.
    pub score: Option<Score>,
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
    pub fn new(parts: TrainerParts<'a>) -> Result<Self> {
        let TrainerParts { recipe, mut network, run, train, .. } = parts;
        let loader = &train.first().loader;
        parts.method.check(&network, loader.source())?;
        check_shares(recipe, parts.group)?;
        let steps_per_epoch = loader.steps_per_epoch() / recipe.train.accumulate as u64;
        if steps_per_epoch == 0 {
            return Err(Error::TooFewSamples {
                samples: loader.source().len(),
                needed: (recipe.train.batch_size * recipe.train.accumulate) as u64,
            });
        }
        let images = loader.source().len();
        network.params_mut().freeze(&recipe.model.frozen_on(images))?;
        let epochs = recipe.train.epochs_of(steps_per_epoch);
        let total_steps = epochs.saturating_mul(steps_per_epoch);
        let mut now = Snapshot {
            state: State::new(recipe.seed, steps_per_epoch),
            optimizer: Optimizer::for_network(&recipe.optimizer, &network)?,
            ema: recipe.ema.enabled.then(|| Ema::new(&network, recipe.ema.decay)),
            network,
        };
        let Newest { checkpoint: saved, rejected } = run.checkpoints().newest()?;
        match (&saved, rejected.first()) {
            (Some(checkpoint), _) => now.resume(checkpoint, recipe)?,
            (None, Some(newest)) => {
                let folder = run.checkpoints().folder().to_owned();
                return Err(Error::NoGoodCheckpoint { folder, reason: newest.reason.clone() });
            }
            (None, None) => run.check_never_saved(steps_per_epoch)?,
        }
        let mut trainer = Self {
            recipe,
            method: parts.method,
            train,
            stage: None,
            examiners: parts.examiners,
            metadata: parts.metadata,
            group: parts.group,
            observer: parts.observer,
            stop: parts.stop,
            schedule: Schedule::new(
                &recipe.schedule,
                recipe.optimizer.lr_of(images),
                steps_per_epoch as f64,
                total_steps,
            ),
            total_steps,
            metrics: run.metrics_after(now.state.step)?,
            run,
            begin: Instant::now(),
            seconds_before: now.state.seconds,
            now,
            gradients: Gradients::new(),
            is_saved: saved.is_some(),
            saved,
            evaluation: None,
            score: None,
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
            let limit = self.end()?;
            if limit != Some(TrainOutcome::Interrupted) && self.evaluation_is_due(limit) {
                self.evaluate()?;
            }
            let end = self.end_of_patience().or(limit);
            if end.is_some() || self.checkpoint_is_due() {
                self.save()?;
            }
            if let Some(outcome) = end {
                if outcome == TrainOutcome::StoppedEarly {
                    self.tell_of_early_stop()?;
                }
                break outcome;
            }
            self.step(&mut batches)?;
            let state = &self.now.state;
            if self.images == 0 && state.step_in_epoch() == 0 && self.group.world_size() == 1 {
                let skipped = self.train.first().loader.source().len();
                return Err(Error::NothingReadable { of: "the training images", skipped });
            }
        };
        if outcome != TrainOutcome::Interrupted && self.score.is_none() {
            self.score_again()?;
        }
        Ok(Summary {
            outcome,
            state: self.now.state,
            evaluation: self.evaluation,
            score: self.score,
            checkpoint: self.saved,
            images_per_second: self.images as f64 / self.seconds_training,
        })
    }

    /// Where the training stands, for its method.
    fn moment(&self) -> Moment<'a> {
        let (step, total_steps) = (self.now.state.step, self.total_steps);
        let train = &self.train.at(step, total_steps).1.loader;
        Moment { step, total_steps, train }
    }

    /// Whether training ends here because it gets no better. It follows from the state alone, so that a
    /// run that is resumed stops where one does that was not.
    fn end_of_patience(&self) -> Option<TrainOutcome> {
        let is_over = self.now.state.step >= self.total_steps;
        (!is_over && self.is_out_of_patience()).then_some(TrainOutcome::StoppedEarly)
    }

    /// Why training should end here, if it should. All processes agree.
    fn end(&mut self) -> Result<Option<TrainOutcome>> {
        let limits = &self.recipe.train;
        let state = &mut self.now.state;
        state.seconds = self.seconds_before + self.begin.elapsed().as_secs_f64();
        let out_of_time = limits.max_hours.is_some_and(|hours| state.seconds >= hours * 3600.0);
        let stopped = self.stop.load(Ordering::Relaxed);
        let mut votes = [f64::from(u8::from(out_of_time)), f64::from(u8::from(stopped))];
        self.group.all_reduce_f64(&mut votes)?;
        if self.group.rank() == 0 {
            self.run.check_is_there()?;
        }
        let out_of_steps = limits.max_steps.is_some_and(|steps| state.step >= steps);
        Ok(if state.step >= self.total_steps {
            Some(TrainOutcome::Finished)
        } else if votes[1] > 0.0 {
            Some(TrainOutcome::Interrupted)
        } else if out_of_steps || votes[0] > 0.0 {
            Some(TrainOutcome::LimitReached)
        } else {
            None
        })
    }
}

/// Every process needs images in every step: it takes part in each exchange.
fn check_shares(recipe: &Recipe, group: &dyn ProcessGroup) -> Result<()> {
    let (found, needed) = (recipe.train.batch_size, 2 * group.world_size());
    if group.world_size() == 1 || found >= needed {
        return Ok(());
    }
    Err(Error::Field {
        field: "train.batch_size".to_owned(),
        found: found.to_string(),
        expected: format!("{needed} or more: two images for each process"),
    })
}
