//! Every network by name.
//!
//! A name is `arch` or `arch.tag`, as in `resnet20_cifar.cifar10`. The architecture decides the
//! graph, the tag the weights for which the default image size, normalisation and class count are
//! right.

mod config;
mod models;
mod one_pixel;
mod published;

pub use config::{CropMode, DefaultConfig, Interpolation};
pub use models::models;
pub use published::{Published, PublishedAccuracy, PublishedWeights};

use crate::backbones::efficientnetv2::{Layout, efficientnetv2};
use crate::ghostify::{Ghost, ghostify};
use crate::graph::{Graph, Head};
use crate::parameter::ParamSpec;
use crate::{Error, Network, Result};
use burn::tensor::Device;
use globset::Glob;
use ocelli_random::Seed;
use serde::{Deserialize, Serialize};
use std::fmt::Display;

/// What a user may choose about an architecture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelOptions {
    /// How many classes the classifier tells apart.
    pub num_classes: usize,
    /// 3 for colour images, 1 for grey ones.
    pub in_channels: usize,
    /// Dropout before the classifier and wherever else the network has any; the paper's values if
    /// absent.
    pub dropout: Option<f64>,
    /// The largest probability of stochastic depth; none if absent.
    pub drop_path: Option<f64>,
    /// Whether the stem keeps the resolution, for images of about 32 pixels.
    pub small_input: bool,
    /// How convolutions become Ghost modules; they stay if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ghost: Option<Ghost>,
    /// The stages of `efficientnetv2`, which is no network without them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
    /// What stands after the pooled features.
    #[serde(skip_serializing_if = "Head::is_linear")]
    pub head: Head,
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
            layout: None,
            head: Head::Linear,
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
        for (option, value, most) in [
            ("num_classes", self.num_classes, MAX_CLASSES),
            ("in_channels", self.in_channels, MAX_CHANNELS),
        ] {
            if !(1..=most).contains(&value) {
                return Err(refuse(option, &value, &format!("1 to {most}")));
            }
        }
        for (option, value) in [("dropout", self.dropout), ("drop_path", self.drop_path)] {
            if let Some(value) = value.filter(|value| !(0.0..1.0).contains(value)) {
                return Err(refuse(option, &value, "from 0 to below 1"));
            }
        }
        Ok(())
    }
}

fn refuse(option: &str, value: &dyn Display, expected: &str) -> Error {
    Error::ModelOption {
        option: option.to_owned(),
        value: value.to_string(),
        expected: expected.to_owned(),
    }
}

/// How the operations of a network are found.
#[derive(Clone, Copy, Debug)]
enum Build {
    /// By a function of the options.
    Graph(fn(&ModelOptions) -> Graph),
    /// By the published table of an EfficientNetV2.
    Layout(fn() -> Layout),
    /// By the table in the options.
    Described,
}

/// The most parameters of a network that is described by a table.
const MAX_PARAMS: usize = 1 << 32;

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
    build: Build,
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

    /// What others have published of the network: trained weights, and how good they are.
    pub fn published(&self) -> Option<&'static Published> {
        published::published(self.arch)
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
        let graph = match self.build {
            Build::Graph(build) => self.without_layout(options).map(|()| build(options))?,
            Build::Layout(layout) => {
                self.without_layout(options).map(|()| efficientnetv2(&layout(), options))?
            }
            Build::Described => described(self.given_layout(options)?, options)?,
        };
        let graph = match options.ghost.clone().or_else(|| self.ghost.then(Ghost::default)) {
            Some(ghost) => ghostify(&graph, &ghost)?,
            None => graph,
        };
        graph.with_head(&options.head)
    }

    /// The table of stages of an EfficientNetV2, its own or that of the options; `None` for other
    /// families.
    ///
    /// # Errors
    /// When the options describe another network than the one of this name, none although the name
    /// stands for any, or one with an impossible field.
    pub fn layout(&self, options: &ModelOptions) -> Result<Option<Layout>> {
        match self.build {
            Build::Graph(_) => self.without_layout(options).map(|()| None),
            Build::Layout(layout) => self.without_layout(options).map(|()| Some(layout())),
            Build::Described => self.given_layout(options).cloned().map(Some),
        }
    }

    fn without_layout(&self, options: &ModelOptions) -> Result<()> {
        if options.layout.is_none() {
            return Ok(());
        }
        let value = format!("a table for `{}`", self.name());
        Err(refuse("layout", &value, &format!("the model `{}`", models::DESCRIBED.arch)))
    }

    fn given_layout<'a>(&self, options: &'a ModelOptions) -> Result<&'a Layout> {
        let Some(layout) = &options.layout else {
            let expected = format!("a table of stages for `{}`", self.arch);
            return Err(refuse("layout", &"none", &expected));
        };
        layout.check().map(|()| layout)
    }

    /// The network with first values drawn from `seed`.
    ///
    /// # Errors
    /// When an option has an impossible value.
    pub fn network(&self, options: &ModelOptions, seed: Seed, device: &Device) -> Result<Network> {
        Ok(Network::new(self.graph(options)?, seed, device))
    }
}

/// The graph of a table whose fields are possible one by one.
fn described(layout: &Layout, options: &ModelOptions) -> Result<Graph> {
    let graph = efficientnetv2(layout, options);
    let params: usize = graph.params().iter().map(ParamSpec::len).sum();
    if params > MAX_PARAMS {
        let value = format!("{params} parameters");
        return Err(refuse("layout", &value, &format!("at most {MAX_PARAMS}")));
    }
    Ok(graph)
}

/// The model called `name`: one of [`models`], or `efficientnetv2`, which is whatever
/// [`ModelOptions::layout`] describes.
///
/// # Errors
/// [`Error::UnknownModel`] with the nearest known name.
pub fn find(name: &str) -> Result<&'static Model> {
    let known = || models().chain([&models::DESCRIBED]);
    known().find(|model| model.name() == name).ok_or_else(|| {
        let distance = |model: &Model| strsim::jaro_winkler(&model.name(), name);
        let nearest = known().max_by(|a, b| distance(a).total_cmp(&distance(b)));
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
