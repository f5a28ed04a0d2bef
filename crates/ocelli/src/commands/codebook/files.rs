//! The files that the command reads again.

use anyhow::Context;
use std::path::Path;

/// Reads a file that this command wrote.
pub(super) fn read<T>(
    path: &Path,
    from_bytes: impl FnOnce(&[u8]) -> ocelli::codebooks::Result<T>,
) -> anyhow::Result<T> {
    let shown = || path.display().to_string();
    let bytes = std::fs::read(path).with_context(shown)?;
    from_bytes(&bytes).with_context(shown)
}
