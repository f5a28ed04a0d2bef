//! What few bits cost each layer of a run, measured on request and kept in its folder.

use anyhow::Context;
use ocelli::data::{Loader, LoaderConfig, Split, Subset};
use ocelli::methods;
use ocelli::methods::post_training::TrainedSensitivity;
use ocelli::nn::Network;
use ocelli::train::{Local, RunFolder, evaluate, read_text};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::quantized_run::QuantizedRun;
use crate::args::LabelArgs;
use crate::failure::BadInput;
use crate::run_data::Wanted;
use crate::settings::Settings;
use crate::talk::Progress;
use crate::whole_file::write_whole;

/// Far more than the layers of any network need.
const LARGEST: u64 = 16 << 20;
const BATCH: usize = 64;

/// What was measured.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SavedSensitivity {
    /// The step of the checkpoint.
    pub(super) step: u64,
    /// How many training images the losses are of.
    pub(super) images: u64,
    pub(super) float_loss: f64,
    pub(super) quantized_loss: f64,
    pub(super) layers: Vec<SavedLayer>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SavedLayer {
    pub(super) name: String,
    pub(super) added_alone: f64,
    pub(super) saved_in_floats: f64,
}

/// Measures it on so many training images of the run, evenly spread, and writes it into the run's folder.
pub(super) fn measure(folder: &Path, images: u64, settings: &Settings) -> anyhow::Result<()> {
    let recipe = RunFolder::recipe(folder)?;
    let run = QuantizedRun::open(folder, &recipe, &settings.open_device()?)?;
    let run = run.ok_or_else(|| {
        let message = format!("{}: no checkpoint of a quantized training", folder.display());
        BadInput::new(message).hint("--sensitivity is for runs with a [dqa] section that quantizes")
    })?;
    let wanted = Wanted {
        model_path: Some(folder),
        data: None,
        before: None,
        labels: None,
        split: Split::Train,
        classes: LabelArgs::default(),
    };
    let source = wanted.open(&run.trained)?.source;
    let (len, count) = (source.len(), images.min(source.len()));
    let position = |index: u64| (u128::from(index) * u128::from(len) / u128::from(count)) as u64;
    let subset = Subset::new(source, (0..count).map(position).collect())?;
    let config = LoaderConfig { threads: settings.threads, ..LoaderConfig::eval(BATCH) };
    let loader = Loader::new(Arc::new(subset), Arc::new(run.trained.transform()?), config)?;

    let networks = 2 + 2 * run.levels.layers.len() as u64;
    let progress = Progress::start("sensitivity", networks, "networks");
    let mut done = 0;
    let loss = |network: &Network| {
        let evaluation = evaluate(network, &loader, &Local, &mut |_| ())?;
        done += 1;
        progress.set(done);
        Ok::<_, methods::Error>(evaluation.scores.loss)
    };
    let found = TrainedSensitivity::new(run.latent.network(), &run.trained.network, loss)?;
    drop(progress);
    let layers = found.layers.into_iter().map(|layer| SavedLayer {
        name: layer.name,
        added_alone: layer.added_alone,
        saved_in_floats: layer.saved_in_floats,
    });
    let saved = SavedSensitivity {
        step: run.latent.step,
        images: count,
        float_loss: found.float_loss,
        quantized_loss: found.quantized_loss,
        layers: layers.collect(),
    };
    write_whole(&path(folder), serde_json::to_vec_pretty(&saved).map_err(io::Error::from)?)
}

impl SavedSensitivity {
    /// Reads that of a run, if it was measured.
    ///
    /// # Errors
    /// When the file cannot be read or is something else.
    pub(super) fn load(run: &Path) -> anyhow::Result<Option<Self>> {
        let path = path(run);
        if !path.exists() {
            return Ok(None);
        }
        let text = read_text(&path, LARGEST)?;
        let saved = serde_json::from_str(&text).map_err(io::Error::from);
        saved.with_context(|| path.display().to_string()).map(Some)
    }
}

fn path(run: &Path) -> PathBuf {
    run.join("sensitivity.json")
}
