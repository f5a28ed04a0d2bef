//! Every network by name.
//!
//! A name is `arch` or `arch.tag`, as in `resnet20_cifar.cifar10`. The architecture decides the
//! graph, the tag the weights for which the default image size, normalisation and class count are
//! right.

mod config;
mod model;
mod models;
mod one_pixel;
mod options;
mod published;

pub use config::DefaultConfig;
pub use model::Model;
pub use models::models;
pub use ocelli_common::{CropMode, Interpolation};
pub use options::ModelOptions;
pub use published::{Published, PublishedAccuracy, PublishedWeights};

use crate::{Error, Result};
use globset::Glob;
use ocelli_common::likeness;

/// The model called `name`: one of [`models`], or `efficientnetv2`, which is whatever
/// [`ModelOptions::layout`] describes.
///
/// # Errors
/// [`Error::UnknownModel`] with the nearest known name.
pub fn find(name: &str) -> Result<&'static Model> {
    let known = || models().chain([&models::DESCRIBED]);
    known().find(|model| model.name() == name).ok_or_else(|| {
        let distance = |model: &Model| likeness(&model.name(), name);
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
