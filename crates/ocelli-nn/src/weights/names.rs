//! Names of the same tensors in other projects' files.
//!
//! A network's own names are those of timm (and of akamaster's CIFAR ResNets). A [`Scheme`] says
//! where another project keeps each of them; the tables are in [`tables`].
//!
//! | scheme | files | differs in |
//! | --- | --- | --- |
//! | `own` | timm, official GhostNet, torchvision's ResNets, akamaster | nothing |
//! | `torchvision_efficientnetv2` | torchvision | names |
//! | `torchvision_mobilenetv2` | torchvision | names |
//! | `efficientnet_pytorch` | EfficientNet-PyTorch and its Lite variants | names |
//! | `google_efficientnetv2` | TensorFlow variables of google/automl | names and layouts |
//! | `keras_efficientnetv2` | `keras.applications` | names and layouts |
//! | `keras` | any Keras model with layers like `conv2d_1` | leaves and layouts |
//!
//! The schemes are driven by the network, not by the file: each parameter is asked where it would
//! be. The scheme that finds most of them is the file's.

pub(super) mod keras;
mod layout;
mod tables;

pub(super) use layout::Layout;
pub(super) use tables::SCHEMES;

use crate::parameter::{ParamSpec, Role};
use std::collections::HashMap;

/// Where another project keeps the tensors of a network.
pub(super) struct Scheme {
    pub name: &'static str,
    /// What the names of the architectures begin with whose conventions are this project's.
    pub flavour: &'static str,
    /// The convolution and the normalisation of the stem.
    stem: [&'static str; 2],
    /// What the names of a block begin with.
    block: fn(BlockPosition) -> String,
    /// The modules of a block: our name, their name.
    parts: fn(BlockKind) -> &'static [(&'static str, &'static str)],
    /// What the names of the last convolution and its normalisation are.
    head: fn(Extent) -> [String; 2],
    classifier: &'static str,
    /// The last part of the name and the order of the axes, for a module and a parameter.
    leaf: fn(&str, &ParamSpec) -> (&'static str, Layout),
    /// How names of the file become those of the tables, unless they are the same.
    pub canonical: Option<Canonical>,
}

/// A name of a file as the tables have it, and whether it is preferred to others that come out the
/// same.
pub(super) type Canonical = fn(&str) -> (String, bool);

/// Where a block stands, counted from zero.
#[derive(Clone, Copy)]
struct BlockPosition {
    stage: usize,
    /// In its stage.
    block: usize,
    /// In the network.
    index: usize,
}

/// How many stages and blocks a network has.
#[derive(Clone, Copy, Default)]
struct Extent {
    stages: usize,
    blocks: usize,
}

/// The kind of an inverted bottleneck, which its modules tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BlockKind {
    /// One convolution.
    Plain,
    /// Dense expansion and projection.
    Fused,
    /// Depthwise convolution and projection.
    Separable,
    /// Expansion, depthwise convolution and projection.
    Inverted,
}

/// The name and layout of a parameter in a file of another project.
pub(super) struct Alias {
    pub name: String,
    pub layout: Layout,
}

impl Scheme {
    /// Where each of `params` would be; `None` if the scheme does not know the network.
    pub(super) fn aliases(&self, params: &[ParamSpec]) -> Option<Vec<Alias>> {
        let blocks = Blocks::from_params(params)?;
        params.iter().map(|param| self.alias(param, &blocks)).collect()
    }

    fn alias(&self, param: &ParamSpec, blocks: &Blocks) -> Option<Alias> {
        // What a method added has one name everywhere.
        if matches!(param.role, Role::Coefficient | Role::Range) {
            return Some(Alias { name: param.name.clone(), layout: Layout::Own });
        }
        let (module, _) = param.name.rsplit_once('.')?;
        let theirs = match module {
            "conv_stem" => self.stem[0].to_owned(),
            "bn1" => self.stem[1].to_owned(),
            "conv_head" => (self.head)(blocks.extent)[0].clone(),
            "bn2" => (self.head)(blocks.extent)[1].clone(),
            "classifier" => self.classifier.to_owned(),
            _ => {
                let (prefix, part) = split_block(module)?;
                let (position, kind) = blocks.by_prefix.get(prefix)?;
                let (_, theirs) = (self.parts)(*kind).iter().find(|(ours, _)| *ours == part)?;
                format!("{}{theirs}", (self.block)(*position))
            }
        };
        let (leaf, layout) = (self.leaf)(module, param);
        Some(Alias { name: format!("{theirs}{leaf}"), layout })
    }
}

/// The blocks of a network, by their prefix as in `blocks.0.0`.
struct Blocks<'a> {
    by_prefix: HashMap<&'a str, (BlockPosition, BlockKind)>,
    extent: Extent,
}

impl<'a> Blocks<'a> {
    fn from_params(params: &'a [ParamSpec]) -> Option<Self> {
        let mut modules: HashMap<&str, Vec<&str>> = HashMap::new();
        let mut order = Vec::new();
        for param in params {
            let Some((module, _)) = param.name.rsplit_once('.') else { continue };
            let Some((prefix, part)) = split_block(module) else { continue };
            modules.entry(prefix).or_insert_with(|| {
                order.push(prefix);
                Vec::new()
            });
            modules.get_mut(prefix)?.push(part);
        }
        let mut blocks = Self { by_prefix: HashMap::new(), extent: Extent::default() };
        for (index, prefix) in order.into_iter().enumerate() {
            let mut indices = prefix.split('.').skip(1).map(str::parse);
            let (stage, block) = (indices.next()?.ok()?, indices.next()?.ok()?);
            let position = BlockPosition { stage, block, index };
            blocks.by_prefix.insert(prefix, (position, BlockKind::from_modules(&modules[prefix])));
            blocks.extent = Extent { stages: stage + 1, blocks: index + 1 };
        }
        (blocks.extent.blocks > 0).then_some(blocks)
    }
}

impl BlockKind {
    fn from_modules(modules: &[&str]) -> Self {
        if modules.contains(&"conv_exp") {
            Self::Fused
        } else if modules.contains(&"conv_pwl") {
            Self::Inverted
        } else if modules.contains(&"conv_dw") {
            Self::Separable
        } else {
            Self::Plain
        }
    }
}

/// `blocks.1.2.se.conv_reduce` → `blocks.1.2` and `se.conv_reduce`.
fn split_block(module: &str) -> Option<(&str, &str)> {
    let rest = module.strip_prefix("blocks.")?;
    let stage = rest.find('.')?;
    let block = rest[stage + 1..].find('.')?;
    let end = "blocks.".len() + stage + 1 + block;
    Some((&module[..end], &module[end + 1..]))
}

/// The leaves of PyTorch, and its layouts.
fn torch_leaf(_module: &str, param: &ParamSpec) -> (&'static str, Layout) {
    let leaf = match param.role {
        Role::Weight | Role::NormScale => ".weight",
        Role::Bias | Role::NormShift => ".bias",
        Role::RunningMean => ".running_mean",
        Role::RunningVar => ".running_var",
        Role::BatchCount => ".num_batches_tracked",
        Role::Coefficient | Role::Range => "",
    };
    (leaf, Layout::Own)
}

/// The leaves of TensorFlow, and its layouts. A batch count has no place there.
fn tensorflow_leaf(module: &str, param: &ParamSpec) -> (&'static str, Layout) {
    match param.role {
        Role::Weight if module == "classifier" => ("/kernel", Layout::InOut),
        Role::Weight if module.ends_with("conv_dw") => ("/depthwise_kernel", Layout::Depthwise),
        Role::Weight => ("/kernel", Layout::Hwio),
        Role::Bias => ("/bias", Layout::Own),
        Role::NormScale => ("/gamma", Layout::Own),
        Role::NormShift => ("/beta", Layout::Own),
        Role::RunningMean => ("/moving_mean", Layout::Own),
        Role::RunningVar => ("/moving_variance", Layout::Own),
        Role::BatchCount => ("/num_batches_tracked", Layout::Own),
        Role::Coefficient | Role::Range => ("", Layout::Own),
    }
}

#[cfg(test)]
mod parity;
#[cfg(test)]
mod tests;
