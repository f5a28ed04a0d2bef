//! Who is attacked: the section `[subject]` of `attack.toml`.

use anyhow::Context;
use burn::tensor::Device;
use ocelli::data::{EvalConfig, InputConfig, OpenOptions, Source, Split, open};
use ocelli::train::Trained;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Args;
use crate::failure::{BadInput, BadUsage};
use crate::run_data;

/// A network and the images on which it is attacked, by their names on this machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Subject {
    /// A run's folder, a checkpoint or a file of weights.
    pub(super) model: PathBuf,
    /// The architecture, where the weights do not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) arch: Option<String>,
    /// The dataset.
    pub(super) data: String,
    /// The part, where it has two.
    pub(super) split: Split,
    /// `[subject.input]`: what the network wants to see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) input: Option<InputConfig>,
    /// `[subject.eval]`: what a picture goes through before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) eval: Option<EvalConfig>,
}

impl Subject {
    /// The network and the images that were named, over those of an attack that was begun before.
    pub(super) fn open(
        args: &Args,
        begun: Option<&Self>,
        device: &Device,
    ) -> anyhow::Result<(Self, Trained, Arc<dyn Source>)> {
        let (place, mut model) = (args.place.clone(), args.model.clone());
        let place = match begun {
            None => place,
            Some(begun) => Some(model.weights.take().unwrap_or_else(|| begun.model.clone())),
        };
        model.model = model.model.or_else(|| begun?.arch.clone());
        let mut trained = model.open(place.as_deref(), device)?;
        if let Some(Self { input: Some(input), eval: Some(eval), .. }) = begun {
            (trained.input, trained.eval) = (input.clone(), *eval);
        }
        args.preprocess.apply(&mut trained);
        let path = place.or(model.weights).unwrap_or_default();
        let data = args.data.clone().or_else(|| Some(begun?.data.clone()));
        let data = match data {
            Some(data) => data,
            None => data_of_run(&path)?,
        };
        let split = args.split.or(begun.map(|begun| begun.split)).unwrap_or(Split::Test);
        let options = OpenOptions { classes: trained.classes.clone(), ..OpenOptions::of(split) };
        let source = open(&data, &options).with_context(|| data.clone())?;
        let (input, eval) = (Some(trained.input.clone()), Some(trained.eval));
        let subject = Self { model: path, arch: model.model, data, split, input, eval };
        Ok((subject, trained, source))
    }
}

/// The dataset of the run that `place` belongs to, if it has images on which the run did not train.
fn data_of_run(place: &Path) -> anyhow::Result<String> {
    let Some(run) = run_data::recipe_of(place) else {
        return Err(BadUsage("name a dataset with --data".to_owned()).into());
    };
    let data = run_data::dataset(&run);
    if run_data::is_one_part(&run)? {
        let message = format!("{data} has one part, on most of which the run was trained");
        return Err(BadInput::new(message).hint("name other images with --data").into());
    }
    Ok(data.to_owned())
}
