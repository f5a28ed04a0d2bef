//! The container of PyTorch 1.6 and later: an uncompressed zip.
//!
//! Under one folder lie `data.pkl`, one entry `data/KEY` per storage, and `byteorder`. PyTorch
//! compresses none of these, so a compressed one is refused: it could unpack to any size.

use super::{archive::Archive, state_dict};
use crate::weights::{
    ReadOptions,
    error::{Result, WeightsError},
    pickle,
    source::Source,
    state_dict::StateDict,
};

use std::io::{BufReader, Read};

/// The entry with the description of the tensors.
const PICKLE: &str = "data.pkl";

/// Reads the state dict of a zip.
pub(in super::super) fn read(source: &Source, options: &ReadOptions) -> Result<StateDict> {
    let archive = Archive::open(source, &options.limits)?;
    let malformed =
        |reason: String| WeightsError::Container { file: source.name().to_owned(), reason };

    let mut folders = archive.names().filter_map(folder);
    let folder = match (folders.next(), folders.next()) {
        (Some(folder), None) => folder.to_owned(),
        (None, _) => return Err(foreign(source, &archive)),
        (Some(_), Some(_)) => return Err(malformed(format!("a zip with two `{PICKLE}`"))),
    };
    if is_torch_script(&archive, &folder) {
        return Err(WeightsError::TorchScript { file: source.name().to_owned() });
    }
    if let Some(span) = archive.span(&format!("{folder}byteorder"))? {
        let order = source.read(span.start, span.length.min(16), "byteorder")?;
        if order.trim_ascii() != b"little" {
            let order = String::from_utf8_lossy(&order).into_owned();
            return Err(malformed(format!("byte order `{order}`, only `little` is read")));
        }
    }

    let missing = || malformed(format!("a zip without `{PICKLE}`"));
    let span = archive.span(&format!("{folder}{PICKLE}"))?.ok_or_else(missing)?;
    if span.length > options.limits.pickle_bytes {
        return Err(WeightsError::TooLarge {
            file: source.name().to_owned(),
            what: format!("bytes of {PICKLE}"),
            actual: span.length,
            limit: options.limits.pickle_bytes,
        });
    }
    let mut reader = BufReader::new(source.cursor_at(span.start).take(span.length));
    let (pickle, _) = pickle::read(&mut reader, &options.limits)
        .map_err(|error| WeightsError::Pickle { file: source.name().to_owned(), error })?;
    state_dict(source, options, &pickle, &|key| archive.span(&format!("{folder}data/{key}")))
}

/// The folder of `data.pkl`, with its slash, when `name` is that of `data.pkl`.
fn folder(name: &str) -> Option<&str> {
    let folder = name.strip_suffix(PICKLE)?;
    (folder.is_empty() || folder.ends_with('/')).then_some(folder)
}

/// Whether the zip is a compiled program, which has its constants and its code beside the tensors.
fn is_torch_script(archive: &Archive, folder: &str) -> bool {
    archive
        .names()
        .filter_map(|name| name.strip_prefix(folder))
        .any(|name| name == "constants.pkl" || name == "bytecode.pkl" || name.starts_with("code/"))
}

/// Says what a zip is that is not PyTorch's.
fn foreign(source: &Source, archive: &Archive) -> WeightsError {
    let any = |is: fn(&str) -> bool| archive.names().any(is);
    let found = if any(|name| name.ends_with("model.weights.h5")) {
        "it is a model of Keras"
    } else if any(|name| name.ends_with("archive_format")) {
        "it is a program of torch.export"
    } else if any(|name| name.rsplit('.').next() == Some("npy")) {
        "it is an .npz of NumPy"
    } else {
        "it is a zip without `data.pkl`"
    };
    WeightsError::Unrecognised { file: source.name().to_owned(), found: found.to_owned() }
}
