//! What a file of weights is, told without building its network.

use super::{CheckpointChoice, ChosenCheckpoint, Metadata, WeightsFile, preprocessing};
use crate::Result;
use ocelli_data::{EvalConfig, InputConfig};
use ocelli_nn::registry::{self, Model, ModelOptions};
use ocelli_nn::weights::{ReadOptions, StateDict, model_of, options_of};
use std::path::{Path, PathBuf};

/// What a file of weights says of itself, or else what the registry says of its tensors.
#[derive(Clone, Debug)]
pub struct Pretrained {
    /// The file.
    pub file: PathBuf,
    /// The checkpoint that the file belongs to, unless the file itself was named.
    pub checkpoint: Option<ChosenCheckpoint>,
    /// Its network.
    pub model: &'static Model,
    /// What was chosen about the network, the number of classes among it.
    pub options: ModelOptions,
    /// What the network wants to see.
    pub input: InputConfig,
    /// What a picture goes through before.
    pub eval: EvalConfig,
    /// The names of the classes, where the file knows them.
    pub classes: Option<Vec<String>>,
}

/// What is said of a file of weights that does not say it itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WeightsChoice {
    /// The network, as the registry calls it; told by the tensors if absent.
    pub arch: Option<String>,
    /// The dictionary of a checkpoint, as for [`ReadOptions::section`].
    pub section: Option<String>,
    /// What to remove from the start of every name, as for [`ReadOptions::prefix`].
    pub prefix: Option<String>,
    /// Which checkpoint of a run's folder; the best if absent.
    pub checkpoint: Option<CheckpointChoice>,
}

impl WeightsChoice {
    /// The network alone.
    pub fn of_arch(arch: Option<&str>) -> Self {
        Self { arch: arch.map(str::to_owned), ..Self::default() }
    }

    /// How to read the file.
    pub fn read_options(&self) -> ReadOptions {
        let (section, prefix) = (self.section.clone(), self.prefix.clone());
        ReadOptions { section, prefix, ..ReadOptions::default() }
    }
}

impl Pretrained {
    /// Looks at the weights of a run's folder (its best checkpoint), of one
    /// checkpoint, or of a file in any format that [`StateDict::open`] reads.
    ///
    /// A file that Ocelli wrote says itself what it is. For others `arch` names the network; if it
    /// is absent, the registry is searched for the one whose tensors these are.
    ///
    /// # Errors
    /// When there is no such file, it is damaged, or it is of no network or of several.
    pub fn open(path: &Path, arch: Option<&str>) -> Result<Self> {
        Self::open_with(path, &WeightsChoice::of_arch(arch))
    }

    /// The same for a file that more has to be said of.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(path: &Path, choice: &WeightsChoice) -> Result<Self> {
        Self::read(path, choice).map(|(pretrained, _)| pretrained)
    }

    /// The same, with the tensors.
    pub(super) fn read(path: &Path, choice: &WeightsChoice) -> Result<(Self, StateDict)> {
        let WeightsFile { path: file, checkpoint } = WeightsFile::find(path, choice.checkpoint)?;
        let dict = StateDict::open(&file, &choice.read_options())?;
        let metadata = Metadata::from_dict(&dict)?;
        let model = match choice.arch.as_deref().or(metadata.arch.as_deref()) {
            Some(name) => registry::find(name)?,
            None => model_of(&dict)?,
        };
        let options = metadata.options.unwrap_or_else(|| options_of(&dict, model));
        let (input, eval) = preprocessing(&model.config, options.in_channels);
        let pretrained = Self {
            file,
            checkpoint,
            model,
            options,
            input: metadata.input.unwrap_or(input),
            eval: metadata.eval.unwrap_or(eval),
            classes: metadata.classes,
        };
        Ok((pretrained, dict))
    }
}
