//! Files that are either whole or absent.

use anyhow::Context;
use std::io;
use std::path::Path;

/// Replaces the file at `path`: after a crash it is the old one or the new one.
///
/// # Errors
/// When it cannot be written; the path is in the message.
pub(crate) fn write_whole(path: &Path, bytes: impl AsRef<[u8]>) -> anyhow::Result<()> {
    ocelli::nn::weights::write_whole(path, bytes.as_ref())
        .with_context(|| path.display().to_string())
}

/// Writes a table as CSV, whole or not at all.
///
/// # Errors
/// When it cannot be written; the path is in the message.
pub(crate) fn write_csv(
    path: &Path,
    fill: impl FnOnce(&mut csv::Writer<Vec<u8>>) -> csv::Result<()>,
) -> anyhow::Result<()> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let filled = fill(&mut table).map_err(io::Error::from);
    filled.with_context(|| path.display().to_string())?;
    let text = table.into_inner().map_err(|error| io::Error::from(error.error().kind()));
    write_whole(path, text.with_context(|| path.display().to_string())?)
}
