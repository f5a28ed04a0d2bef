//! How a section of a recipe chooses a method.

use super::{Method, Supervised};
use crate::recipe::{Claimed, MethodSection};
use crate::{Classification, Error, Examiner, ExaminerSetup, Recipe, Result};
use ocelli_data::{LoaderConfig, Source};
use ocelli_nn::registry::{self, ModelOptions};
use ocelli_nn::{Cost, Network};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A way of training that recipes choose by a section of their own.
pub trait MethodKind: Send + Sync {
    /// The section's name, as in `simclr`.
    fn section(&self) -> &'static str;

    /// Reads the section and checks the ranges of its fields.
    ///
    /// # Errors
    /// When a field is unknown, of the wrong type or out of range, with its name.
    fn read(&self, section: &MethodSection) -> Result<Box<dyn MethodConfig>>;
}

/// What the section of a method says, and it is possible.
pub trait MethodConfig {
    /// The section with every field, for the run's own recipe; none where no section is needed.
    ///
    /// # Errors
    /// When a number does not fit TOML.
    fn section(&self) -> Result<Option<MethodSection>>;

    /// What the method needs of the network, over what the recipe chooses: another head, say.
    fn model_options(&self, options: ModelOptions) -> ModelOptions {
        options
    }

    /// What the method learns beside the weights, added to a network that has its first values, or those of
    /// a file: parameters that no operation reads.
    ///
    /// # Errors
    /// When the network is none for this method.
    fn prepare(&self, network: Network) -> Result<Network> {
        Ok(network)
    }

    /// What the method needs of its training batches, over what the recipe chooses: two views, say. A step
    /// takes `parts` batches of `source`.
    ///
    /// # Errors
    /// When the source does not fit the method, or cannot be read.
    fn loader(
        &self,
        config: LoaderConfig,
        parts: usize,
        source: &dyn Source,
    ) -> Result<LoaderConfig> {
        let _ = (parts, source);
        Ok(config)
    }

    /// Whether the network classifies the dataset's classes, as `ocelli eval` measures it.
    fn classifies(&self) -> bool {
        true
    }

    /// Whether the pictures that are trained on must have classes.
    fn needs_classes(&self) -> bool {
        true
    }

    /// The method.
    ///
    /// # Errors
    /// When it cannot be made, as of a file that its section names.
    fn method(&self) -> Result<Box<dyn Method>>;

    /// What is measured at evaluations. The first score decides which checkpoint is the best.
    ///
    /// # Errors
    /// When a dataset cannot be opened.
    fn examiners(&self, setup: &ExaminerSetup<'_>) -> Result<Vec<Box<dyn Examiner>>> {
        Ok(vec![Box::new(Classification::new(Arc::clone(setup.eval)))])
    }
}

/// What a recipe without a section of a method says.
#[derive(Clone, Copy, Debug)]
struct SupervisedConfig;

impl MethodConfig for SupervisedConfig {
    fn section(&self) -> Result<Option<MethodSection>> {
        Ok(None)
    }

    fn method(&self) -> Result<Box<dyn Method>> {
        Ok(Box::new(Supervised::default()))
    }
}

/// The methods that recipes may choose.
#[derive(Clone, Copy, Default)]
pub struct Methods(&'static [&'static dyn MethodKind]);

impl fmt::Debug for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Methods").field(&self.names()).finish()
    }
}

impl Methods {
    /// These, beside supervised training, which needs no section.
    pub const fn new(kinds: &'static [&'static dyn MethodKind]) -> Self {
        Self(kinds)
    }

    /// The names of the sections.
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|kind| kind.section()).collect()
    }

    /// Resolves the text of a recipe that may have the section of a method, as [`Recipe::resolve`] does
    /// otherwise. The section is checked, and has every field afterwards.
    ///
    /// # Errors
    /// As [`Recipe::resolve`], and when there are sections of two methods.
    pub fn resolve<S: AsRef<str>>(
        &self,
        origin: &str,
        text: &str,
        overrides: &[S],
    ) -> Result<Recipe> {
        self.of_table(crate::recipe::table(origin, text, overrides)?, None)
    }

    /// Resolves a recipe that starts from `weights`, as [`Recipe::finetune`] does otherwise.
    ///
    /// # Errors
    /// As [`Recipe::finetune`], and when there are sections of two methods.
    pub fn finetune<S: AsRef<str>>(
        &self,
        weights: &Path,
        origin: &str,
        text: &str,
        overrides: &[S],
    ) -> Result<Recipe> {
        self.of_table(crate::recipe::table(origin, text, overrides)?, Some(weights))
    }

    /// The recipe of a run under `overrides`, as [`Recipe::resume`].
    ///
    /// # Errors
    /// As [`Recipe::resume`], and when there is no such method.
    pub fn resume<S: AsRef<str>>(&self, begun: &Recipe, overrides: &[S]) -> Result<Recipe> {
        let resumed = begun.resume(overrides)?;
        self.config(&resumed)?;
        Ok(resumed)
    }

    /// Completes and checks a recipe's table.
    pub(crate) fn of_table(&self, table: toml::Table, weights: Option<&Path>) -> Result<Recipe> {
        let mut recipe = Recipe::of_table(table, weights, Claimed::By(&self.names()))?;
        recipe.method = self.config(&recipe)?.section()?;
        Ok(recipe)
    }

    /// The method that a recipe chooses.
    ///
    /// # Errors
    /// When none has a section of that name, or a field of the section is wrong.
    pub fn config(&self, recipe: &Recipe) -> Result<Box<dyn MethodConfig>> {
        let Some(section) = &recipe.method else { return Ok(Box::new(SupervisedConfig)) };
        match self.0.iter().find(|kind| kind.section() == section.name()) {
            Some(kind) => kind.read(section),
            None => Err(self.unclaimed(section)),
        }
    }

    /// The error of a section that no method has, as if the recipe were read anew.
    fn unclaimed(&self, section: &MethodSection) -> Error {
        let read = Recipe::of_table(section.to_table(), None, Claimed::By(&self.names()));
        let key = section.name().to_owned();
        read.err().unwrap_or(Error::UnknownKey { key, nearest: None })
    }

    /// What a recipe and its method choose about the network, for a dataset of `num_classes` classes.
    ///
    /// # Errors
    /// As [`config`](Self::config).
    pub fn model_options(&self, recipe: &Recipe, num_classes: usize) -> Result<ModelOptions> {
        Ok(self.config(recipe)?.model_options(recipe.model_options(num_classes)))
    }

    /// What the network costs for one image of the recipe's size, for a dataset of `num_classes`.
    ///
    /// # Errors
    /// As [`Recipe::cost`] and [`config`](Self::config).
    pub fn cost(&self, recipe: &Recipe, num_classes: usize) -> Result<Cost> {
        let options = self.model_options(recipe, num_classes)?;
        let graph = registry::find(&recipe.model.name)?.graph(&options)?;
        let size = recipe.input.size as usize;
        Ok(Cost::new(&graph, size, size)?)
    }
}
