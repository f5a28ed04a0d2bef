//! A training as the files of a checkpoint, and back.
//!
//! ```text
//! model.safetensors      the network to use: the moving average where there is one
//! optimizer.safetensors  the optimiser's memory; with a moving average also the last weights
//! state.json             where the training stands
//! ```

use super::state::{FORMAT, State};
use crate::checkpoint::Checkpoint;
use crate::text_file::read_text;
use crate::{Ema, Error, Optimizer, Recipe, Result};
use ocelli_nn::Network;
use ocelli_nn::weights::{LoadOptions, ReadOptions, StateDict, load, safetensors, state_dict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The network of a checkpoint: all that evaluation and prediction need.
pub const MODEL: &str = "model.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";
const STATE: &str = "state.json";

/// Far more than a state needs.
const LARGEST_STATE: u64 = 16 << 20;

/// Under which names the optimiser's file keeps the last weights.
const WEIGHTS: &str = "weights.";

/// Everything that changes in a training.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) state: State,
    pub(super) network: Network,
    pub(super) optimizer: Optimizer,
    pub(super) ema: Option<Ema>,
}

impl Snapshot {
    /// The network that is evaluated and saved as the model.
    pub(super) fn model(&self) -> &Network {
        self.ema.as_ref().map_or(&self.network, Ema::network)
    }

    /// The files of a checkpoint. `metadata` goes into the model's header.
    ///
    /// # Errors
    /// [`Error::Diverged`] when a number is not finite: such a network is not worth keeping.
    pub(super) fn files(
        &self,
        metadata: &BTreeMap<String, String>,
        recipe: &Recipe,
    ) -> Result<Vec<(&'static str, Vec<u8>)>> {
        let mut model = finite_state_dict(self.model(), self.state.step)?;
        model.metadata.clone_from(metadata);
        let mut memory = StateDict::new();
        if self.ema.is_some() {
            for tensor in finite_state_dict(&self.network, self.state.step)?.iter() {
                let name = format!("{WEIGHTS}{}", tensor.name());
                memory.push(tensor.clone().renamed(name))?;
            }
        }
        for tensor in self.optimizer.memory(self.network.params())? {
            memory.push(tensor)?;
        }
        let saved = Saved { state: self.state.clone(), recipe: Some(recipe.to_toml()?) };
        let state = serde_json::to_vec_pretty(&saved).map_err(std::io::Error::from);
        Ok(vec![
            (MODEL, safetensors::to_bytes(&model)?),
            (OPTIMIZER, safetensors::to_bytes(&memory)?),
            (STATE, state.map_err(Error::io(STATE))?),
        ])
    }

    /// Puts a training back to where a checkpoint was written.
    ///
    /// # Errors
    /// When the checkpoint is that of another network, optimiser or dataset.
    pub(super) fn restore(&mut self, checkpoint: &Checkpoint, recipe: &Recipe) -> Result<()> {
        let Saved { mut state, recipe: begun } = read_state(checkpoint)?;
        if let Some(begun) = begun {
            let origin = checkpoint.file(STATE).display().to_string();
            Recipe::resolve(&origin, &begun, &[] as &[&str])?.check_same_run(recipe)?;
        }
        if recipe.data.accept_changes {
            // Of more or fewer images an epoch has more or fewer steps.
            state.steps_per_epoch = self.state.steps_per_epoch;
        }
        self.check_same_run(&state)?;
        let ema = &recipe.ema;
        let open = |name| StateDict::open(&checkpoint.file(name), &ReadOptions::default());
        let (model, memory) = (open(MODEL)?, open(OPTIMIZER)?);
        let exactly = LoadOptions { prefix: Some(String::new()), ..LoadOptions::default() };
        self.ema = None;
        if ema.enabled {
            let mut average = self.network.clone();
            load(&mut average, &model, &exactly)?;
            load(&mut self.network, &below(&memory, WEIGHTS)?, &exactly)?;
            self.ema = Some(Ema::resume(average, ema.decay, state.ema_updates));
        } else {
            load(&mut self.network, &model, &exactly)?;
        }
        let tensors = memory.iter().filter(|tensor| !tensor.name().starts_with(WEIGHTS));
        self.optimizer.restore(self.network.params(), state.step, tensors)?;
        self.state = state;
        Ok(())
    }

    fn check_same_run(&self, saved: &State) -> Result<()> {
        let same = |field: &str, begun: u64, now: u64| {
            if begun == now {
                return Ok(());
            }
            let (field, begun, now) = (field.to_owned(), begun.to_string(), now.to_string());
            Err(Error::OtherRun { field, begun, now })
        };
        same("state.format", saved.format.into(), FORMAT.into())?;
        same("seed", saved.seed, self.state.seed)?;
        same("steps per epoch", saved.steps_per_epoch, self.state.steps_per_epoch)
    }
}

/// What `state.json` holds.
#[derive(Serialize, Deserialize)]
struct Saved {
    #[serde(flatten)]
    state: State,
    /// The run's recipe, in checkpoints of later versions: it proves the file in the run's folder.
    #[serde(default)]
    recipe: Option<String>,
}

impl State {
    /// Where a training stood when the checkpoint was written.
    ///
    /// # Errors
    /// When the checkpoint has no such file, or it is damaged.
    pub fn read(checkpoint: &Checkpoint) -> Result<Self> {
        Ok(read_state(checkpoint)?.state)
    }
}

fn read_state(checkpoint: &Checkpoint) -> Result<Saved> {
    let path = checkpoint.file(STATE);
    let text = read_text(&path, LARGEST_STATE)?;
    serde_json::from_str(&text).map_err(|error| Error::Corrupt { path, reason: error.to_string() })
}

/// Every number of a network, all of which are finite.
fn finite_state_dict(network: &Network, step: u64) -> Result<StateDict> {
    let dict = state_dict(network)?;
    for tensor in dict.iter() {
        if !tensor.is_finite()? {
            let what = format!("parameter `{}`", tensor.name());
            return Err(Error::Diverged { what, step, kept: None });
        }
    }
    Ok(dict)
}

/// The tensors whose names begin with `prefix`, without it.
fn below(dict: &StateDict, prefix: &str) -> Result<StateDict> {
    let mut part = StateDict::named(dict.file());
    for tensor in dict.iter() {
        if let Some(name) = tensor.name().strip_prefix(prefix) {
            part.push(tensor.clone().renamed(name))?;
        }
    }
    Ok(part)
}
