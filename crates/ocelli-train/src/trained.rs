//! Networks that have learnt something: weights, together with what they expect of a picture and
//! what their classes are called.

mod metadata;
mod predict;
mod pretrained;
#[cfg(test)]
mod tests;
mod weights_file;

pub use metadata::Metadata;
pub use predict::{Guess, PredictOptions, Prediction};
pub use pretrained::{Pretrained, WeightsChoice};
pub use weights_file::{CheckpointChoice, ChosenCheckpoint, WeightsFile};

use crate::{Error, Result};
use burn::tensor::Device;
use ocelli_data::{
    EvalConfig, EvalTransform, ImagenetClass, InputConfig, Limits, imagenet_classes,
};
use ocelli_nn::Network;
use ocelli_nn::graph::Graph;
use ocelli_nn::registry::{self, DefaultConfig, Model, ModelOptions};
use ocelli_nn::weights::{StateDict, WeightsLocation, network_from};
use std::path::{Path, PathBuf};

/// A network that is ready to classify pictures.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The architecture, as the registry calls it.
    pub arch: String,
    /// The file that the weights came from.
    pub file: PathBuf,
    /// The checkpoint that the file belongs to, unless the file itself was named.
    pub checkpoint: Option<ChosenCheckpoint>,
    /// Where in the file they stood.
    pub location: WeightsLocation,
    /// The network.
    pub network: Network,
    /// What the network wants to see.
    pub input: InputConfig,
    /// What a picture goes through before.
    pub eval: EvalConfig,
    /// The names of the classes, where the file knows them.
    pub classes: Option<Vec<String>>,
    /// What pictures are too large.
    pub limits: Limits,
}

impl Trained {
    /// `[batch, channels, height, width]` of so many images as the network wants to see them.
    pub fn input_shape(&self, batch: usize) -> [usize; 4] {
        let size = self.input.size as usize;
        [batch, usize::from(self.input.channels), size, size]
    }

    /// Loads a network from a run's folder (its best checkpoint), from one checkpoint, or from a file of weights in any format that [`StateDict::open`] reads.
    ///
    /// `arch` names the network of a file that does not say it itself, as for
    /// [`Pretrained::open`].
    ///
    /// # Errors
    /// When there is no such file, it is damaged, or its weights are those of another network.
    pub fn open(path: &Path, arch: Option<&str>, device: &Device) -> Result<Self> {
        Self::open_with(path, &WeightsChoice::of_arch(arch), device)
    }

    /// The same for a file that more has to be said of. What is decided because the file leaves it
    /// open is told in the log.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(path: &Path, choice: &WeightsChoice, device: &Device) -> Result<Self> {
        let (pretrained, dict) = Pretrained::read(path, choice)?;
        let Pretrained { file, checkpoint, model, options, input, eval, classes } = pretrained;
        let (network, report) = network_from(graph(model, &options, &dict)?, &dict, device)?;
        if let Some(choice) = report.choice() {
            tracing::info!("{choice}");
        }
        let (location, limits) = (report.location(), Limits::default());
        let arch = model.name();
        Ok(Self { arch, file, checkpoint, location, network, input, eval, classes, limits })
    }

    /// What a picture goes through before the network sees it.
    ///
    /// # Errors
    /// When a setting is out of range.
    pub fn transform(&self) -> Result<EvalTransform> {
        let transform = EvalTransform::new(self.input.clone(), self.eval)?;
        Ok(transform.with_limits(self.limits))
    }

    /// Refuses a network that does not classify.
    ///
    /// # Errors
    /// [`Error::NoClassifier`].
    pub fn check_classifies(&self) -> Result<()> {
        if self.network.graph().num_classes() == 0 { Err(Error::NoClassifier) } else { Ok(()) }
    }

    /// The name of a class. Where the file knows none it is that of ImageNet, if the network has its
    /// 1,000 classes, or else the number.
    pub fn class_name(&self, class: usize) -> String {
        let imagenet = || self.imagenet_classes()?.get(class).map(|known| known.name.to_owned());
        let name = match &self.classes {
            Some(names) => names.get(class).cloned(),
            None => imagenet(),
        };
        name.unwrap_or_else(|| class.to_string())
    }

    /// The classes of ILSVRC-2012, if the network has as many and its file says of no others.
    pub fn imagenet_classes(&self) -> Option<&'static [ImagenetClass]> {
        let classes = imagenet_classes();
        let is_published =
            registry::find(&self.arch).is_ok_and(|model| model.config.num_classes == 1000);
        let fits = self.network.graph().num_classes() == classes.len() && is_published;
        (self.classes.is_none() && fits).then_some(classes)
    }
}

/// What the weights of a model of the registry expect of a picture of `channels` channels.
pub fn preprocessing(config: &DefaultConfig, channels: usize) -> (InputConfig, EvalConfig) {
    let per_channel = |values: [f32; 3]| match channels {
        1 => vec![values.iter().sum::<f32>() / 3.0],
        _ => values.into(),
    };
    let input = InputConfig {
        size: config.input_size as u32,
        channels: channels as u8,
        mean: per_channel(config.mean),
        std: per_channel(config.std),
        interpolation: config.interpolation,
        ..InputConfig::default()
    };
    (input, EvalConfig { crop_pct: config.crop_pct, crop_mode: config.crop_mode })
}

/// The graph that a file is for. What the file says of itself may be absurd.
fn graph(model: &Model, options: &ModelOptions, dict: &StateDict) -> Result<Graph> {
    let corrupt = |reason| Error::Corrupt { path: dict.file().into(), reason };
    if ![1, 3].contains(&options.in_channels) {
        let channels = options.in_channels;
        return Err(corrupt(format!("for images of {channels} channels, expected 1 or 3")));
    }
    model.graph(options).map_err(|error| corrupt(error.to_string()))
}
