//! The network around which the loss is measured, and what tells its surface from others.

use ocelli::data::Loader;
use ocelli::methods::loss_surface::{
    LossSurfaceGrid, NamedNetworks, SurfaceIdentity, SurfaceSubject,
};
use ocelli::methods::{self, METHODS};
use ocelli::nn::Network;
use ocelli::train::{LatentRun, Trained};
use std::path::Path;

use crate::failure::BadInput;
use crate::run_data::{self, Opened};

/// A trained network, with what its method made it of where that is something else.
pub(super) struct NetworkAround<'a> {
    trained: &'a Trained,
    images: &'a Loader,
    latent: Option<LatentRun>,
    /// As after so many steps its method makes networks.
    step: u64,
}

impl<'a> NetworkAround<'a> {
    /// That of the run at `path`, or `trained` alone. `at` is the share of the training after which mixtures are made.
    pub(super) fn new(
        path: Option<&Path>,
        trained: &'a Trained,
        images: &'a Loader,
        at: Option<f64>,
    ) -> anyhow::Result<Self> {
        let recipe = path.filter(|_| trained.checkpoint.is_some()).and_then(run_data::recipe_of);
        let latent = recipe
            .filter(|recipe| recipe.method.is_some())
            .map(|recipe| LatentRun::open(trained, &recipe, METHODS))
            .transpose()?;
        let step = match (&latent, at) {
            (None, None) => 0,
            (Some(latent), None) => latent.step,
            (Some(latent), Some(share)) if (0.0..=1.0).contains(&share) => {
                (share * latent.total_steps as f64).round() as u64
            }
            (Some(_), Some(share)) => {
                return Err(BadInput::new(format!("--at is {share}, expected 0 to 1")).into());
            }
            (None, Some(_)) => {
                let message = "--at: these weights are not trained as a mixture";
                return Err(BadInput::new(message.to_owned())
                    .hint("name the folder of a run with a [dqa] section")
                    .into());
            }
        };
        Ok(Self { trained, images, latent, step })
    }

    /// What is made of a network with other weights.
    pub(super) fn models(&self, network: &Network) -> methods::Result<NamedNetworks> {
        let Some(latent) = &self.latent else { return Ok(Vec::new()) };
        Ok(latent.models(network, self.step, &self.trained.network, self.images)?)
    }

    pub(super) fn subject<'b>(
        &'b self,
        models: &'b dyn Fn(&Network) -> methods::Result<NamedNetworks>,
    ) -> SurfaceSubject<'b> {
        let latent = self.latent.as_ref().map(LatentRun::network);
        let network = latent.unwrap_or(&self.trained.network);
        SurfaceSubject { network, models, images: self.images }
    }

    /// All that decides what is measured.
    pub(super) fn identity(
        &self,
        subject: &SurfaceSubject<'_>,
        opened: &Opened,
        seed: u64,
        grid: &LossSurfaceGrid,
    ) -> anyhow::Result<SurfaceIdentity> {
        let networks = subject.networks(subject.network.clone())?;
        let mut hash = blake3::Hasher::new();
        let made = networks.iter().map(|(_, network)| network);
        for network in std::iter::once(subject.network).chain(made) {
            for (id, _) in network.params().iter() {
                for value in network.params().to_values(id) {
                    hash.update(&value.to_le_bytes());
                }
            }
        }
        let config = grid.config();
        Ok(SurfaceIdentity {
            model: self.trained.arch.clone(),
            weights: hash.finalize().to_hex().to_string(),
            networks: networks.iter().map(|(name, _)| (*name).to_owned()).collect(),
            step: self.latent.as_ref().map(|_| self.step),
            data: opened.fingerprint.hash().to_owned(),
            images: self.images.source().len(),
            input: self.trained.input.clone(),
            eval: self.trained.eval,
            seed,
            grid: config.grid,
            span: config.span,
        })
    }
}
