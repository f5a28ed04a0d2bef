//! Which trained network: the words that `eval` and `predict` share.

use burn::tensor::Device;
use ocelli::data::read_classes;
use ocelli::nn::registry;
use ocelli::train::{CheckpointChoice, Trained, WeightsChoice};
use std::path::{Path, PathBuf};

use super::ModelName;
use crate::failure::{BadInput, BadUsage};
use crate::run_data;

/// Which tensors of a file are the network's, where that is not to be found out.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct WeightsKeyArgs {
    /// The dictionary of a PyTorch checkpoint to take, as in model_ema [default: the one that fits the
    /// network; of several averaged weights]
    #[arg(long, value_name = "KEY")]
    pub(crate) section: Option<String>,
    /// What stands before the name of every tensor, as in module. [default: whatever fits the network]
    #[arg(long, value_name = "TEXT")]
    pub(crate) prefix: Option<String>,
}

/// Which checkpoint of a run.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct CheckpointArgs {
    /// Which checkpoint of a run's folder: of the best evaluation, the last one, or that of a step
    /// [default: best]
    #[arg(long, value_name = "best|last|step-N")]
    pub(crate) checkpoint: Option<CheckpointChoice>,
}

impl WeightsKeyArgs {
    /// The same of a network called `arch`, if it is known.
    pub(crate) fn choice(&self, arch: Option<&str>) -> WeightsChoice {
        WeightsChoice {
            arch: arch.map(str::to_owned),
            section: self.section.clone(),
            prefix: self.prefix.clone(),
            checkpoint: None,
        }
    }
}

/// Options about a trained network.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Model options")]
pub(crate) struct ModelArgs {
    /// The architecture of weights that do not say it themselves, as `ocelli models` lists it
    #[arg(long, value_name = "NAME", value_parser = ModelName, hide_possible_values = true)]
    pub(crate) model: Option<String>,
    /// A file of weights, instead of MODEL
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) keys: WeightsKeyArgs,
    #[command(flatten)]
    pub(crate) checkpoint: CheckpointArgs,
    /// A file with one class name a line, in the order of the labels, or with lines like 0,cat
    #[arg(long, value_name = "FILE")]
    pub(crate) classes: Option<PathBuf>,
}

impl ModelArgs {
    /// Loads the network that `path` (a run, a checkpoint or a file) or `--weights` names.
    ///
    /// # Errors
    /// When neither is given, or the network cannot be loaded.
    pub(crate) fn open(&self, path: Option<&Path>, device: &Device) -> anyhow::Result<Trained> {
        let path = match (path, &self.weights) {
            (Some(path), None) => path,
            (None, Some(path)) => path,
            (Some(_), Some(_)) => return Err(usage("give MODEL or --weights, not both")),
            (None, None) => return Err(usage("give a run's folder or a file of weights")),
        };
        refuse_bare_name(path)?;
        let CheckpointArgs { checkpoint } = self.checkpoint;
        let choice = WeightsChoice { checkpoint, ..self.keys.choice(self.model.as_deref()) };
        let mut trained = Trained::open_with(path, &choice, device)?;
        if let Some(run) = run_data::recipe_of(path) {
            trained.limits = run.data.limits();
        }
        if let Some(path) = &self.classes {
            let classes = read_classes(path)?;
            let (network, data) = (trained.network.graph().num_classes(), classes.len());
            if network != data {
                let message = format!(
                    "{}: {data} names for the {network} classes of the network",
                    path.display()
                );
                return Err(BadInput::new(message).hint("expected one name a line").into());
            }
            trained.classes = Some(classes);
        }
        Ok(trained)
    }
}

/// A network of the registry in the place of weights is a likely mistake.
fn refuse_bare_name(path: &Path) -> anyhow::Result<()> {
    let name = path.to_string_lossy();
    if path.exists() || registry::find(&name).is_err() {
        return Ok(());
    }
    let message = format!("{name} is a network without weights, and there is no file of that name");
    let hint = format!("give a run's folder, or weights: --model {name} --weights FILE");
    Err(BadInput::new(message).hint(hint).into())
}

fn usage(text: &str) -> anyhow::Error {
    BadUsage(text.to_owned()).into()
}
