//! The safetensors format: a JSON header, then the elements.
//!
//! What a network says about itself (architecture, classes, version) travels in the header under
//! the one key `ocelli`, as JSON text with sorted keys. One key, because the header stores a hash
//! map and two keys would come out in another order each time: equal weights are equal files.

use super::{
    Limits,
    dtype::DType,
    error::{Result, WeightsError},
    source::Source,
    state_dict::StateDict,
    tensor_entry::TensorEntry,
    view::View,
};
use safetensors::{
    Dtype as Stored,
    tensor::{Metadata, View as Encode},
};
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    path::Path,
};

/// The key of the header under which our own metadata stands.
const METADATA_KEY: &str = "ocelli";

/// Bytes before the header: its length.
const PREFIX: u64 = 8;

pub(super) fn read(source: &Source, limits: &Limits) -> Result<StateDict> {
    let prefix = source.read(0, PREFIX, "the length of the header")?;
    let length = prefix.iter().rev().fold(0_u64, |sum, &byte| (sum << 8) | u64::from(byte));
    if length > limits.header_bytes {
        return Err(WeightsError::TooLarge {
            file: source.name().to_owned(),
            what: "bytes of the header".to_owned(),
            actual: length,
            limit: limits.header_bytes,
        });
    }
    let header = source.read(PREFIX, length, "the header")?;
    let malformed =
        |reason: String| WeightsError::Header { file: source.name().to_owned(), reason };
    // Checks that the tensors lie one behind the other, each as long as its shape says.
    let header: Metadata =
        serde_json::from_slice(&header).map_err(|error| malformed(error.to_string()))?;

    let start = PREFIX + length;
    let end = start.saturating_add(header.data_len() as u64);
    if end > source.len() {
        return Err(WeightsError::Truncated {
            file: source.name().to_owned(),
            what: "the last tensor".to_owned(),
            expected: end,
            actual: source.len(),
        });
    }
    if end < source.len() {
        return Err(malformed(format!("{} bytes belong to no tensor", source.len() - end)));
    }

    let mut dict = StateDict::named(source.name());
    dict.metadata = read_metadata(header.metadata().as_ref());
    for name in header.offset_keys() {
        let Some(info) = header.info(&name) else { continue };
        let dtype = from_stored(info.dtype).ok_or_else(|| {
            dict.tensor_error(&name, format!("elements of type {} are not read", info.dtype))
        })?;
        let view = View::contiguous(&info.shape).ok_or_else(|| {
            dict.tensor_error(&name, format!("shape {:?} is too large", info.shape))
        })?;
        let begin = start + info.data_offsets.0 as u64;
        dict.push(TensorEntry::stored(name.into(), dtype, view, source, begin))?;
    }
    dict.checked(limits)
}

/// The header's own keys, with those of [`METADATA_KEY`] taken out of their JSON text.
fn read_metadata(header: Option<&HashMap<String, String>>) -> BTreeMap<String, String> {
    let mut metadata: BTreeMap<String, String> =
        header.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect();
    if let Some(text) = metadata.remove(METADATA_KEY) {
        match serde_json::from_str::<BTreeMap<String, String>>(&text) {
            Ok(ours) => metadata.extend(ours),
            Err(_) => metadata.extend([(METADATA_KEY.to_owned(), text)]),
        }
    }
    metadata
}

/// The bytes of a safetensors file. The same tensors and metadata always give the same bytes.
///
/// # Errors
/// When an entry's own file cannot be read.
pub fn to_bytes(dict: &StateDict) -> Result<Vec<u8>> {
    let tensors: Vec<(&str, Encoded)> = dict
        .iter()
        .map(|entry| Ok((entry.name(), Encoded { entry, values: entry.values()? })))
        .collect::<Result<_>>()?;
    let header = (!dict.metadata.is_empty())
        .then(|| serde_json::to_string(&dict.metadata))
        .transpose()
        .map_err(|error| invalid(dict, &error))?
        .map(|text| HashMap::from([(METADATA_KEY.to_owned(), text)]));
    safetensors::serialize(tensors, header).map_err(|error| invalid(dict, &error))
}

/// Writes a safetensors file: all of it, or nothing.
///
/// # Errors
/// When an entry's own file cannot be read, or `path` cannot be written.
pub fn write(dict: &StateDict, path: &Path) -> Result<()> {
    let bytes = to_bytes(dict)?;
    ocelli_common::write_whole(path, &bytes).map_err(|error| WeightsError::io(path, error))
}

fn invalid(dict: &StateDict, reason: &impl ToString) -> WeightsError {
    WeightsError::Header { file: dict.file().to_owned(), reason: reason.to_string() }
}

struct Encoded<'a> {
    entry: &'a TensorEntry,
    values: Vec<f32>,
}

impl Encode for Encoded<'_> {
    fn dtype(&self) -> Stored {
        to_stored(self.entry.dtype())
    }

    fn shape(&self) -> &[usize] {
        self.entry.shape()
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.entry.dtype().encode(&self.values).into()
    }

    fn data_len(&self) -> usize {
        self.values.len() * self.entry.dtype().size()
    }
}

fn from_stored(dtype: Stored) -> Option<DType> {
    Some(match dtype {
        Stored::F64 => DType::F64,
        Stored::F32 => DType::F32,
        Stored::F16 => DType::F16,
        Stored::BF16 => DType::BF16,
        Stored::I64 => DType::I64,
        Stored::I32 => DType::I32,
        Stored::I16 => DType::I16,
        Stored::I8 => DType::I8,
        Stored::U8 => DType::U8,
        Stored::BOOL => DType::Bool,
        _ => return None,
    })
}

fn to_stored(dtype: DType) -> Stored {
    match dtype {
        DType::F64 => Stored::F64,
        DType::F32 => Stored::F32,
        DType::F16 => Stored::F16,
        DType::BF16 => Stored::BF16,
        DType::I64 => Stored::I64,
        DType::I32 => Stored::I32,
        DType::I16 => Stored::I16,
        DType::I8 => Stored::I8,
        DType::U8 => Stored::U8,
        DType::Bool => Stored::BOOL,
    }
}

#[cfg(test)]
mod tests;
