//! The hyper-parameters of SimCLR: the section `[simclr]` of a recipe.

use super::Simclr;
use ocelli_data::LoaderConfig;
use ocelli_nn::graph::{Head, Projection};
use ocelli_nn::registry::ModelOptions;
use ocelli_train::{
    Examiner, ExaminerSetup, Method, MethodConfig, MethodKind, MethodSection, Neighbours, Result,
    Voting,
};
use serde::{Deserialize, Serialize};

const SECTION: &str = "simclr";

/// What `[simclr]` may say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimclrConfig {
    /// τ of equation 1. The paper takes 0.1 on ImageNet and 0.5 on CIFAR-10 (appendix B.9).
    pub temperature: f64,
    /// The values of each layer of the projection head.
    pub widths: Vec<usize>,
    /// Whether a batch normalisation follows each of its linear layers, as in the released code.
    pub batch_norm: bool,
    /// How many neighbours vote when features are examined.
    pub neighbours: usize,
}

impl Default for SimclrConfig {
    /// The paper's on ImageNet.
    fn default() -> Self {
        let Projection { widths, batch_norm } = Projection::default();
        Self { temperature: 0.1, widths, batch_norm, neighbours: 20 }
    }
}

/// The section of a recipe that chooses SimCLR.
#[derive(Clone, Copy, Debug)]
pub struct SimclrKind;

impl MethodKind for SimclrKind {
    fn section(&self) -> &'static str {
        SECTION
    }

    fn read(&self, section: &MethodSection) -> Result<Box<dyn MethodConfig>> {
        let config: SimclrConfig = section.read()?;
        let temperature = config.temperature;
        if !(temperature.is_finite() && (0.001..=100.0).contains(&temperature)) {
            return Err(section.refuse("temperature", &temperature, "0.001 to 100"));
        }
        if config.widths.is_empty() || config.widths.len() > 8 || config.widths.contains(&0) {
            let found = format!("{:?}", config.widths);
            return Err(section.refuse("widths", &found, "1 to 8 layers of one value or more"));
        }
        if !(1..=1000).contains(&config.neighbours) {
            return Err(section.refuse("neighbours", &config.neighbours, "1 to 1000"));
        }
        Ok(Box::new(Checked(config)))
    }
}

/// A section whose values are possible.
#[derive(Clone, Debug)]
struct Checked(SimclrConfig);

impl MethodConfig for Checked {
    fn section(&self) -> Result<Option<MethodSection>> {
        MethodSection::new(SECTION, &self.0).map(Some)
    }

    fn model_options(&self, options: ModelOptions) -> ModelOptions {
        let SimclrConfig { widths, batch_norm, .. } = self.0.clone();
        ModelOptions { head: Head::Projection(Projection { widths, batch_norm }), ..options }
    }

    fn loader(&self, config: LoaderConfig) -> LoaderConfig {
        LoaderConfig { views: 2, ..config }
    }

    fn classifies(&self) -> bool {
        false
    }

    fn needs_classes(&self) -> bool {
        false
    }

    fn method(&self) -> Result<Box<dyn Method>> {
        Ok(Box::new(Simclr::new(self.0.temperature)))
    }

    fn examiners(&self, setup: &ExaminerSetup<'_>) -> Result<Vec<Box<dyn Examiner>>> {
        if setup.recipe.data.probe.is_none() && setup.train.classes().is_empty() {
            tracing::warn!(
                "the pictures have no classes: features are not examined (data.probe names a \
                 labelled dataset for that)"
            );
            return Ok(Vec::new());
        }
        let [bank, queries] = setup.probe()?;
        let voting = Voting::new(self.0.neighbours, 0.1)?;
        Ok(vec![Box::new(Neighbours::new(bank, queries, voting))])
    }
}
