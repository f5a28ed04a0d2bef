//! Paths of members.

use super::super::is_hidden;

/// The parts of a path, or `None` if one of them is hidden or there are none.
pub(super) fn clean_path(path: &[u8]) -> Option<Vec<&[u8]>> {
    let parts: Vec<&[u8]> =
        path.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".").collect();
    let hidden = parts.iter().any(|part| is_hidden(part) && *part != b"..");
    (!hidden && !parts.is_empty()).then_some(parts)
}
