//! Who is attacked, and what is kept of it: the section `[subject]` of `attack.toml`.

use burn::tensor::Device;
use ocelli::data::{ClassOrder, EvalConfig, InputConfig, Limits, Split};
use ocelli::train::{CheckpointChoice, ChosenCheckpoint, RunFolder, Trained};
use serde::{Deserialize, Serialize};
use std::ops::Not;
use std::path::PathBuf;

use super::Args;
use crate::args::LabelArgs;
use crate::run_data::{Opened, Wanted};

/// A network and the images on which it is attacked, by their names on this machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct AttackSource {
    /// A run's folder, a checkpoint or a file of weights.
    pub(super) model: PathBuf,
    /// The architecture, where the weights do not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) arch: Option<String>,
    /// The dictionary of a checkpoint that holds the weights, where it was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) section: Option<String>,
    /// What stands before their names, where it was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prefix: Option<String>,
    /// The checkpoint, where the model is a run's folder: an attack goes on with the same one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) checkpoint: Option<CheckpointChoice>,
    /// A file with the names of the classes, where the weights do not say them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) classes: Option<PathBuf>,
    /// The dataset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<String>,
    /// Whether it is the run's own, from which the run may have drawn its images.
    #[serde(skip_serializing_if = "Not::not")]
    pub(super) of_run: bool,
    /// A file of further classes; without one, that of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) labels: Option<PathBuf>,
    /// The part, where there are two.
    pub(super) split: Split,
    /// How the classes of the dataset are numbered; without it, as those of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) class_order: Option<ClassOrder>,
    /// Whether the dataset is meant to have one class.
    #[serde(skip_serializing_if = "Not::not")]
    pub(super) one_class: bool,
    /// Whether images that are fooled are written as a dataset.
    #[serde(skip_serializing_if = "Not::not")]
    pub(super) save_adversaries: bool,
    /// The most pixels that a picture may have; without it, as for the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_pixels: Option<u64>,
    /// `[subject.input]`: what the network wants to see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) input: Option<InputConfig>,
    /// `[subject.eval]`: what a picture goes through before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) eval: Option<EvalConfig>,
}

impl AttackSource {
    /// The network and the images that were named, over those of an attack that was begun before.
    pub(super) fn open(
        args: &Args,
        begun: Option<&Self>,
        device: &Device,
    ) -> anyhow::Result<(Self, Trained, Opened)> {
        let (named_path, mut model) = (args.model_path.clone(), args.model.clone());
        let model_path = match begun {
            None => named_path,
            Some(begun) => Some(model.weights.take().unwrap_or_else(|| begun.model.clone())),
        };
        model.model = model.model.or_else(|| begun?.arch.clone());
        model.keys.section = model.keys.section.or_else(|| begun?.section.clone());
        model.keys.prefix = model.keys.prefix.or_else(|| begun?.prefix.clone());
        model.classes = model.classes.or_else(|| begun?.classes.clone());
        let is_run = model_path
            .as_ref()
            .or(model.weights.as_ref())
            .is_some_and(|at| RunFolder::holds_run(at));
        // Another model than it was begun with has checkpoints of its own.
        let is_same = is_run && args.model.weights.is_none();
        if let Some(begun) = begun.filter(|_| is_same) {
            // Earlier versions attacked the last checkpoint, and did not say so.
            let begun = begun.checkpoint.unwrap_or(CheckpointChoice::Last);
            model.checkpoint.checkpoint.get_or_insert(begun);
        }
        let mut trained = model.open(model_path.as_deref(), device)?;
        trained.check_classifies()?;
        if let Some(Self { input: Some(input), eval: Some(eval), .. }) = begun {
            (trained.input, trained.eval) = (input.clone(), *eval);
        }
        if let Some(pixels) = begun.and_then(|begun| begun.max_pixels) {
            trained.limits.pixels = pixels;
        }
        args.preprocess.apply(&mut trained);
        let path = model_path.or(model.weights).unwrap_or_default();
        let before = begun.and_then(|begun| begun.data.clone());
        let is_of_run = begun.is_none_or(|begun| begun.of_run);
        let named = args.data.clone().or_else(|| before.clone().filter(|_| !is_of_run));
        let labels = args.labels.clone().or_else(|| begun?.labels.clone());
        let split = args.split.or(begun.map(|begun| begun.split)).unwrap_or(Split::Test);
        let classes = LabelArgs {
            class_order: args.classes.class_order.or_else(|| begun?.class_order),
            one_class: args.classes.one_class || begun.is_some_and(|begun| begun.one_class),
        };
        let wanted = Wanted {
            model_path: Some(&path),
            data: named.as_deref(),
            before: before.as_deref(),
            labels: labels.as_deref(),
            split,
            classes,
        };
        let opened = wanted.open(&trained)?;
        let (input, eval) = (Some(trained.input.clone()), Some(trained.eval));
        let changed = trained.limits != Limits::default();
        let step = |chosen: &ChosenCheckpoint| CheckpointChoice::Step(chosen.step);
        let checkpoint = trained.checkpoint.as_ref().map(step);
        let max_pixels = changed.then_some(trained.limits.pixels);
        let subject = Self {
            model: path,
            arch: model.model,
            section: model.keys.section,
            prefix: model.keys.prefix,
            checkpoint: checkpoint.filter(|_| is_run),
            classes: model.classes,
            data: Some(opened.data.clone()),
            of_run: named.is_none(),
            labels,
            split,
            class_order: classes.class_order,
            one_class: classes.one_class,
            input,
            eval,
            max_pixels,
            save_adversaries: args.save_adversaries || begun.is_some_and(|b| b.save_adversaries),
        };
        Ok((subject, trained, opened))
    }
}
