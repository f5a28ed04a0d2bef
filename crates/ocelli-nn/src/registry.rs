//! Every network by name.
//!
//! A name is `arch` or `arch.tag`, as in `resnet20_cifar.cifar10`. The architecture decides the
//! graph, the tag the weights for which the default image size, normalisation and class count are
//! right.

mod config;
mod models;

pub use config::{CropMode, DefaultConfig, Interpolation};
pub use models::models;

use crate::ghostify::{Ghost, ghostify};
use crate::graph::Graph;
use crate::{Error, Network, Result};
use burn::tensor::Device;
use globset::Glob;
use ocelli_random::Seed;
use serde::{Deserialize, Serialize};

/// What a user may choose about an architecture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelOptions {
    /// How many classes the classifier tells apart.
    pub num_classes: usize,
    /// 3 for colour images, 1 for grey ones.
    pub in_channels: usize,
    /// Dropout before the classifier; the paper's value if absent.
    pub dropout: Option<f64>,
    /// The largest probability of stochastic depth; none if absent.
    pub drop_path: Option<f64>,
    /// Whether the stem keeps the resolution, for images of about 32 pixels.
    pub small_input: bool,
    /// How convolutions become Ghost modules; they stay if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ghost: Option<Ghost>,
}

impl Default for ModelOptions {
    fn default() -> Self {
        Self {
            num_classes: 1000,
            in_channels: 3,
            dropout: None,
            drop_path: None,
            small_input: false,
            ghost: None,
        }
    }
}

/// The most classes that a network may tell apart. Together with [`MAX_CHANNELS`] it bounds what a
/// file or a command line can make us reserve or count.
const MAX_CLASSES: usize = 1 << 20;

/// The most channels that a network may take.
const MAX_CHANNELS: usize = 1 << 10;

impl ModelOptions {
    fn check(&self) -> Result<()> {
        let refuse = |option, value: String, expected: &str| Error::ModelOption {
            option,
            value,
            expected: expected.to_owned(),
        };
        for (option, value, most) in [
            ("num_classes", self.num_classes, MAX_CLASSES),
            ("in_channels", self.in_channels, MAX_CHANNELS),
        ] {
            if !(1..=most).contains(&value) {
                return Err(refuse(option, value.to_string(), &format!("1 to {most}")));
            }
        }
        for (option, value) in [("dropout", self.dropout), ("drop_path", self.drop_path)] {
            if let Some(value) = value.filter(|value| !(0.0..1.0).contains(value)) {
                return Err(refuse(option, value.to_string(), "from 0 to below 1"));
            }
        }
        Ok(())
    }
}

/// A network that the registry knows.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// The architecture, as in `ghostnet_100`.
    pub arch: &'static str,
    /// The weights for which `config` is right; empty for the architecture itself.
    pub tag: &'static str,
    /// The family, as in `ghostnet`.
    pub family: &'static str,
    /// How images are prepared and how many classes there are, unless the user says otherwise.
    pub config: DefaultConfig,
    /// Whether its convolutions are Ghost modules, as the options say or else the paper.
    ghost: bool,
    build: fn(&ModelOptions) -> Graph,
}

impl Model {
    /// `arch` or `arch.tag`.
    pub fn name(&self) -> String {
        if self.tag.is_empty() {
            self.arch.to_owned()
        } else {
            format!("{}.{}", self.arch, self.tag)
        }
    }

    /// The options of the published network.
    pub fn options(&self) -> ModelOptions {
        ModelOptions { num_classes: self.config.num_classes, ..ModelOptions::default() }
    }

    /// The operations of the network.
    ///
    /// # Errors
    /// When an option has an impossible value.
    pub fn graph(&self, options: &ModelOptions) -> Result<Graph> {
        options.check()?;
        let graph = (self.build)(options);
        match options.ghost.clone().or_else(|| self.ghost.then(Ghost::default)) {
            Some(ghost) => ghostify(&graph, &ghost),
            None => Ok(graph),
        }
    }

    /// The network with first values drawn from `seed`.
    ///
    /// # Errors
    /// When an option has an impossible value.
    pub fn network(&self, options: &ModelOptions, seed: Seed, device: &Device) -> Result<Network> {
        Ok(Network::new(self.graph(options)?, seed, device))
    }
}

/// The model called `name`.
///
/// # Errors
/// [`Error::UnknownModel`] with the nearest known name.
pub fn find(name: &str) -> Result<&'static Model> {
    models().find(|model| model.name() == name).ok_or_else(|| {
        let distance = |model: &Model| strsim::jaro_winkler(&model.name(), name);
        let nearest = models().max_by(|a, b| distance(a).total_cmp(&distance(b)));
        Error::UnknownModel {
            name: name.to_owned(),
            nearest: nearest.filter(|model| distance(model) > 0.7).map(Model::name),
        }
    })
}

/// The models whose name matches a glob `pattern`, as in `ghostnet_*`.
///
/// # Errors
/// When the pattern is malformed.
pub fn filter(pattern: &str) -> Result<Vec<&'static Model>> {
    let malformed = |e: globset::Error| Error::Pattern {
        pattern: pattern.to_owned(),
        reason: e.kind().to_string(),
    };
    let glob = Glob::new(pattern).map_err(malformed)?.compile_matcher();
    Ok(models().filter(|model| glob.is_match(model.name())).collect())
}
