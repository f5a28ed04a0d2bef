//! The container before PyTorch 1.6: five pickles, then the storages.
//!
//! The pickles are a magic number, the version of the protocol, facts about the machine, the saved
//! object, and the list of the storages' keys. Each storage follows in that order as its number of
//! elements (8 bytes) and the elements.

use super::state_dict;
use super::storage::{StorageId, StorageSpan};
use crate::weights::{
    Limits, ReadOptions,
    dtype::DType,
    error::{Result, WeightsError},
    pickle::{self, Pickle, Value},
    source::{Cursor, Source},
    state_dict::StateDict,
};
use std::{collections::HashMap, io::BufReader};

/// The magic number `0x1950_a86a_20f9_469c_fc6c`, little-endian, as the pickle has it.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// The only version of the protocol that there ever was.
const PROTOCOL: i64 = 1001;

/// Whether the first bytes of a file are the pickle of the magic number, of any protocol.
pub(in super::super) fn is_legacy(head: &[u8]) -> bool {
    // Protocol 4 puts a frame of 9 bytes between the protocol and the number.
    [0, 9].iter().any(|&frame| head.get(frame + 4..frame + 14) == Some(&MAGIC))
        && head.first() == Some(&0x80)
}

/// Reads the state dict of a legacy file.
pub(in super::super) fn read(source: &Source, options: &ReadOptions) -> Result<StateDict> {
    let mut pickles = Pickles {
        source,
        reader: BufReader::new(source.cursor()),
        consumed: 0,
        limits: options.limits,
    };
    let malformed = |reason: &str| WeightsError::Container {
        file: source.name().to_owned(),
        reason: reason.to_owned(),
    };
    if !matches!(pickles.next()?.root(), Value::LongInt(magic) if magic == &MAGIC) {
        return Err(malformed("the magic number is another one"));
    }
    if !matches!(pickles.next()?.root(), Value::Int(PROTOCOL)) {
        return Err(malformed("the protocol is not 1001"));
    }
    if !is_little_endian(&pickles.next()?) {
        return Err(malformed("the machine that wrote it was not little-endian"));
    }
    let object = pickles.next()?;
    let keys = pickles.next()?;
    let storages = storages(source, &object, &keys, pickles.consumed)?;
    state_dict(source, options, &object, &|key| Ok(storages.get(key).copied()))
}

/// Where the storages lie, by their keys.
type Storages = HashMap<String, StorageSpan>;

/// The pickles at the start of the file, one after the other.
struct Pickles<'a> {
    source: &'a Source,
    reader: BufReader<Cursor>,
    consumed: u64,
    limits: Limits,
}

impl Pickles<'_> {
    fn next(&mut self) -> Result<Pickle> {
        // The limits are for all pickles together.
        match pickle::read(&mut self.reader, &self.limits) {
            Ok((pickle, length)) => {
                self.consumed += length;
                self.limits.pickle_bytes -= length;
                self.limits.pickle_values -= pickle.values().len();
                self.limits.pickle_memory -= pickle.memory();
                Ok(pickle)
            }
            Err(mut error) => {
                error.offset += self.consumed;
                Err(WeightsError::Pickle { file: self.source.name().to_owned(), error })
            }
        }
    }
}

/// Whether the facts about the machine say `{"little_endian": True}`.
fn is_little_endian(facts: &Pickle) -> bool {
    let Value::Dict(pairs) = facts.root() else { return false };
    pairs.iter().any(|(key, value)| {
        facts.text(*key) == Some("little_endian") && matches!(facts.get(*value), Value::Bool(true))
    })
}

/// Walks over the storages, checking each against what the pickle says about it.
fn storages(source: &Source, object: &Pickle, keys: &Pickle, start: u64) -> Result<Storages> {
    let malformed =
        |reason: String| WeightsError::Container { file: source.name().to_owned(), reason };
    let known = known_storages(object);
    let Value::List(keys_in_order) = keys.root() else {
        return Err(malformed("the list of storages is missing".to_owned()));
    };
    let mut storages = Storages::new();
    let mut position = start;
    for id in keys_in_order {
        let key = keys.text(*id).ok_or_else(|| malformed("a storage has no key".to_owned()))?;
        let &(dtype, elements) = known
            .get(key)
            .ok_or_else(|| malformed(format!("storage `{key}` belongs to no tensor")))?;
        let what = format!("storage `{key}`");
        let count = source.read(position, 8, &what)?;
        let count = count.iter().rev().fold(0_u64, |sum, &byte| (sum << 8) | u64::from(byte));
        if count != elements as u64 {
            return Err(malformed(format!(
                "{what} has {count} elements, the tensors expect {elements}"
            )));
        }
        let length = count.saturating_mul(dtype.size() as u64);
        let begin = position + 8;
        position = begin.saturating_add(length);
        if position > source.len() {
            return Err(WeightsError::Truncated {
                file: source.name().to_owned(),
                what,
                expected: position,
                actual: source.len(),
            });
        }
        storages.insert(key.to_owned(), StorageSpan { start: begin, length });
    }
    Ok(storages)
}

/// The type and size of every storage that the pickle refers to.
fn known_storages(object: &Pickle) -> HashMap<&str, (DType, usize)> {
    let references = object.values().iter().filter_map(|value| match value {
        Value::Persistent(tuple) => StorageId::from_tuple(object, *tuple),
        _ => None,
    });
    references.map(|storage| (storage.key, (storage.dtype, storage.elements))).collect()
}
