//! Recipes: everything that decides the result of a training run, in one TOML file.
//!
//! A recipe is resolved in layers, each over the one before: the defaults, what the model's entry
//! in the registry says of its input, a file, and overrides from the command line. The resolved
//! recipe is written into the run's folder, with every field, so that a run can be repeated from
//! it alone.

mod held_out;
mod limits;
mod method_section;
mod model_defaults;
pub(crate) mod overrides;
mod progressive;
mod reader;
mod resume;
mod sections;
mod set_size;
mod with_section;

#[cfg(test)]
mod tests;

pub(crate) use method_section::Claimed;
pub use method_section::MethodSection;
pub use progressive::{Preset, ProgressiveSection};
pub(crate) use resume::leaves;
pub use sections::{
    CheckpointSection, DataSection, EmaSection, ModelSection, OptimizerGroup, OptimizerKind,
    OptimizerSection, ScheduleKind, ScheduleSection, TrainSection,
};
pub use with_section::settings;

use crate::text_file::read_text;
use crate::{Error, Pretrained, Result};
use ocelli_data::augment::Mix;
use ocelli_data::{EvalConfig, InputConfig, TrainConfig};
use ocelli_nn::Cost;
use ocelli_nn::registry::{self, ModelOptions};
use serde::{Deserialize, Serialize};
use std::path::Path;
use toml::Table;

/// A resolved recipe.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Recipe {
    /// The one number from which all random numbers of the run derive.
    pub seed: u64,
    /// `[model]`
    pub model: ModelSection,
    /// `[data]`
    pub data: DataSection,
    /// `[input]`: what the network sees; what is not given is the model's own.
    pub input: InputConfig,
    /// `[eval]`: what an image goes through in evaluation; what is not given is the model's own.
    pub eval: EvalConfig,
    /// `[augment]`: what an image goes through in training.
    pub augment: TrainConfig,
    /// `[mix]`: mixup, cutmix and label smoothing.
    pub mix: Mix,
    /// `[optimizer]`
    pub optimizer: OptimizerSection,
    /// `[schedule]`
    pub schedule: ScheduleSection,
    /// `[train]`
    pub train: TrainSection,
    /// `[progressive]`: how images and regularisation grow; none means that they do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progressive: Option<ProgressiveSection>,
    /// `[ema]`
    pub ema: EmaSection,
    /// `[checkpoint]`
    pub checkpoint: CheckpointSection,
    /// The section of a method, as in `[simclr]`; none means supervised training.
    #[serde(skip)]
    pub method: Option<MethodSection>,
}

/// What `ocelli train` does when it is not told otherwise: a small GhostNet on embedded images.
pub const DEFAULT: &str = include_str!("../../../recipes/default.toml");

/// How `ocelli train --pretrained` trains when it is not told otherwise.
pub const FINETUNE: &str = include_str!("../../../recipes/finetune.toml");

/// The largest recipe that is read, in bytes. TOML takes up to a hundred times as much in memory.
pub const LARGEST_FILE: u64 = 1 << 20;

impl Recipe {
    /// Resolves the text of a recipe file under `overrides`, each `section.key=value`.
    ///
    /// A value is read as TOML; what is not TOML is taken as text, so quotes are not needed.
    /// `origin` names the text in errors.
    ///
    /// # Errors
    /// When the text is not TOML, a key is unknown, or a value has the wrong type or range.
    ///
    /// ```
    /// # use ocelli_train::Recipe;
    /// let text = "[optimizer]\nlr = 0.4\n";
    /// let recipe = Recipe::resolve("my.toml", text, &["train.epochs=3", "model.name=resnet18"])?;
    /// assert_eq!(recipe.optimizer.lr, 0.4);
    /// assert_eq!(recipe.train.epochs, 3);
    /// assert_eq!(recipe.model.name, "resnet18");
    /// # Ok::<(), ocelli_train::Error>(())
    /// ```
    pub fn resolve<S: AsRef<str>>(origin: &str, text: &str, overrides: &[S]) -> Result<Self> {
        Self::of_table(table(origin, text, overrides)?, None, Claimed::By(&[]))
    }

    /// Resolves a recipe that starts from `weights`, as [`resolve`](Self::resolve) does otherwise.
    ///
    /// What the recipe leaves open of the network (its name, its Ghost form, its layout, its stem)
    /// and of the pictures (`[input]`, `[eval]`) is what the weights say, and only then what the
    /// registry says. The number of classes is always the dataset's.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve) and [`Pretrained::open`].
    pub fn finetune<S: AsRef<str>>(
        weights: &Path,
        origin: &str,
        text: &str,
        overrides: &[S],
    ) -> Result<Self> {
        Self::of_table(table(origin, text, overrides)?, Some(weights), Claimed::By(&[]))
    }

    /// Completes and checks a recipe's table.
    pub(crate) fn of_table(
        mut table: Table,
        weights: Option<&Path>,
        claimed: Claimed<'_>,
    ) -> Result<Self> {
        let method = method_section::take(&mut table, claimed, &own_sections())?;
        if let Some(weights) = weights {
            let pretrained =
                Pretrained::open_with(weights, &model_defaults::weights_choice(&table))?;
            model_defaults::fill_from(&mut table, &pretrained);
        }
        model_defaults::fill(&mut table)?;
        let recipe: Self =
            reader::read(table).map_err(|error| with_hint_from_all_keys(error, claimed.names()))?;
        limits::check(&recipe)?;
        Ok(Self { method, ..recipe })
    }

    /// Reads the recipe of a run, whatever method it is for.
    pub(crate) fn of_run(origin: &str, text: &str) -> Result<Self> {
        Self::of_table(table(origin, text, &[] as &[&str])?, None, Claimed::Anyone)
    }

    /// Every field that has a value.
    fn to_table(&self) -> Result<Table> {
        let mut table = Table::try_from(self).map_err(|error| unwritable(&error))?;
        table.extend(self.method.iter().flat_map(MethodSection::to_table));
        Ok(table)
    }

    /// Resolves a recipe file under `overrides`.
    ///
    /// # Errors
    /// As [`Recipe::resolve`], and when the file cannot be read or is larger than [`LARGEST_FILE`].
    pub fn load<S: AsRef<str>>(path: &Path, overrides: &[S]) -> Result<Self> {
        let text = read_text(path, LARGEST_FILE)?;
        Self::resolve(&path.display().to_string(), &text, overrides)
    }

    /// What the recipe chooses about its network, for a dataset of `num_classes` classes.
    ///
    /// Where dropout grows, it is the most: a layer whose probability is zero in all stages is left
    /// out of the network.
    pub fn model_options(&self, num_classes: usize) -> ModelOptions {
        let growing = self.progressive.as_ref().and_then(|growth| growth.dropout);
        ModelOptions {
            num_classes,
            in_channels: usize::from(self.input.channels),
            dropout: growing.map(|[first, last]| first.max(last)).or(self.model.dropout),
            drop_path: self.model.drop_path,
            small_input: self.model.small_input,
            ghost: self.model.ghost.clone(),
            layout: self.model.layout.clone(),
            ..ModelOptions::default()
        }
    }

    /// What the recipe's network costs for one image of its size, for a dataset of `num_classes`.
    ///
    /// # Errors
    /// When the architecture cannot be built as asked, or the image is too small for it.
    pub fn cost(&self, num_classes: usize) -> Result<Cost> {
        let graph = registry::find(&self.model.name)?.graph(&self.model_options(num_classes))?;
        let size = self.input.size as usize;
        Ok(Cost::new(&graph, size, size)?)
    }

    /// The recipe as TOML, with every field that has a value.
    ///
    /// # Errors
    /// When a number does not fit TOML (a seed above 2⁶³−1).
    pub fn to_toml(&self) -> Result<String> {
        let text = toml::to_string(self).map_err(|error| unwritable(&error))?;
        let Some(method) = &self.method else { return Ok(text) };
        let section = toml::to_string(&method.to_table()).map_err(|error| unwritable(&error))?;
        Ok(format!("{text}\n{section}"))
    }
}

/// That a number does not fit TOML.
fn unwritable(error: &toml::ser::Error) -> Error {
    let (origin, message) = ("the resolved recipe".to_owned(), error.to_string());
    Error::RecipeSyntax { origin, message }
}

/// A recipe's text under `overrides`, not yet checked.
pub(crate) fn table<S: AsRef<str>>(origin: &str, text: &str, overrides: &[S]) -> Result<Table> {
    let mut table: Table = toml::from_str(text).map_err(|error| Error::RecipeSyntax {
        origin: origin.to_owned(),
        message: in_one_line(text, &error),
    })?;
    for text in overrides {
        overrides::apply(&mut table, text.as_ref())?;
    }
    Ok(table)
}

/// Where a text is not TOML, and why.
fn in_one_line(text: &str, error: &toml::de::Error) -> String {
    let reason = error.message().lines().collect::<Vec<_>>().join(", ");
    let before = error.span().and_then(|span| text.get(..span.start));
    let Some(before) = before else { return format!("not TOML: {reason}") };
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    format!("line {line}, column {column} is not TOML: {reason}")
}

/// A key without a namesake in its own section may belong to another one, or be written without
/// its section: looks for its last part among all keys. Its section may be that of one of `methods`.
fn with_hint_from_all_keys(error: Error, methods: &[&str]) -> Error {
    let Error::UnknownKey { key, nearest: None } = error else { return error };
    let (section, below) = key.split_once('.').unwrap_or((&key, ""));
    if let Some(method) = reader::nearest(section, methods.iter().copied()) {
        let below = if below.is_empty() { String::new() } else { format!(".{below}") };
        return Error::UnknownKey { nearest: Some(format!("{method}{below}")), key };
    }
    let last = key.rsplit('.').next().unwrap_or(&key);
    let known = all_keys();
    let ends = known.iter().map(|full| full.rsplit('.').next().unwrap_or(full));
    let nearest = reader::nearest(last, ends)
        .and_then(|name| known.iter().find(|full| full.rsplit('.').next() == Some(name)))
        .cloned();
    Error::UnknownKey { key, nearest }
}

/// The sections that all recipes may have.
fn own_sections() -> Table {
    let mut own = Table::try_from(Recipe::default()).unwrap_or_default();
    // The one that a recipe need not have.
    own.insert("progressive".to_owned(), Table::new().into());
    own
}

/// The dotted keys of the default recipe.
fn all_keys() -> Vec<String> {
    let mut keys = Vec::new();
    if let Ok(table) = Table::try_from(Recipe::default()) {
        collect_keys("", &table, &mut keys);
    }
    keys
}

fn collect_keys(prefix: &str, table: &Table, keys: &mut Vec<String>) {
    for (key, value) in table {
        let full = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            toml::Value::Table(below) => collect_keys(&full, below, keys),
            _ => keys.push(full),
        }
    }
}
