//! What the folder of a command holds, as its files tell it.

use ocelli::train::RunFolder;
use serde::Serialize;
use std::path::Path;

use crate::failure::BadInput;

/// What can be put on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Run,
    Grid,
    Search,
    Attack,
}

impl Kind {
    /// What lies in `folder`.
    ///
    /// # Errors
    /// When it is there, but none of them.
    pub(super) fn from_folder(folder: &Path) -> anyhow::Result<Self> {
        let has = |file: &str| folder.join(file).is_file();
        // A run that cannot be read is told of by its reader, which names the file.
        if RunFolder::holds_run(folder) || !folder.is_dir() {
            return Ok(Self::Run);
        }
        // The settings are written before all else.
        if has("attack.toml") {
            return Ok(Self::Attack);
        }
        if has("search.toml") {
            return Ok(Self::Search);
        }
        if has(super::grid::SHEET) {
            return Ok(Self::Grid);
        }
        let message = format!("{}: no run, grid, search or attack", folder.display());
        Err(BadInput::new(message)
            .hint(
                "name the folder that `ocelli train`, `train --grid`, `search` or \
                 `attack one-pixel` wrote, as in runs/default-1",
            )
            .into())
    }
}
