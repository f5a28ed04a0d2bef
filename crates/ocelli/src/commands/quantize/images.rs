//! The images on which a network is calibrated and measured.

use ocelli::data::{Loader, LoaderConfig, Source, Split, Subset, Transform};
use ocelli::methods;
use ocelli::methods::post_training::QuantizedActivations;
use ocelli::nn::Network;
use ocelli::random::{Permutation, Seed};
use ocelli::train::{Evaluation, Local, Trained, evaluate, images};
use std::sync::Arc;

use super::args::Args;
use crate::run_data::{Opened, Wanted};
use crate::talk::Progress;

/// Both parts of a dataset, prepared as a network expects it.
pub(super) struct Images {
    train: Arc<dyn Source>,
    test: Arc<dyn Source>,
    /// Whether they are different ones.
    pub(super) is_apart: bool,
    transform: Arc<dyn Transform>,
    config: LoaderConfig,
    pub(super) seed: u64,
}

impl Images {
    pub(super) fn open(
        args: &Args,
        trained: &Trained,
        seed: u64,
        threads: usize,
    ) -> anyhow::Result<Self> {
        let open = |split| {
            let wanted = Wanted {
                model_path: args.model_path.as_deref().or(args.model.weights.as_deref()),
                data: args.data.as_deref(),
                before: None,
                labels: None,
                split,
                classes: args.classes,
            };
            wanted.open(trained)
        };
        let Opened { source: test, fingerprint: of_test, .. } = open(Split::Test)?;
        let Opened { source: train, fingerprint: of_train, .. } = open(Split::Train)?;
        let is_apart = of_train.hash() != of_test.hash();
        let config = LoaderConfig { threads, ..LoaderConfig::eval(args.batch_size) };
        let transform = Arc::new(trained.transform()?);
        Ok(Self { train, test, is_apart, transform, config, seed })
    }

    /// How many training images there are of so many that are asked for.
    pub(super) fn count(&self, asked: u64) -> u64 {
        asked.min(self.train.len())
    }

    /// So many of the training images, drawn by the seed.
    pub(super) fn calibration(&self, count: u64) -> anyhow::Result<Loader> {
        let order = Permutation::new(Seed(self.seed), 0, self.train.len());
        let indices = (0..self.count(count)).filter_map(|at| order.get(at)).collect();
        let subset = Subset::new(Arc::clone(&self.train), indices)?;
        Ok(Loader::new(Arc::new(subset), Arc::clone(&self.transform), self.config.clone())?)
    }

    /// The network with ranges for its activations, from so many training images.
    pub(super) fn ranges(
        &self,
        count: u64,
        network: &Network,
    ) -> anyhow::Result<QuantizedActivations> {
        let loader = self.calibration(count)?;
        let progress = Progress::start("ranges", loader.source().len(), "images");
        let mut done = 0;
        let batches = loader.epoch(0, 0).map(|batch| {
            let mut batch = batch?;
            done += batch.len() as u64;
            progress.set(done);
            Ok::<_, methods::Error>(images(&mut batch, network))
        });
        let found = QuantizedActivations::new(network, batches, |candidate| {
            Ok(evaluate(candidate, &loader, &Local, &mut |_| ())?.scores.loss)
        })?;
        Ok(found)
    }

    /// How good a network is on the test part.
    pub(super) fn evaluate(&self, what: &str, network: &Network) -> anyhow::Result<Evaluation> {
        let (test, transform) = (Arc::clone(&self.test), Arc::clone(&self.transform));
        let loader = Loader::new(test, transform, self.config.clone())?;
        let progress = Progress::start(what, loader.source().len(), "images");
        Ok(evaluate(network, &loader, &Local, &mut |done| progress.set(done))?)
    }
}
