//! The container of PyTorch 1.6 and later: an uncompressed zip.
//!
//! Under one folder lie `data.pkl`, one entry `data/KEY` per storage, and `byteorder`. PyTorch
//! never compresses an entry, so a compressed one is refused: it could unpack to any size.

use super::{Span, Storages, state_dict};
use crate::weights::{
    ReadOptions,
    error::{Result, WeightsError},
    pickle,
    source::Source,
    state_dict::StateDict,
};
use ::zip::{CompressionMethod, ZipArchive, result::ZipError};
use std::{collections::HashMap, io::BufReader};

/// The entry with the description of the tensors.
const PICKLE: &str = "data.pkl";

/// Reads the state dict of a zip.
pub(in super::super) fn read(source: &Source, options: &ReadOptions) -> Result<StateDict> {
    let entries = entries(source, options)?;
    let malformed =
        |reason: String| WeightsError::Container { file: source.name().to_owned(), reason };

    let mut folders = entries.keys().filter_map(|name| folder(name));
    let folder = match (folders.next(), folders.next()) {
        (Some(folder), None) => folder.to_owned(),
        (None, _) => return Err(malformed(format!("a zip without {PICKLE}"))),
        (Some(_), Some(_)) => return Err(malformed(format!("a zip with two {PICKLE}"))),
    };
    if let Some(span) = entries.get(&format!("{folder}byteorder")) {
        let order = source.read(span.start, span.length.min(16), "byteorder")?;
        if order.trim_ascii() != b"little" {
            let order = String::from_utf8_lossy(&order).into_owned();
            return Err(malformed(format!("byte order `{order}`, only `little` is read")));
        }
    }

    let span = entries[&format!("{folder}{PICKLE}")];
    if span.length > options.limits.pickle_bytes {
        return Err(WeightsError::TooLarge {
            file: source.name().to_owned(),
            what: format!("bytes of {PICKLE}"),
            actual: span.length,
            limit: options.limits.pickle_bytes,
        });
    }
    let bytes = source.read(span.start, span.length, PICKLE)?;
    let (pickle, _) = pickle::read(&mut bytes.as_slice(), &options.limits)
        .map_err(|error| WeightsError::Pickle { file: source.name().to_owned(), error })?;

    let prefix = format!("{folder}data/");
    let storages: Storages = entries
        .iter()
        .filter_map(|(name, span)| Some((name.strip_prefix(&prefix)?.to_owned(), *span)))
        .collect();
    state_dict(source, options, &pickle, &storages)
}

/// The folder of `data.pkl`, with its slash, when `name` is that of `data.pkl`.
fn folder(name: &str) -> Option<&str> {
    let folder = name.strip_suffix(PICKLE)?;
    (folder.is_empty() || folder.ends_with('/')).then_some(folder)
}

/// All entries by name, each of them checked to be stored as it is.
fn entries(source: &Source, options: &ReadOptions) -> Result<HashMap<String, Span>> {
    let malformed =
        |reason: String| WeightsError::Container { file: source.name().to_owned(), reason };
    let broken = |error: ZipError| malformed(format!("broken zip: {error}"));

    let mut archive = ZipArchive::new(BufReader::new(source.cursor())).map_err(broken)?;
    if archive.has_duplicate_names() {
        return Err(malformed("a zip with two entries of one name".to_owned()));
    }
    // Beside the tensors there are a handful of small entries.
    let limit = options.limits.tensors.saturating_add(64);
    if archive.len() > limit {
        return Err(WeightsError::TooLarge {
            file: source.name().to_owned(),
            what: "number of entries of the zip".to_owned(),
            actual: archive.len() as u64,
            limit: limit as u64,
        });
    }
    let mut entries = HashMap::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(broken)?;
        let name = entry.name().map_err(broken)?.into_owned();
        if entry.encrypted() {
            return Err(malformed(format!("entry `{name}` is encrypted")));
        }
        if entry.compression() != CompressionMethod::Stored
            || entry.compressed_size() != entry.size()
        {
            let reason = format!("entry `{name}` is compressed, which PyTorch never does");
            return Err(malformed(reason));
        }
        let start = entry
            .data_start()
            .ok_or_else(|| malformed(format!("entry `{name}` has no place in the file")))?;
        let end = start.saturating_add(entry.size());
        if end > source.len() {
            return Err(WeightsError::Truncated {
                file: source.name().to_owned(),
                what: format!("entry `{name}`"),
                expected: end,
                actual: source.len(),
            });
        }
        entries.insert(name, Span { start, length: entry.size() });
    }
    Ok(entries)
}
