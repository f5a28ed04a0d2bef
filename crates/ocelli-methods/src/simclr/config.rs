//! The hyper-parameters of SimCLR: the section `[simclr]` of a recipe.

use super::clusters::{LABELS, PictureClusters};
use super::{Negatives, Simclr};
use ocelli_data::{ClusterBatches, ClusterRule, LoaderConfig, Source};
use ocelli_nn::graph::{Head, Projection};
use ocelli_nn::registry::ModelOptions;
use ocelli_train::{
    Examiner, ExaminerSetup, Method, MethodConfig, MethodKind, MethodSection, Neighbours, Result,
    Voting,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const SECTION: &str = "simclr";

/// The sampler that looks at no clusters.
const RANDOM: &str = "random";

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
    /// How batches are composed: `random`; or of few pictures of a cluster: `deal`, `strict` (one at most),
    /// `capped:N` (N at most), `paper`.
    pub sampler: String,
    /// The clusters: a file of `ocelli codebook kmeans`, or `labels`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clusters: Option<String>,
    /// What a view is told from: `all` others, or `masked`: those of other clusters.
    pub negatives: NegativesChoice,
}

/// What a view is told from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NegativesChoice {
    /// All other pictures' views.
    #[default]
    All,
    /// Those of pictures of other clusters. (An extension; no paper has it.)
    Masked,
}

impl Default for SimclrConfig {
    /// The paper's on ImageNet.
    fn default() -> Self {
        let Projection { widths, batch_norm } = Projection::default();
        Self {
            temperature: 0.1,
            widths,
            batch_norm,
            neighbours: 20,
            sampler: RANDOM.to_owned(),
            clusters: None,
            negatives: NegativesChoice::All,
        }
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
        let rule = rule(&config.sampler)
            .map_err(|expected| section.refuse("sampler", &config.sampler, expected))?;
        let is_guided = rule.is_some() || config.negatives == NegativesChoice::Masked;
        let clusters = match &config.clusters {
            Some(name) if is_guided => Some(PictureClusters::read(name)?),
            Some(name) => {
                let expected = "none, as simclr.sampler = \"random\" and all negatives need none";
                return Err(section.refuse("clusters", name, expected));
            }
            None if is_guided => {
                let expected = format!("a file of `ocelli codebook kmeans`, or \"{LABELS}\"");
                return Err(section.refuse("clusters", &"none", &expected));
            }
            None => None,
        };
        Ok(Box::new(Checked { config, rule, clusters }))
    }
}

/// How many pictures of a cluster a batch may have; `None` where clusters do not matter.
fn rule(sampler: &str) -> Result<Option<ClusterRule>, &'static str> {
    const EXPECTED: &str = "random, deal, strict, capped:N with N from 1 on, or paper";
    match sampler {
        RANDOM => Ok(None),
        "deal" => Ok(Some(ClusterRule::Deal)),
        "strict" => Ok(Some(ClusterRule::AtMost(1))),
        "paper" => Ok(Some(ClusterRule::Published)),
        other => {
            let most = other.strip_prefix("capped:").and_then(|most| most.parse().ok());
            let most = most.filter(|most| *most > 0).ok_or(EXPECTED)?;
            Ok(Some(ClusterRule::AtMost(most)))
        }
    }
}

/// A section whose values are possible.
#[derive(Clone, Debug)]
struct Checked {
    config: SimclrConfig,
    rule: Option<ClusterRule>,
    clusters: Option<PictureClusters>,
}

impl MethodConfig for Checked {
    fn section(&self) -> Result<Option<MethodSection>> {
        MethodSection::new(SECTION, &self.config).map(Some)
    }

    fn model_options(&self, options: ModelOptions) -> ModelOptions {
        let SimclrConfig { widths, batch_norm, .. } = self.config.clone();
        ModelOptions { head: Head::Projection(Projection { widths, batch_norm }), ..options }
    }

    fn loader(
        &self,
        config: LoaderConfig,
        parts: usize,
        source: &dyn Source,
    ) -> Result<LoaderConfig> {
        let config = LoaderConfig { views: 2, ..config };
        let Some(clusters) = &self.clusters else { return Ok(config) };
        let clusters = clusters.of(source)?;
        let Some(rule) = self.rule else { return Ok(config) };
        let sampler = ClusterBatches::new(&clusters, rule, config.batch_size * parts)?;
        Ok(LoaderConfig { sampler: Arc::new(sampler), ..config })
    }

    fn classifies(&self) -> bool {
        false
    }

    fn needs_classes(&self) -> bool {
        false
    }

    fn method(&self) -> Result<Box<dyn Method>> {
        let clusters = self.clusters.as_ref().and_then(PictureClusters::by_index);
        let negatives = match self.config.negatives {
            NegativesChoice::All => Negatives::All,
            NegativesChoice::Masked if clusters.is_some() => Negatives::OtherClusters,
            NegativesChoice::Masked => Negatives::OtherLabels,
        };
        Ok(Box::new(Simclr::new(self.config.temperature, negatives, clusters)))
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
        let voting = Voting::new(self.config.neighbours, 0.1)?;
        Ok(vec![Box::new(Neighbours::new(bank, queries, voting))])
    }
}
