//! The hyper-parameters of DQA: the section `[dqa]` of a recipe.

use super::layer::{prepare, quantized_layers};
use super::names::{PREFIX, SECTION};
use super::quantizer_lists::QuantizerList;
use super::settings::FLOAT_BITS;
use super::{Anneal, Dqa, DqaSettings, Harden, Regulariser, Scheme, Start, activations};
use globset::{Glob, GlobSet, GlobSetBuilder};
use ocelli_kernels::quantize::{FakeQuantizer, MAX_BRANCHES, Per, Quantizer, Zero};
use ocelli_nn::Network;
use ocelli_nn::graph::ActivationQuantizer;
use ocelli_train::{Method, MethodConfig, MethodKind, MethodSection, Result};
use serde::{Deserialize, Serialize};

/// What `[dqa]` may say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DqaConfig {
    /// How weights are quantized while they are trained.
    pub scheme: Scheme,
    /// Quantizers of weights, as in `min_max:2`, lowest first. The paper's are of 2, 4 and 8 bits.
    pub quantizers: Vec<String>,
    /// Quantizers of what layers read, as in `pact:2`, lowest first; none leaves it as it is.
    pub activations: Vec<String>,
    /// Whether the image is quantized as activations are.
    pub image: bool,
    /// The weight decay of the clips of `pact`.
    pub clip_decay: f64,
    /// Which weights share their levels.
    pub per: PerChoice,
    /// Whether zero is a level of `min_max`.
    pub zero: ZeroChoice,
    /// T before the first step and at the last.
    pub temperature: [f64; 2],
    /// g: what each quantizer costs.
    pub penalty: Vec<f64>,
    /// λ. The paper takes 1 to 30; 5 for min-max on CIFAR-10.
    pub lambda: f64,
    /// What the penalty is divided by.
    pub regulariser: Regulariser,
    /// Where α begins.
    pub start: Start,
    /// Whether α is divided by its deviation.
    pub normalise: bool,
    /// ω of Binary-Relax at the last step: 380 after the paper's 300 epochs.
    pub relax_end: f64,
    /// The rate of α over that of the weights. Its gradient is multiplied by it, which is the same for SGD.
    pub alpha_lr: f64,
    /// Which quantizer of a layer the network keeps that is scored and saved.
    pub harden: Harden,
    /// Layers that stay as they are: globs, as in `classifier` or `layer1.*`.
    pub keep: Vec<String>,
    /// On how many training images batch normalisations are measured anew once weights are hardened.
    pub bn_reestimate: u64,
}

impl Default for DqaConfig {
    /// The paper's for min-max on CIFAR-10.
    fn default() -> Self {
        Self {
            scheme: Scheme::Dqa,
            quantizers: ["min_max:2", "min_max:4", "min_max:8"].map(str::to_owned).to_vec(),
            activations: Vec::new(),
            image: false,
            clip_decay: 5e-4,
            per: PerChoice::Tensor,
            zero: ZeroChoice::Paper,
            temperature: [100.0, 0.03],
            penalty: vec![1.0, 4.0, 16.0],
            lambda: 5.0,
            regulariser: Regulariser::Literal,
            start: Start::Eq7,
            normalise: true,
            relax_end: 380.0,
            alpha_lr: 0.01,
            harden: Harden::Lowest,
            keep: Vec::new(),
            bn_reestimate: 0,
        }
    }
}

/// [`Per`] as recipes write it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PerChoice {
    /// All weights of a layer.
    #[default]
    Tensor,
    /// Those of an output channel.
    Channel,
}

/// [`Zero`] as recipes write it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZeroChoice {
    /// The lowest level is the smallest weight.
    #[default]
    Paper,
    /// Zero is a level.
    Aligned,
}

/// The section of a recipe that chooses quantized training.
#[derive(Clone, Copy, Debug)]
pub struct DqaKind;

impl MethodKind for DqaKind {
    fn section(&self) -> &'static str {
        SECTION
    }

    fn read(&self, section: &MethodSection) -> Result<Box<dyn MethodConfig>> {
        let config: DqaConfig = section.read()?;
        let settings = config.check(section)?;
        Ok(Box::new(Checked { config, settings }))
    }
}

impl DqaConfig {
    /// The settings, if all of them are possible.
    ///
    /// # Errors
    /// With the field of `section` that is not.
    pub fn check(&self, section: &MethodSection) -> Result<DqaSettings> {
        let quantizers = self.quantizers().of_scheme(self.scheme)?;
        let activations = match self.activations[..] {
            [] => Vec::new(),
            _ => self.activations().of_scheme(self.scheme)?,
        };
        let [start, end] = self.temperature;
        for (index, value) in [start, end].into_iter().enumerate() {
            within(section, &format!("temperature.{index}"), value, [1e-6, 1e6])?;
        }
        within(section, "lambda", self.lambda, [0.0, 1e6])?;
        within(section, "clip_decay", self.clip_decay, [0.0, 1.0])?;
        within(section, "alpha_lr", self.alpha_lr, [0.0, 1e3])?;
        within(section, "relax_end", self.relax_end, [1.0, 1e9])?;
        for (index, value) in self.penalty.iter().enumerate() {
            within(section, &format!("penalty.{index}"), *value, [0.0, 1e6])?;
        }
        if self.bn_reestimate > 10_000_000 {
            return Err(section.refuse(
                "bn_reestimate",
                &self.bn_reestimate,
                "0 to 10000000 images",
            ));
        }
        let scheme = self.scheme;
        let (count, list) = match (quantizers.len(), activations.len()) {
            (weights, activations) if activations > weights => (activations, "activations"),
            (weights, _) => (weights, "quantizers"),
        };
        let has_penalty =
            scheme == Scheme::Dqa && count > 1 && self.regulariser != Regulariser::Off;
        if has_penalty && self.penalty.len() != count {
            let expected = format!("{count} values, one for each of dqa.{list}");
            return Err(section.refuse("penalty", &format!("{:?}", self.penalty), &expected));
        }
        let penalty = self.penalty.iter().filter(|_| has_penalty).map(|cost| cost * self.lambda);
        Ok(DqaSettings {
            scheme,
            quantizers,
            activations,
            image: self.image,
            clip_decay: self.clip_decay,
            per: match self.per {
                PerChoice::Tensor => Per::Tensor,
                PerChoice::Channel => Per::Channel,
            },
            zero: match self.zero {
                ZeroChoice::Paper => Zero::Paper,
                ZeroChoice::Aligned => Zero::Aligned,
            },
            temperature: Anneal { start, end },
            omega: Anneal { start: 1.0, end: self.relax_end },
            penalty: penalty.collect(),
            by_layer_share: self.regulariser == Regulariser::LayerShare,
            start: self.start,
            normalise: self.normalise,
            alpha_lr: self.alpha_lr,
            harden: self.harden,
            keep: self.globs(section)?,
            keep_patterns: self.keep.clone(),
            bn_reestimate: self.bn_reestimate,
        })
    }

    fn quantizers(&self) -> QuantizerList<'_, Quantizer> {
        QuantizerList {
            field: "quantizers",
            texts: &self.quantizers,
            parse: |text| text.parse().map_err(|error| format!("{error}")),
            bits: Quantizer::bits,
            float: Quantizer::Float,
            without: "scheme = \"full_precision\" quantizes nothing",
            most: MAX_BRANCHES,
        }
    }

    fn activations(&self) -> QuantizerList<'_, ActivationQuantizer> {
        QuantizerList {
            field: "activations",
            texts: &self.activations,
            parse: |text| {
                text.parse().map_err(|error| match error {
                    ocelli_nn::Error::ModelOption { expected, .. } => expected,
                    other => other.to_string(),
                })
            },
            bits: |quantizer| quantizer.bits().unwrap_or(FLOAT_BITS),
            float: ActivationQuantizer::Float,
            without: "[] leaves activations as they are",
            most: FakeQuantizer::MOST,
        }
    }

    fn globs(&self, section: &MethodSection) -> Result<GlobSet> {
        let mut all = GlobSetBuilder::new();
        for (index, pattern) in self.keep.iter().enumerate() {
            let glob = Glob::new(pattern).map_err(|error| {
                section.refuse(
                    &format!("keep.{index}"),
                    pattern,
                    &format!("a glob: {}", error.kind()),
                )
            })?;
            all.add(glob);
        }
        all.build().map_err(|error| section.refuse("keep", &error, "globs"))
    }
}

fn within(section: &MethodSection, field: &str, value: f64, [low, high]: [f64; 2]) -> Result<()> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(section.refuse(field, &value, &format!("{low} to {high}")))
}

/// A section whose values are possible.
#[derive(Clone, Debug)]
struct Checked {
    config: DqaConfig,
    settings: DqaSettings,
}

impl MethodConfig for Checked {
    fn section(&self) -> Result<Option<MethodSection>> {
        MethodSection::new(SECTION, &self.config).map(Some)
    }

    fn prepare(&self, network: Network) -> Result<Network> {
        let network = network.without_free(PREFIX)?;
        let layers = quantized_layers(network.graph(), &self.settings)?;
        let network = activations::quantize(network, &self.settings)?;
        activations::prepare(prepare(network, &layers, &self.settings)?, &self.settings)
    }

    fn method(&self) -> Result<Box<dyn Method>> {
        Ok(Box::new(Dqa::new(self.settings.clone())))
    }
}
