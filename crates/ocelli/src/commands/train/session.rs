//! One training from its plan to a whole run's folder.

use burn::tensor::Device;
use ocelli::methods::one_pixel::Robustness;
use ocelli::train::{
    Local, Machine, Outcome, Parts, Probe, Setup, Summary, Supervised, Trained, Trainer, evaluate,
};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::begin::Plan;
use super::watch::Watch;
use crate::commands::report::{self, SavedEvaluation};

/// What all trainings of a command share.
pub(super) struct Session {
    pub(super) device: Device,
    pub(super) threads: usize,
    /// Images that are attacked at evaluations, and each how many epochs.
    pub(super) eval_attack: Option<(u64, u64)>,
    /// Set by a signal.
    pub(super) stop: Arc<AtomicBool>,
}

impl Session {
    /// Trains until the recipe's end, a limit or a signal; returns the run's folder, with its report
    /// in it, and what was achieved.
    pub(super) fn train(&self, plan: Plan) -> anyhow::Result<(PathBuf, Summary)> {
        let Plan { recipe, place } = plan;
        let device = self.device.clone();
        let machine = Machine { device, threads: self.threads, rank: 0, world_size: 1 };
        let setup = Setup::new(&recipe, &machine)?;
        if let Some(report) = &setup.weights {
            tracing::info!("{report}");
        }
        setup.check_steps(&recipe)?;
        let mut run = place.open()?;
        let folder = run.path().to_owned();
        tracing::info!("run: {}", folder.display());
        let classes = setup.train.first().loader.source().classes().to_vec();
        let mut probe = self.eval_attack.map(|(images, every)| {
            let (source, size) = (Arc::clone(setup.eval.source()), (images, recipe.seed));
            let pictures = (recipe.input.clone(), recipe.eval);
            let every = (every, recipe.train.eval_every);
            Robustness::new(size, every, source, pictures, &self.stop)
                .with_limits(recipe.data.limits())
        });
        let mut watch = Watch::new(&folder, recipe.train.max_steps);
        let mut summary = Trainer::new(Parts {
            recipe: &recipe,
            network: setup.network,
            method: &mut Supervised::default(),
            train: &setup.train,
            eval: Some(&setup.eval),
            probe: probe.as_mut().map(|probe| probe as &mut dyn Probe),
            run: &mut run,
            metadata: setup.metadata,
            group: &Local,
            observer: &mut watch,
            stop: &self.stop,
        })?
        .run()?;
        drop(watch);

        if summary.evaluation.is_none() && summary.outcome != Outcome::Interrupted {
            // The run had ended and been evaluated before.
            let network = Trained::open(&folder, None, &self.device)?.network;
            summary.evaluation = Some(evaluate(&network, &setup.eval, &Local, &mut |_| {})?);
        }
        if let Some(evaluation) = &summary.evaluation {
            SavedEvaluation::new(summary.state.step, classes, evaluation).save(&folder)?;
        }
        report::write(&folder)?;
        Ok((folder, summary))
    }
}
