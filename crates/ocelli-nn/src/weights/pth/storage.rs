//! How a pickle refers to the storages of its file.

use crate::weights::{
    dtype::DType,
    error::Result,
    pickle::{Global, Pickle, Value, ValueId},
};

/// Says where the storage of a key lies, if the file has it.
pub(super) type FindStorage<'a> = dyn Fn(&str) -> Result<Option<StorageSpan>> + 'a;

/// The bytes of one storage.
#[derive(Clone, Copy, Debug)]
pub(super) struct StorageSpan {
    pub(super) start: u64,
    pub(super) length: u64,
}

/// A storage as the pickle refers to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct StorageId<'a> {
    pub(super) key: &'a str,
    pub(super) dtype: DType,
    pub(super) elements: usize,
}

impl<'a> StorageId<'a> {
    /// Reads the tuple `("storage", type, key, device, elements[, view])`.
    pub(super) fn from_tuple(pickle: &'a Pickle, tuple: ValueId) -> Option<Self> {
        let [tag, dtype, key, _device, elements, view @ ..] = pickle.tuple(tuple)? else {
            return None;
        };
        let Value::Global(Global::Storage(dtype)) = pickle.get(*dtype) else {
            return None;
        };
        // PyTorch stopped writing views of storages long ago, but still writes the field for them.
        let whole = view.iter().all(|view| matches!(pickle.get(*view), Value::None));
        if pickle.text(*tag) != Some("storage") || !whole {
            return None;
        }
        Some(Self { key: pickle.text(*key)?, dtype: *dtype, elements: pickle.size(*elements)? })
    }
}
