//! From any file of weights to one in our names, and from a network to a file.

use super::{
    DType, LoadReport, NonFinite, StateDict, TensorEntry, activations,
    error::{Result, WeightsError},
    fit::{Fit, Slot},
};
use crate::{
    Network,
    parameter::Role,
    registry::{Model, ModelOptions},
};
use std::{collections::HashSet, path::Path};

/// The keys of the metadata that Ocelli writes.
mod key {
    pub(super) const ARCH: &str = "arch";
    pub(super) const NUM_CLASSES: &str = "num_classes";
    pub(super) const VERSION: &str = "ocelli_version";
}

/// The tensors of a network, under its own names, and which of its activations are quantized. A mixture of
/// quantizers, which only a training has, is not described.
///
/// # Errors
/// Never for a network whose values have the length of their shapes.
pub fn state_dict(network: &Network) -> Result<StateDict> {
    let mut dict = StateDict::new();
    for (id, param) in network.params().iter() {
        let dtype = if param.spec.role == Role::BatchCount { DType::I64 } else { DType::F32 };
        let values = network.params().to_values(id);
        dict.push(TensorEntry::new(&param.spec.name, dtype, &param.spec.shape, values)?)?;
    }
    dict.metadata.insert(key::NUM_CLASSES.into(), network.graph().num_classes().to_string());
    dict.metadata.insert(key::VERSION.into(), env!("CARGO_PKG_VERSION").into());
    let activations = activations::describe(network.graph()).unwrap_or_default();
    dict.metadata.extend(activations.map(|text| (activations::KEY.to_owned(), text)));
    Ok(dict)
}

/// Writes a network of the architecture `arch` as a safetensors file: all of it, or nothing.
///
/// # Errors
/// When `path` cannot be written.
pub fn save(network: &Network, arch: &str, path: &Path) -> Result<()> {
    let mut dict = state_dict(network)?;
    dict.metadata.insert(key::ARCH.into(), arch.into());
    super::safetensors::write(&dict, path)
}

/// The tensors of `dict` under the names and in the layouts of `model`, with floating-point
/// numbers stored as `dtype`, if given; `options` are those with which the model was built
/// ([`options_of`](super::options_of) tells them of a file that does not). Elements that are
/// infinite or NaN, or become so in `dtype`, are kept and counted.
///
/// # Errors
/// [`WeightsError::OtherModel`] when the file is not of that model, and when it cannot be read.
pub fn convert(
    dict: &StateDict,
    model: &Model,
    options: &ModelOptions,
    dtype: Option<DType>,
) -> Result<(StateDict, LoadReport)> {
    dict.check_floats()?;
    let graph = model.graph(options).map_err(|error| WeightsError::Container {
        file: dict.file().to_owned(),
        reason: error.to_string(),
    })?;
    let graph = activations::of_file(&graph, dict)?.unwrap_or(graph);
    let fit = Fit::find(graph.params(), dict, None);
    let mut report = LoadReport::new(dict, &fit);
    let mut converted = StateDict::new();
    for (param, slot) in graph.params().iter().zip(&fit.slots) {
        report.note(param, slot);
    }
    if let Some(refusal) = report.refusal(dict, &HashSet::new()) {
        return Err(refusal);
    }
    for (param, slot) in graph.params().iter().zip(fit.slots) {
        let entry = match (slot, dtype) {
            (Slot::Fits(entry), Some(dtype)) if param.role != Role::BatchCount => {
                entry.with_dtype(dtype)?
            }
            (Slot::Fits(entry), _) => entry,
            (slot, _) => {
                let values = slot.values(TensorEntry::values)?;
                let of = if param.role == Role::BatchCount { DType::I64 } else { DType::F32 };
                let values = values.unwrap_or_else(|| vec![0.0; param.len()]);
                TensorEntry::new(&param.name, of, &param.shape, values)?
            }
        };
        let count = entry.non_finite()?;
        if count > 0 {
            let (name, of) = (param.name.clone(), param.len());
            report.non_finite.push(NonFinite { name, count, of });
        }
        converted.push(entry)?;
    }
    converted.metadata.insert(key::ARCH.into(), model.arch.into());
    converted.metadata.insert(key::NUM_CLASSES.into(), options.num_classes.to_string());
    converted.metadata.insert(key::VERSION.into(), env!("CARGO_PKG_VERSION").into());
    let activations = dict.metadata.get_key_value(activations::KEY);
    converted.metadata.extend(activations.map(|(key, text)| (key.clone(), text.clone())));
    Ok((converted, report))
}

#[cfg(test)]
mod tests;
