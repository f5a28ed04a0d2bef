//! The files that the command reads and writes.

use anyhow::Context;
use std::path::Path;

use crate::failure::BadInput;

/// Refuses to write over a file that is there, or under the name of another format.
pub(super) fn check_output(output: &Path, ending: &str, force: bool) -> anyhow::Result<()> {
    let shown = output.display();
    if output.extension().is_none_or(|found| !found.eq_ignore_ascii_case(ending)) {
        let message = format!("{shown}: this writes .{ending}");
        let hint = format!("name it {}", output.with_extension(ending).display());
        return Err(BadInput::new(message).hint(hint).into());
    }
    if output.exists() && !force {
        let message = format!("{shown} exists already");
        return Err(BadInput::new(message).hint("--force replaces it").into());
    }
    Ok(())
}

/// Reads a file that this command wrote.
pub(super) fn read<T>(
    path: &Path,
    from_bytes: impl FnOnce(&[u8]) -> ocelli::codebooks::Result<T>,
) -> anyhow::Result<T> {
    let shown = || path.display().to_string();
    let bytes = std::fs::read(path).with_context(shown)?;
    from_bytes(&bytes).with_context(shown)
}
