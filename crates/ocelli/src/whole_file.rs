//! Files that are either whole or absent.

use anyhow::Context;
use std::path::Path;

/// Replaces the file at `path`: after a crash it is the old one or the new one.
///
/// # Errors
/// When it cannot be written; the path is in the message.
pub(crate) fn write_whole(path: &Path, bytes: impl AsRef<[u8]>) -> anyhow::Result<()> {
    ocelli::common::write_whole(path, bytes.as_ref()).with_context(|| path.display().to_string())
}
