//! Tensors from the calls that a pickle records.

use super::storage::{FindStorage, StorageId};
use crate::weights::{
    Limits,
    error::{Result, WeightsError},
    pickle::{Global, Pickle, Value, ValueId},
    source::Source,
    tensor_entry::TensorEntry,
    view::View,
};
use std::sync::Arc;

/// Whether the value at `id` is a tensor or a parameter.
pub(super) fn is_tensor(pickle: &Pickle, id: ValueId) -> bool {
    matches!(pickle.get(id), Value::Call(..))
}

/// The tensor at `id`, under `name`.
pub(super) fn tensor(
    source: &Source,
    pickle: &Pickle,
    storages: &FindStorage,
    name: &Arc<str>,
    id: ValueId,
    limits: &Limits,
) -> Result<TensorEntry> {
    let fail = |reason: String| WeightsError::Tensor {
        file: source.name().to_owned(),
        name: name.to_string(),
        reason,
    };
    if name.len() > limits.name_bytes {
        return Err(WeightsError::TooLarge {
            file: source.name().to_owned(),
            what: format!("bytes of the name of a tensor, `{}…`", start_of(name)),
            actual: name.len() as u64,
            limit: limits.name_bytes as u64,
        });
    }
    let (storage, view) = view(pickle, id, limits).map_err(fail)?;
    let span = storages(storage.key)?
        .ok_or_else(|| fail(format!("its storage `{}` is not in the file", storage.key)))?;
    let length = (storage.elements as u64).checked_mul(storage.dtype.size() as u64);
    if length != Some(span.length) {
        return Err(fail(format!(
            "its storage `{}` should hold {} elements of {}, but has {} bytes",
            storage.key, storage.elements, storage.dtype, span.length
        )));
    }
    Ok(TensorEntry::stored(Arc::clone(name), storage.dtype, view, source, span.start))
}

/// The storage of a tensor, and which of its elements the tensor shows.
fn view<'a>(
    pickle: &'a Pickle,
    id: ValueId,
    limits: &Limits,
) -> Result<(StorageId<'a>, View), String> {
    let malformed = || "its description is malformed".to_owned();
    let arguments = arguments(pickle, id).ok_or_else(malformed)?;
    // storage, offset, shape, strides; then gradients and hooks, which are of no interest.
    let [storage, offset, shape, strides, ..] = arguments else { return Err(malformed()) };
    let Value::Persistent(tuple) = pickle.get(*storage) else { return Err(malformed()) };
    let storage =
        StorageId::from_tuple(pickle, *tuple).ok_or("its storage is of an unknown kind")?;
    for sizes in [shape, strides] {
        let axes = pickle.tuple(*sizes).ok_or_else(malformed)?.len();
        if axes > limits.axes {
            return Err(format!("{axes} axes, more than {}", limits.axes));
        }
    }
    let sizes = |id: ValueId| -> Option<Vec<usize>> {
        pickle.tuple(id)?.iter().map(|item| pickle.size(*item)).collect()
    };
    let offset = pickle.size(*offset).ok_or_else(malformed)?;
    let shape = sizes(*shape).ok_or_else(malformed)?;
    let strides = sizes(*strides).ok_or_else(malformed)?;
    let view = View::strided(offset, &shape, &strides, storage.elements)?;
    Ok((storage, view))
}

/// The first characters of a name that is too long to be told.
fn start_of(name: &str) -> String {
    name.chars().take(16).collect()
}

/// How many calls may stand around the one that rebuilds a tensor: one makes a parameter of it, one
/// gives it attributes.
const WRAPPERS: usize = 4;

/// The arguments of the call that rebuilds the tensor.
fn arguments(pickle: &Pickle, id: ValueId) -> Option<&[ValueId]> {
    let Value::Call(function, arguments) = pickle.get(id) else { return None };
    let (mut function, mut arguments) = (*function, pickle.tuple(*arguments)?);
    for _ in 0..WRAPPERS {
        match function {
            Global::RebuildTensor => return Some(arguments),
            Global::RebuildParameter => {
                let Value::Call(inner, tuple) = pickle.get(*arguments.first()?) else {
                    return None;
                };
                (function, arguments) = (*inner, pickle.tuple(*tuple)?);
            }
            Global::RebuildWithAttributes => {
                let [inner, _type, tuple, ..] = arguments else { return None };
                let Value::Global(inner) = pickle.get(*inner) else { return None };
                (function, arguments) = (*inner, pickle.tuple(*tuple)?);
            }
            _ => return None,
        }
    }
    None
}
