//! Where a page stands, and how it begins.

use std::path::{Path, PathBuf};

/// How a page begins.
pub(super) const PAGE: &str = "<!doctype html>";

/// The page of a run, a grid, a search or an attack, in its folder.
const FILE: &str = "report.html";

pub(super) fn default_path(folder: &Path) -> PathBuf {
    folder.join(FILE)
}
