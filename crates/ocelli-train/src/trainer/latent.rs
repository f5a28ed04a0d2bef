//! The network of which a method makes the model of a checkpoint, opened again.

use super::snapshot::{AVERAGE, OPTIMIZER, WEIGHTS, below};
use super::{MODEL, State};
use crate::checkpoint::Checkpoint;
use crate::{Error, Method, Methods, Moment, Recipe, Result, Trained};
use ocelli_data::Loader;
use ocelli_nn::Network;
use ocelli_nn::registry;
use ocelli_nn::weights::{LoadOptions, ReadOptions, StateDict, load};
use ocelli_random::Seed;

/// A checkpoint as its method sees it: the weights that it trains, and what it makes of them.
///
/// Of quantization-aware training the trained weights are floats, and the model has them on few levels; of most
/// trainings both are the same.
pub struct LatentRun {
    network: Network,
    method: Box<dyn Method>,
    /// How many updates are done.
    pub step: u64,
    /// How many the run has.
    pub total_steps: u64,
}

impl LatentRun {
    /// What lies behind the checkpoint of a run that was opened as `trained`, under the run's `recipe`.
    ///
    /// # Errors
    /// [`Error::NoLatent`] when `trained` is of no checkpoint; when there is no such method, or a file of the
    /// checkpoint is damaged or of another network.
    pub fn open(trained: &Trained, recipe: &Recipe, methods: Methods) -> Result<Self> {
        let no_latent = || Error::NoLatent { path: trained.file.clone() };
        let folder = trained.file.parent().filter(|_| trained.checkpoint.is_some());
        let checkpoint = Checkpoint::open(folder.ok_or_else(no_latent)?)?;
        let config = methods.config(recipe)?;
        let model = registry::find(&trained.arch)?;
        let network = model.network(
            &trained.options,
            Seed(recipe.seed),
            trained.network.params().device(),
        )?;
        let mut network = config.prepare(network)?;
        load_latent(&mut network, &checkpoint, recipe.ema.enabled)?;
        let state = State::read(&checkpoint)?;
        let epochs = recipe.train.epochs_of(state.steps_per_epoch);
        Ok(Self {
            network,
            method: config.method()?,
            step: state.step,
            total_steps: epochs.saturating_mul(state.steps_per_epoch),
        })
    }

    /// The network with the weights that are trained, or their moving average where there is one.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// What the method makes of `network`, the one of this run with other weights, after `step` updates, each
    /// with its name; the first is what the run scores and saves. None where the network is used as it is.
    ///
    /// Statistics that normalisations have in a saved model stay as they are there: those of the first model are
    /// set to `trained`'s. `images` are read only by a method that would measure them anew.
    ///
    /// # Errors
    /// When the network is another one, or a weight is not finite.
    pub fn models(
        &self,
        network: &Network,
        step: u64,
        trained: &Network,
        images: &Loader,
    ) -> Result<Vec<(&'static str, Network)>> {
        let moment = Moment { step, total_steps: self.total_steps, train: images };
        let mut models = self.method.models(network, moment)?;
        if let Some((_, model)) = models.first_mut() {
            keep_statistics(model, trained)?;
        }
        Ok(models)
    }
}

/// Loads the network of which the model of a checkpoint was made.
fn load_latent(network: &mut Network, checkpoint: &Checkpoint, has_average: bool) -> Result<()> {
    let open = |name| StateDict::open(&checkpoint.file(name), &ReadOptions::default());
    let memory = open(OPTIMIZER)?;
    let (weights, average) = (below(&memory, WEIGHTS)?, below(&memory, AVERAGE)?);
    let exactly = LoadOptions { prefix: Some(String::new()), ..LoadOptions::default() };
    if !average.is_empty() {
        load(network, &average, &exactly)?;
    } else if has_average || weights.is_empty() {
        load(network, &open(MODEL)?, &exactly)?;
    } else {
        load(network, &weights, &exactly)?;
    }
    Ok(())
}

/// Gives `network` the buffers of `of`, those that have the same name.
fn keep_statistics(network: &mut Network, of: &Network) -> Result<()> {
    let known = of.params().index_by_name();
    let buffers = network.params().iter().filter(|(_, param)| !param.spec.role.is_learnt());
    let buffers: Vec<_> = buffers
        .filter_map(|(id, param)| Some((id, *known.get(param.spec.name.as_str())?)))
        .collect();
    for (id, own) in buffers {
        network.params_mut().set(id, of.params().get(own).value())?;
    }
    Ok(())
}
