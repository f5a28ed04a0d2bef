//! A network that the registry knows, and how it is built.

use super::config::DefaultConfig;
use super::options::{ModelOptions, refuse};
use super::published::{self, Published};
use crate::backbones::efficientnetv2::{Layout, efficientnetv2};
use crate::ghostify::{Ghost, ghostify};
use crate::graph::Graph;
use crate::parameter::ParamSpec;
use crate::{Network, Result};
use burn::tensor::Device;
use ocelli_random::Seed;

/// How the operations of a network are found.
#[derive(Clone, Copy, Debug)]
pub(super) enum Build {
    /// By a function of the options.
    Graph(fn(&ModelOptions) -> Graph),
    /// By the published table of an EfficientNetV2.
    Layout(fn() -> Layout),
    /// By the table in the options.
    Described,
}

/// The name that stands for any table of stages.
pub(super) const DESCRIBED_ARCH: &str = "efficientnetv2";

/// A network that a function of the options builds.
pub(super) const fn model(
    arch: &'static str,
    family: &'static str,
    config: DefaultConfig,
    build: fn(&ModelOptions) -> Graph,
) -> Model {
    Model { arch, tag: "", family, config, ghost: false, build: Build::Graph(build) }
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
    pub(super) ghost: bool,
    pub(super) build: Build,
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
        Err(refuse("layout", &value, &format!("the model `{DESCRIBED_ARCH}`")))
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
