//! A training as the files of a checkpoint, and back.
//!
//! ```text
//! model.safetensors      the network to use: the moving average where there is one, or what the method
//!                        makes of it
//! optimizer.safetensors  the optimiser's memory; where the model is not the trained network also that,
//!                        and the moving average where it is neither
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
pub(super) const OPTIMIZER: &str = "optimizer.safetensors";
const STATE: &str = "state.json";

/// Far more than a state needs.
const LARGEST_STATE: u64 = 16 << 20;

/// Under which names the optimiser's file keeps the last weights.
pub(super) const WEIGHTS: &str = "weights.";

/// Under which names it keeps the moving average, where a method makes the model of that.
pub(super) const AVERAGE: &str = "average.";

/// Everything that changes in a training.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) state: State,
    pub(super) network: Network,
    pub(super) optimizer: Optimizer,
    pub(super) ema: Option<Ema>,
}

impl Snapshot {
    /// The network of which the model is made: the moving average where there is one.
    pub(super) fn model(&self) -> &Network {
        self.ema.as_ref().map_or(&self.network, Ema::network)
    }

    /// The files of a checkpoint. `model` is what the method makes of the network, where it is another;
    /// `metadata` goes into its header.
    ///
    /// # Errors
    /// [`Error::Diverged`] when a number is not finite: such a network is not worth keeping.
    pub(super) fn files(
        &self,
        model: Option<&Network>,
        metadata: &BTreeMap<String, String>,
        recipe: &Recipe,
    ) -> Result<Vec<(&'static str, Vec<u8>)>> {
        let step = self.state.step;
        let average = self.ema.as_ref().map(Ema::network);
        let weights = (model.is_some() || average.is_some()).then_some(&self.network);
        let kept = [(WEIGHTS, weights), (AVERAGE, average.filter(|_| model.is_some()))];
        let mut memory = StateDict::new();
        for (prefix, network) in kept {
            let Some(network) = network else { continue };
            for tensor in finite_state_dict(network, step)?.iter() {
                memory.push(tensor.clone().renamed(format!("{prefix}{}", tensor.name())))?;
            }
        }
        let mut model = finite_state_dict(model.unwrap_or_else(|| self.model()), step)?;
        model.metadata.clone_from(metadata);
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
    pub(super) fn resume(&mut self, checkpoint: &Checkpoint, recipe: &Recipe) -> Result<()> {
        let Saved { mut state, recipe: begun } = read_state(checkpoint)?;
        if let Some(begun) = begun {
            let origin = checkpoint.file(STATE).display().to_string();
            Recipe::of_run(&origin, &begun)?.check_same_run(recipe)?;
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
        let (weights, average) = (below(&memory, WEIGHTS)?, below(&memory, AVERAGE)?);
        self.ema = None;
        if ema.enabled {
            let mut network = self.network.clone();
            load(&mut network, if average.is_empty() { &model } else { &average }, &exactly)?;
            load(&mut self.network, &weights, &exactly)?;
            self.ema = Some(Ema::resume(network, ema.decay, state.ema_updates));
        } else {
            load(&mut self.network, if weights.is_empty() { &model } else { &weights }, &exactly)?;
        }
        let is_network = |name: &str| name.starts_with(WEIGHTS) || name.starts_with(AVERAGE);
        let tensors = memory.iter().filter(|tensor| !is_network(tensor.name()));
        self.optimizer.resume(self.network.params(), state.step, tensors)?;
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
pub(super) fn below(dict: &StateDict, prefix: &str) -> Result<StateDict> {
    let mut part = StateDict::named(dict.file());
    for tensor in dict.iter() {
        if let Some(name) = tensor.name().strip_prefix(prefix) {
            part.push(tensor.clone().renamed(name))?;
        }
    }
    Ok(part)
}
