//! Tensors from the calls that a pickle records.

use super::{StorageId, Storages};
use crate::weights::{
    error::{Result, WeightsError},
    pickle::{Global, Pickle, Value, ValueId},
    source::Source,
    tensor_entry::TensorEntry,
    view::View,
};

/// Whether the value at `id` is a tensor or a parameter.
pub(super) fn is_tensor(pickle: &Pickle, id: ValueId) -> bool {
    matches!(pickle.get(id), Value::Call(..))
}

/// The tensor at `id`, under `name`.
pub(super) fn tensor(
    source: &Source,
    pickle: &Pickle,
    storages: &Storages,
    name: &str,
    id: ValueId,
) -> Result<TensorEntry> {
    let fail = |reason: String| WeightsError::Tensor {
        file: source.name().to_owned(),
        name: name.to_owned(),
        reason,
    };
    let (storage, view) = view(pickle, id).map_err(fail)?;
    let span = storages
        .get(storage.key)
        .ok_or_else(|| fail(format!("its storage `{}` is not in the file", storage.key)))?;
    let length = (storage.elements as u64).checked_mul(storage.dtype.size() as u64);
    if length != Some(span.length) {
        return Err(fail(format!(
            "its storage `{}` should hold {} elements of {}, but has {} bytes",
            storage.key, storage.elements, storage.dtype, span.length
        )));
    }
    Ok(TensorEntry::stored(name.to_owned(), storage.dtype, view, source, span.start))
}

/// The storage of a tensor, and which of its elements the tensor shows.
fn view(pickle: &Pickle, id: ValueId) -> Result<(StorageId<'_>, View), String> {
    let malformed = || "its description is malformed".to_owned();
    let arguments = arguments(pickle, id).ok_or_else(malformed)?;
    // storage, offset, shape, strides; then gradients and hooks, which are of no interest.
    let [storage, offset, shape, strides, ..] = arguments else { return Err(malformed()) };
    let Value::Persistent(tuple) = pickle.get(*storage) else { return Err(malformed()) };
    let storage = StorageId::of(pickle, *tuple).ok_or("its storage is of an unknown kind")?;
    let sizes = |id: ValueId| -> Option<Vec<usize>> {
        pickle.tuple(id)?.iter().map(|item| pickle.size(*item)).collect()
    };
    let offset = pickle.size(*offset).ok_or_else(malformed)?;
    let shape = sizes(*shape).ok_or_else(malformed)?;
    let strides = sizes(*strides).ok_or_else(malformed)?;
    let view = View::strided(offset, &shape, &strides, storage.elements)?;
    Ok((storage, view))
}

/// The arguments of the call that rebuilds the tensor, which a parameter wraps once more.
fn arguments(pickle: &Pickle, id: ValueId) -> Option<&[ValueId]> {
    match pickle.get(id) {
        Value::Call(Global::RebuildTensor, arguments) => pickle.tuple(*arguments),
        Value::Call(Global::RebuildParameter, arguments) => {
            let tensor = *pickle.tuple(*arguments)?.first()?;
            match pickle.get(tensor) {
                Value::Call(Global::RebuildTensor, arguments) => pickle.tuple(*arguments),
                _ => None,
            }
        }
        _ => None,
    }
}
