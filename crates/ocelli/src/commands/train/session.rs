//! One training from its plan to a whole run's folder.

use burn::tensor::Device;
use ocelli::data::NotImages;
use ocelli::methods::METHODS;
use ocelli::methods::one_pixel::Robustness;
use ocelli::train::{Examiner, Local, Machine, RunFolder, Setup, Summary, Trainer, TrainerParts};
use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::begin::TrainPlan;
use super::data::Records;
use super::watch::Watch;
use crate::commands::report::{self, SavedEvaluation};
use crate::memory::MemoryLimit;

/// What all trainings of a command share.
pub(crate) struct Session {
    pub(crate) device: Device,
    pub(crate) threads: usize,
    /// Images that are attacked at evaluations, and each how many epochs.
    pub(crate) eval_attack: Option<(u64, u64)>,
    /// Set by a signal.
    pub(crate) stop: Arc<AtomicBool>,
    /// How much memory feature maps and batches may take.
    pub(crate) memory: MemoryLimit,
    /// What is known of the datasets.
    pub(crate) records: RefCell<Records>,
}

/// What a training left.
pub(crate) struct Trained {
    /// The run's folder, with its report in it.
    pub(crate) folder: PathBuf,
    /// What was achieved.
    pub(crate) summary: Summary,
    /// How many files in the class folders of the dataset are no images.
    pub(super) not_images: u64,
}

impl Session {
    /// Trains until the recipe's end, a limit or a signal.
    pub(crate) fn train(&self, plan: TrainPlan) -> anyhow::Result<Trained> {
        let TrainPlan { recipe, own_recipe, folder } = plan;
        let device = self.device.clone();
        let machine = Machine { device, threads: self.threads, rank: 0, world_size: 1 };
        let mut setup = Setup::with(&recipe, METHODS, &machine)?;
        if let Some(report) = &setup.weights {
            // A line by itself: in an event, the end of a line is shown as what it is.
            for line in report.to_string().lines() {
                tracing::info!("{line}");
            }
        }
        setup.check_steps(&recipe)?;
        setup.tell_of_small_set(&recipe);
        for stage in setup.train.iter() {
            let (input, batch) = (&stage.recipe.input, recipe.train.batch_size);
            let size = input.size as usize;
            let shape = [batch, usize::from(input.channels), size, size];
            self.memory.check_training("the recipe", &setup.network, shape)?;
        }
        let mut run = RunFolder::begin(&folder.claim()?, &own_recipe)?;
        let folder = run.path().to_owned();
        tracing::info!("run: {}", folder.display());
        let images = setup.train.first().loader.source();
        let parts = [&**images, &**setup.eval.source()];
        self.records.borrow_mut().keep(&mut run, &recipe, parts)?;
        let classes = images.classes().to_vec();
        let others = match recipe.data.hold_out {
            None => setup.eval.source().not_images(),
            // What is held out lies in the same folders.
            Some(_) => NotImages::default(),
        };
        let not_images = images.not_images().and(others).count;
        let mut examiners: Vec<Box<dyn Examiner + '_>> = setup.examiners;
        if let Some((images, every)) = self.eval_attack {
            let (source, size) = (Arc::clone(setup.eval.source()), (images, recipe.seed));
            let pictures = (recipe.input.clone(), recipe.eval);
            let every = (every, recipe.train.eval_every);
            let robustness = Robustness::new(size, every, source, pictures, &self.stop);
            examiners.push(Box::new(robustness.with_limits(recipe.data.limits())));
        }
        let mut watch = Watch::new(&folder, recipe.train.max_steps);
        let summary = Trainer::new(TrainerParts {
            recipe: &recipe,
            network: setup.network,
            method: &mut *setup.method,
            train: &setup.train,
            examiners,
            run: &mut run,
            metadata: setup.metadata,
            group: &Local,
            observer: &mut watch,
            stop: &self.stop,
        })?
        .run()?;
        drop(watch);

        if let Some(evaluation) = &summary.evaluation {
            SavedEvaluation::new(summary.state.step, classes, evaluation).save(&folder)?;
        }
        report::write(&folder)?;
        Ok(Trained { folder, summary, not_images })
    }
}
