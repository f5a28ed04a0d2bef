//! Whose weights a file holds, told by the names and shapes of its tensors.

use super::{
    StateDict,
    error::{Result, WeightsError},
    fit::{Fit, Slot},
};
use crate::registry::{self, Model, ModelOptions};

/// Ten times as many as the largest network of the registry has: more are of none, and looking at each
/// for every network would take long.
const MOST_TENSORS: usize = 20_000;

/// The options under which `model` has the classes and the input channels of the file; the
/// published ones if the file does not tell.
pub fn options_of(dict: &StateDict, model: &Model) -> ModelOptions {
    let mut options = model.options();
    let Ok(graph) = model.graph(&options) else { return options };
    let head = graph.head().first().copied();
    let fit = Fit::find(graph.params(), dict, None);
    if let Some(Slot::MisShaped(misfit)) = head.map(|id| &fit.slots[id.index()]) {
        options.num_classes = misfit.file.first().copied().unwrap_or(options.num_classes).max(1);
    }
    if let Some(Slot::MisShaped(stem)) = fit.slots.first()
        && let ([outputs, channels, file @ ..], [same_outputs, _, model @ ..]) =
            (&stem.file[..], &stem.model[..])
        && (outputs, file) == (same_outputs, model)
    {
        options.in_channels = *channels;
    }
    options
}

/// The models of the registry whose tensors are exactly those of `dict`, whatever the number of
/// classes. Models that differ in no tensor, as in padding alone, come together, unless the file's
/// names are those of a project for which only one of them is right. If a checkpoint holds several
/// networks, the one with most tensors counts.
pub fn identify(dict: &StateDict) -> Vec<&'static Model> {
    if dict.sections().all(|section| section.len() > MOST_TENSORS) {
        return Vec::new();
    }
    let fitting: Vec<_> =
        registry::models().filter_map(|model| Some((fitting(dict, model)?, model))).collect();
    let most = fitting.iter().map(|(tensors, _)| *tensors).max();
    let largest = fitting.into_iter().filter(|(tensors, _)| Some(*tensors) == most);
    largest.map(|(_, model)| model).collect()
}

/// How many tensors of `dict` are those of `model`; `None` unless it has all and no others.
fn fitting(dict: &StateDict, model: &Model) -> Option<usize> {
    let graph = model.graph(&options_of(dict, model)).ok()?;
    let fit = Fit::find(graph.params(), dict, None);
    let is_of = |slot: &Slot| matches!(slot, Slot::Fits(_) | Slot::Colours(_) | Slot::Optional);
    let all = model.arch.starts_with(fit.flavour)
        && fit.unexpected.is_empty()
        && fit.slots.iter().all(is_of);
    all.then(|| fit.slots.iter().filter(|slot| !matches!(slot, Slot::Optional)).count())
}

/// The one model of the registry that `dict` is of.
///
/// # Errors
/// [`WeightsError::NoKnownModel`] when there is none, [`WeightsError::SeveralModels`] when the
/// tensors alone do not tell.
pub fn model_of(dict: &StateDict) -> Result<&'static Model> {
    let file = dict.file().to_owned();
    match identify(dict)[..] {
        [model] => Ok(model),
        [] => Err(WeightsError::NoKnownModel { file }),
        ref several => {
            let candidates = several.iter().map(|model| model.name()).collect();
            Err(WeightsError::SeveralModels { file, candidates })
        }
    }
}

#[cfg(test)]
mod tests;
