//! A reader of Python pickles that never executes anything.
//!
//! A pickle is a program for a small stack machine; its opcodes can import any Python function and
//! call it. This reader knows the opcodes that PyTorch writes and the names of [`globals`], and
//! refuses all others. A call is not made but recorded, as a [`Value::Call`], for
//! [`pth`](super::pth) to interpret.
//!
//! Values live in one list and point to each other by index. So nothing here is recursive, however
//! deep a file nests, and what a file memorised is shared, however often it is repeated. The one thing
//! that is copied are the pairs of a dictionary made of a list. All that is kept is counted, in bytes,
//! against [`Limits`](super::Limits).

mod error;
mod globals;
mod input;
mod machine;
mod opcode;

use std::sync::Arc;

pub use error::{PickleError, PickleFault};
pub(super) use globals::Global;
pub(super) use machine::read;

/// The index of a value in its [`Pickle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ValueId(u32);

/// What a pickle builds.
#[derive(Clone, Debug)]
pub(super) enum Value {
    None,
    Bool(bool),
    Float,
    Int(i64),
    /// An integer of more than eight bytes: little-endian, two's complement.
    LongInt(Vec<u8>),
    /// Shared with the tensors that it names.
    Text(Arc<str>),
    Bytes,
    Tuple(Vec<ValueId>),
    /// A list or a set.
    List(Vec<ValueId>),
    Dict(Vec<(ValueId, ValueId)>),
    Global(Global),
    /// A call of an allowed function, with the tuple of its arguments.
    Call(Global, ValueId),
    /// An object outside the pickle, named by a tuple.
    Persistent(ValueId),
    /// An object that is known to be harmless and of no interest, as in a numpy scalar.
    Opaque,
}

impl Value {
    /// What messages call the value.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "a bool",
            Self::Float => "a float",
            Self::Int(_) | Self::LongInt(_) => "an int",
            Self::Text(_) => "a string",
            Self::Bytes => "bytes",
            Self::Tuple(_) => "a tuple",
            Self::List(_) => "a list",
            Self::Dict(_) => "a dictionary",
            Self::Global(_) => "the name of a type",
            Self::Call(..) => "a tensor",
            Self::Persistent(_) => "a storage",
            Self::Opaque => "an object",
        }
    }
}

/// The values of one pickle.
#[derive(Debug)]
pub(super) struct Pickle {
    values: Vec<Value>,
    root: ValueId,
    memory: usize,
}

impl Pickle {
    /// The value that the pickle returns.
    pub(super) fn root(&self) -> &Value {
        self.get(self.root)
    }

    pub(super) fn root_id(&self) -> ValueId {
        self.root
    }

    pub(super) fn get(&self, id: ValueId) -> &Value {
        &self.values[id.0 as usize]
    }

    /// All values, in the order in which they were built.
    pub(super) fn values(&self) -> &[Value] {
        &self.values
    }

    /// What reading it took of the memory that it may take, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.memory
    }

    /// The text at `id`, when it is text.
    pub(super) fn text(&self, id: ValueId) -> Option<&str> {
        match self.get(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The same, to be kept.
    pub(super) fn shared_text(&self, id: ValueId) -> Option<&Arc<str>> {
        match self.get(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items of the tuple at `id`, when it is a tuple.
    pub(super) fn tuple(&self, id: ValueId) -> Option<&[ValueId]> {
        match self.get(id) {
            Value::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// The number at `id`, when it is an integer that is not negative.
    pub(super) fn size(&self, id: ValueId) -> Option<usize> {
        match self.get(id) {
            Value::Int(value) => usize::try_from(*value).ok(),
            _ => None,
        }
    }
}

#[cfg(test)]
pub(super) mod tape;
#[cfg(test)]
mod tests;
