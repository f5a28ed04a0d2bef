//! The checksum of a packed file: BLAKE3 of all its bytes, with zeros where the checksum itself stands.
//!
//! It stands in the header, in hexadecimal, so its place is known by the key before it.

use crate::weights::error::{Result, WeightsError};
use crate::weights::source::Source;

/// The key of the header.
pub(super) const KEY: &str = "checksum";
/// What stands there while the sum is taken.
pub(super) const BLANK: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// The key as it stands in the header: JSON in a text of JSON. In any other text the quotes would be escaped
/// once more.
const BEFORE: &str = r#"\"checksum\":\""#;

/// Where the checksum stands in a file that begins with these bytes.
fn position(header: &[u8]) -> Option<usize> {
    let before = header.windows(BEFORE.len()).position(|bytes| bytes == BEFORE.as_bytes())?;
    let start = before + BEFORE.len();
    (start + BLANK.len() <= header.len()).then_some(start)
}

/// The checksum of a file whose own stands at `at`.
fn checksum(bytes: &[u8], at: usize) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&bytes[..at]).update(BLANK.as_bytes()).update(&bytes[at + BLANK.len()..]);
    hasher.finalize().to_hex().to_string()
}

/// Puts the checksum into the header of a file.
pub(super) fn seal(bytes: &mut [u8]) -> Result<()> {
    let at = position(bytes).ok_or_else(|| WeightsError::Header {
        file: "memory".to_owned(),
        reason: "there is no place for the checksum".to_owned(),
    })?;
    let checksum = checksum(bytes, at);
    bytes[at..at + BLANK.len()].copy_from_slice(checksum.as_bytes());
    Ok(())
}

/// Refuses a packed file whose bytes are not those that were written.
///
/// # Errors
/// [`WeightsError::Altered`].
pub(crate) fn verify(source: &Source) -> Result<()> {
    let bytes = source.read(0, source.len(), "the packed file")?;
    let is_whole = position(&bytes)
        .is_some_and(|at| bytes[at..at + BLANK.len()] == *checksum(&bytes, at).as_bytes());
    if is_whole { Ok(()) } else { Err(WeightsError::Altered { file: source.name().to_owned() }) }
}
