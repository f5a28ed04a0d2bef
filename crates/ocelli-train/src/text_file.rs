//! Files of text, read under a limit: what is larger than anything that is meant is not read at all.

use crate::{Error, Result};
use ocelli_data::Limits;
use std::path::Path;

/// The text of a regular file of at most `largest` bytes.
///
/// # Errors
/// When it cannot be read, is larger, or is not UTF-8.
pub fn read_text(path: &Path, largest: u64) -> Result<String> {
    let limits = Limits { file_bytes: largest, ..Limits::default() };
    String::from_utf8(limits.read_file(path)?)
        .map_err(|_| Error::Corrupt { path: path.to_owned(), reason: "not UTF-8".to_owned() })
}
