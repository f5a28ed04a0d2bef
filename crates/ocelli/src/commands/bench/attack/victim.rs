//! The network that is attacked.

use ocelli::data::{EvalConfig, InputConfig};
use ocelli::methods::one_pixel;
use ocelli::nn::{Network, weights};
use ocelli::random::Seed;
use ocelli::train::{Trained, preprocessing};
use std::path::Path;

use super::WeightsFolder;
use crate::commands::bench::model_at_size::SizedModel;
use crate::settings::Settings;

/// A network, and what it wants to see.
#[derive(Clone, Debug)]
pub(super) struct Victim {
    pub(super) subject: SizedModel,
    pub(super) network: Network,
    pub(super) input: InputConfig,
    /// The file of its weights, or that they are random.
    pub(super) weights: String,
}

impl Victim {
    /// Takes weights from `folder` where it has some, and says what it took.
    ///
    /// # Errors
    /// When the device does not answer, or a file of weights is damaged.
    pub(super) fn load(
        subject: SizedModel,
        folder: Option<&WeightsFolder>,
        settings: &Settings,
    ) -> anyhow::Result<Self> {
        let device = settings.open_device()?;
        let SizedModel { model, size } = subject;
        let found = folder.and_then(|folder| Some((folder, folder.file_of(model.arch)?)));
        let (network, input, weights) = if let Some((folder, file)) = found {
            tracing::info!("{subject}: weights of {}", file.display());
            let trained = Trained::open_with(file, &folder.choice(model.arch), &device)?;
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            (trained.network, trained.input, name.into_owned())
        } else {
            let reason = match folder {
                Some(folder) => format!("{} has no others", folder.path().display()),
                None => "no folder of others is given".to_owned(),
            };
            tracing::info!("{subject}: random weights, {reason}");
            let options = model.options();
            let seed = Seed(settings.seed.unwrap_or_default());
            let network = model.network(&options, seed, &device)?;
            let (input, _) = preprocessing(&model.config, options.in_channels);
            (network, input, "random".to_owned())
        };
        let input = InputConfig { size: size as u32, ..input };
        Ok(Self { subject, network, input, weights })
    }

    /// What a plan says of it.
    pub(super) fn described(&self, inference: &str, eval: EvalConfig) -> one_pixel::Victim {
        one_pixel::Victim {
            model: self.subject.model.name(),
            weights: self.weights.clone(),
            inference: inference.to_owned(),
            input: self.input.clone(),
            eval,
        }
    }

    /// Writes its weights as safetensors.
    ///
    /// # Errors
    /// When `path` cannot be written.
    pub(super) fn save(&self, path: &Path) -> anyhow::Result<()> {
        Ok(weights::save(&self.network, self.subject.model.arch, path)?)
    }
}
