//! The recipe of a run as it was begun, which has to prove itself.
//!
//! The last line of `recipe.toml` is a comment with the hash of all before it. A run goes on under a
//! recipe that was edited only where its checkpoints tell what it was begun with, and then only with such
//! changes as `--set` may make.

use super::RunFolder;
use crate::recipe::{LARGEST_FILE, leaves};
use crate::text_file::read_text;
use crate::{Error, Recipe, Result};
use ocelli_common::write_whole;
use std::path::Path;

const SEAL: &str = "# The run's own copy; BLAKE3 of what is above: ";

/// Writes the recipe of a new run, whole or not at all.
pub(super) fn write(path: &Path, recipe: &Recipe) -> Result<()> {
    let text = recipe.to_toml()?;
    let hash = blake3::hash(text.as_bytes()).to_hex();
    write_whole(path, format!("{text}{SEAL}{hash}\n").as_bytes()).map_err(Error::io(path))
}

impl RunFolder {
    /// The recipe of the run in `path`.
    ///
    /// # Errors
    /// When it cannot be read, or is not the one that the run was begun with: empty, cut, or edited
    /// before a checkpoint remembers what it was.
    pub fn recipe(path: &Path) -> Result<Recipe> {
        let file = Self::recipe_path(path);
        let text = read_text(&file, LARGEST_FILE)?;
        let corrupt = |reason: String| Error::Corrupt { path: file.clone(), reason };
        let recipe = Recipe::of_run(&file.display().to_string(), &text)?;
        if seal_fits(&text) {
            return Ok(recipe);
        }
        // Runs of earlier versions have no seal, but every field from the first to the last.
        let found = leaves(&toml::from_str(&text).unwrap_or_default());
        let is_missing = |key: &&str| found.iter().all(|(name, _)| name != key);
        if let Some(key) = ["seed", "checkpoint.keep"].iter().find(|key| is_missing(key)) {
            return Err(corrupt(format!("not the whole recipe of a run: `{key}` is missing")));
        }
        if text.contains(SEAL) && Self::checkpoints_of(path).newest()?.checkpoint.is_none() {
            let reason = "it was edited, and no checkpoint remembers what the run was begun with";
            return Err(corrupt(reason.to_owned()));
        }
        Ok(recipe)
    }

    /// Whether the run in `path` was begun by a version that seals recipes.
    ///
    /// # Errors
    /// When the recipe cannot be read.
    pub fn is_sealed(path: &Path) -> Result<bool> {
        Ok(read_text(&Self::recipe_path(path), LARGEST_FILE)?.contains(SEAL))
    }
}

/// Whether the last line of a recipe is the hash of what is above.
fn seal_fits(text: &str) -> bool {
    let sealed = text.trim_end().rsplit_once(SEAL);
    sealed.is_some_and(|(above, hash)| hash == blake3::hash(above.as_bytes()).to_hex().as_str())
}
