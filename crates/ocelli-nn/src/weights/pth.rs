//! PyTorch's `.pth` files: a pickle that describes tensors, and the storages that it points to.
//!
//! Two containers are read: the zip of PyTorch 1.6 and later ([`zip`]), and the sequence of pickles
//! and raw storages before it ([`legacy`]), as the CIFAR networks of the akamaster project have it.
//!
//! # Why our own reader
//! `burn-store` 0.22.1 reads both containers through the crate `pytorch-reader`, which is careful
//! with sizes too. It was not taken because it
//! - accepts a call of any function that no tensor depends on (`os.system` becomes an opaque
//!   value), where we promise an allow list that names what it refuses;
//! - forgets the order of the tensors, which are kept in a hash map;
//! - opens paths only, so that a fuzz target would go through files on disk;
//! - has fixed limits, of 10 GiB for one tensor and none for all together.
//!
//! What it also reads, whole models and the tar of PyTorch before 0.1.10, is refused here.

mod legacy;
mod rebuild;
mod zip;

pub(super) use legacy::{is_legacy, read as read_legacy};
pub(super) use zip::read as read_zip;

use super::{
    ReadOptions,
    dtype::DType,
    error::{Result, WeightsError},
    pickle::{Pickle, Value, ValueId},
    source::Source,
    state_dict::StateDict,
};
use std::collections::HashMap;

/// Where the storages of a file lie, by their keys.
type Storages = HashMap<String, Span>;

/// The bytes of one storage.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: u64,
    length: u64,
}

/// A storage as the pickle refers to it.
#[derive(Clone, Copy, Debug)]
struct StorageId<'a> {
    key: &'a str,
    dtype: DType,
    elements: usize,
}

impl<'a> StorageId<'a> {
    /// Reads the tuple `("storage", type, key, device, elements[, view])`.
    fn of(pickle: &'a Pickle, tuple: ValueId) -> Option<Self> {
        let [tag, dtype, key, _device, elements, view @ ..] = pickle.tuple(tuple)? else {
            return None;
        };
        let Value::Global(super::pickle::Global::Storage(dtype)) = pickle.get(*dtype) else {
            return None;
        };
        // PyTorch stopped writing views of storages long ago, but still writes the place for them.
        let whole = view.iter().all(|view| matches!(pickle.get(*view), Value::None));
        if pickle.text(*tag) != Some("storage") || !whole {
            return None;
        }
        Some(Self { key: pickle.text(*key)?, dtype: *dtype, elements: pickle.size(*elements)? })
    }
}

/// The keys under which checkpoints keep their tensors, in the order in which they are tried.
const SECTIONS: &[&str] =
    &["state_dict_ema", "model_ema", "ema", "state_dict", "model_state_dict", "model", "net"];

/// The key of the metadata that says which section was read.
const SECTION_KEY: &str = "section";

/// Finds the dictionary of tensors and lists its entries in order.
fn state_dict(
    source: &Source,
    options: &ReadOptions,
    pickle: &Pickle,
    storages: &Storages,
) -> Result<StateDict> {
    let Value::Dict(root) = pickle.root() else {
        return Err(WeightsError::Container {
            file: source.name().to_owned(),
            reason: format!("the file holds {}, not a dictionary", pickle.root().kind()),
        });
    };
    let (section, pairs) = find_section(source, options, pickle, root)?;
    let mut dict = StateDict::named(source.name());
    if let Some(section) = section {
        dict.metadata.insert(SECTION_KEY.to_owned(), section.to_owned());
    }
    // A key that is set twice keeps its place and takes the last value, as in Python.
    let mut order = Vec::new();
    let mut tensors = HashMap::new();
    for (key, value) in pairs {
        let Some(name) = pickle.text(*key) else { continue };
        if !rebuild::is_tensor(pickle, *value) {
            continue;
        }
        if tensors.insert(name, *value).is_none() {
            order.push(name);
        }
    }
    for name in order {
        dict.push(rebuild::tensor(source, pickle, storages, name, tensors[name])?)?;
    }
    dict.checked(&options.limits)
}

type Pairs = [(ValueId, ValueId)];

/// The dictionary that holds the tensors: the root, or one of its sections.
fn find_section<'a>(
    source: &Source,
    options: &'a ReadOptions,
    pickle: &'a Pickle,
    root: &'a Pairs,
) -> Result<(Option<&'a str>, &'a Pairs)> {
    let has_tensors = |pairs: &Pairs| pairs.iter().any(|(_, id)| rebuild::is_tensor(pickle, *id));
    let section = |key: &str| {
        let (_, id) = root.iter().rev().find(|(name, _)| pickle.text(*name) == Some(key))?;
        match pickle.get(*id) {
            Value::Dict(pairs) if has_tensors(pairs) => Some(pairs.as_slice()),
            _ => None,
        }
    };
    let found = match &options.section {
        Some(wanted) => section(wanted).map(|pairs| (Some(wanted.as_str()), pairs)),
        None if has_tensors(root) => Some((None, root)),
        None => SECTIONS.iter().find_map(|key| Some((Some(*key), section(key)?))),
    };
    found.ok_or_else(|| WeightsError::NoStateDict {
        file: source.name().to_owned(),
        section: options.section.clone(),
        keys: root.iter().filter_map(|(key, _)| pickle.text(*key)).map(str::to_owned).collect(),
    })
}

#[cfg(test)]
mod tests;
