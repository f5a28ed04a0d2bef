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

mod archive;
mod legacy;
mod rebuild;
mod sections;
mod storage;
mod zip;

pub(super) use legacy::{is_legacy, read as read_legacy};
pub(super) use zip::read as read_zip;

use super::{
    ReadOptions,
    error::{Result, WeightsError},
    pickle::Pickle,
    source::Source,
    state_dict::StateDict,
};
use sections::Section;
use storage::FindStorage;

/// Lists the tensors of every dictionary that has some, in the order of the file.
fn state_dict(
    source: &Source,
    options: &ReadOptions,
    pickle: &Pickle,
    storages: &FindStorage,
) -> Result<StateDict> {
    let found = sections::choose(source, options, pickle)?;
    let largest = found.iter().map(|section| section.tensors.len()).max();
    let mut budget = options.limits.tensors;
    let mut read: Vec<StateDict> = Vec::new();
    for section in &found {
        match tensors_of(section, source, options, pickle, storages, &mut budget) {
            Ok(dict) => read.push(dict),
            Err(error) if largest == Some(section.tensors.len()) && read.is_empty() => {
                return Err(error);
            }
            Err(error) => tracing::warn!("`{}` is passed over: {error}", section.path),
        }
    }
    Ok(StateDict::from_sections(read))
}

/// Lists the tensors of one dictionary.
fn tensors_of(
    section: &Section,
    source: &Source,
    options: &ReadOptions,
    pickle: &Pickle,
    storages: &FindStorage,
    budget: &mut usize,
) -> Result<StateDict> {
    let mut dict = StateDict::named(source.name());
    dict.set_location(&section.path, options.prefix.clone());
    for (name, value) in &section.tensors {
        if *budget == 0 {
            return Err(WeightsError::TooLarge {
                file: source.name().to_owned(),
                what: "number of tensors".to_owned(),
                actual: options.limits.tensors as u64 + 1,
                limit: options.limits.tensors as u64,
            });
        }
        *budget -= 1;
        dict.push(rebuild::tensor(source, pickle, storages, name, *value, &options.limits)?)?;
    }
    dict.checked(&options.limits)
}

#[cfg(test)]
mod tests;
