//! The proxy task: a short training in place of a long one.

use super::{Evaluator, Measured, SearchPlan, StepTime, Verdict, modelled_step_ms};
use crate::{Error, Result};
use ocelli_data::Loader;
use ocelli_nn::backbones::efficientnetv2::Layout;
use ocelli_nn::{Cost, Network};
use ocelli_train::Error::{Diverged, TooFewSamples};
use ocelli_train::{
    Local, Machine, Methods, Observer, Recipe, RunFolder, Setup, StepTimer, Summary, TrainOutcome,
    Trainer, TrainerParts, tell_of_smaller_batches, time_in_turns,
};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Trains networks for a few epochs with the usual trainer, on this machine.
pub struct Proxy<'a> {
    plan: &'a SearchPlan,
    machine: &'a Machine,
    /// A folder for the run of the present trial, removed with it.
    folder: PathBuf,
    backbone: Network,
    backbone_params: u64,
    observer: &'a mut dyn Observer,
    stop: &'a AtomicBool,
}

impl<'a> Proxy<'a> {
    /// Prepares to try networks of `plan`, with `folder` to write their runs in: it is removed after
    /// each trial, and before the first. `stop`, set from outside, ends the trial under way.
    ///
    /// # Errors
    /// When the backbone cannot be built, or the images do not make a batch.
    pub fn new(
        plan: &'a SearchPlan,
        machine: &'a Machine,
        folder: impl Into<PathBuf>,
        observer: &'a mut dyn Observer,
        stop: &'a AtomicBool,
    ) -> Result<Self> {
        let recipe = plan.trial_recipe(plan.space().backbone_layout());
        let Setup { network: backbone, train, .. } = setup(plan, machine, &recipe)?;
        check_count(&recipe, &train.first().loader)?;
        tell_of_smaller_batches(&recipe, train.first().loader.source().len());
        let backbone_params = cost(plan, &backbone)?.params;
        let folder = folder.into();
        Ok(Self { plan, machine, folder, backbone, backbone_params, observer, stop })
    }

    /// The times of a step of this network and of the backbone, in milliseconds.
    fn time(&self, recipe: &Recipe, setup: &Setup) -> Result<[f64; 2]> {
        match self.plan.config().step_time {
            StepTime::Measured => self.measure(recipe, setup),
            StepTime::Modelled => Self::model(recipe, [&setup.network, &self.backbone]),
        }
    }

    /// What they cost at the size of images in trials.
    fn model(recipe: &Recipe, networks: [&Network; 2]) -> Result<[f64; 2]> {
        let size = recipe.input.size as usize;
        let mut times = [0.0; 2];
        for (time, network) in times.iter_mut().zip(networks) {
            let cost = Cost::new(network.graph(), size, size)?;
            *time = modelled_step_ms(&cost, recipe.train.batch_size);
        }
        Ok(times)
    }

    fn measure(&self, recipe: &Recipe, setup: &Setup) -> Result<[f64; 2]> {
        let loader = &setup.train.first().loader;
        let timer = |network: &Network| -> Result<StepTimer> {
            let batch = loader.epoch(0, 0).next();
            let batch = batch.ok_or(ocelli_data::Error::LoaderStopped)??;
            Ok(StepTimer::new(recipe, network.clone(), batch))
        };
        let mut timers = [timer(&setup.network)?, timer(&self.backbone)?];
        let seconds = time_in_turns(&mut timers, self.plan.config().timed_steps)?;
        Ok(seconds.map(|seconds| 1e3 * seconds))
    }

    fn train(&mut self, recipe: &Recipe, mut setup: Setup) -> Result<Summary, ocelli_train::Error> {
        let mut run = RunFolder::create(&self.folder, recipe)?;
        let parts = TrainerParts {
            recipe,
            network: setup.network,
            method: &mut *setup.method,
            train: &setup.train,
            examiners: setup.examiners,
            run: &mut run,
            metadata: setup.metadata,
            group: &Local,
            observer: self.observer,
            stop: self.stop,
        };
        Trainer::new(parts)?.run()
    }
}

impl Evaluator for Proxy<'_> {
    fn evaluate(&mut self, layout: &Layout) -> Result<Verdict> {
        if self.stop.load(Ordering::Relaxed) {
            return Ok(Verdict::Interrupted);
        }
        let start = Instant::now();
        let recipe = self.plan.trial_recipe(layout);
        let setup = setup(self.plan, self.machine, &recipe)?;
        let Cost { params, macs, .. } = cost(self.plan, &setup.network)?;
        let [step_ms, backbone_step_ms] = self.time(&recipe, &setup)?;
        clear(&self.folder)?;
        let trained = self.train(&recipe, setup);
        clear(&self.folder)?;
        let summary = match trained {
            Err(Diverged { what, step, .. }) => {
                return Ok(Verdict::Failed(format!("{what} is not finite at step {step}")));
            }
            trained => trained?,
        };
        let scores = match (summary.outcome, summary.evaluation) {
            (TrainOutcome::Interrupted, _) => return Ok(Verdict::Interrupted),
            (_, Some(evaluation)) => evaluation.scores,
            (_, None) => return Ok(Verdict::Failed("it was never evaluated".to_owned())),
        };
        Ok(Verdict::Measured(Measured {
            correct: scores.correct,
            samples: scores.samples,
            step_ms,
            backbone_step_ms,
            params,
            backbone_params: self.backbone_params,
            macs,
            seconds: start.elapsed().as_secs_f64(),
        }))
    }
}

fn setup(plan: &SearchPlan, machine: &Machine, recipe: &Recipe) -> Result<Setup> {
    let [train, minival] = plan.images();
    Ok(Setup::on(recipe, Methods::default(), machine, train, minival)?)
}

/// A trial takes one step at least.
fn check_count(recipe: &Recipe, loader: &Loader) -> Result<()> {
    let (batch, accumulate) = (recipe.train.batch_size as u64, recipe.train.accumulate as u64);
    if loader.steps_per_epoch() >= accumulate {
        return Ok(());
    }
    let samples = loader.source().len();
    Err(TooFewSamples { samples, needed: batch * accumulate }.into())
}

/// What a network costs at the size of the images that the winner will see.
fn cost(plan: &SearchPlan, network: &Network) -> Result<Cost> {
    let size = plan.recipe().input.size as usize;
    Ok(Cost::new(network.graph(), size, size)?)
}

fn clear(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        result => result.map_err(Error::io(folder)),
    }
}
