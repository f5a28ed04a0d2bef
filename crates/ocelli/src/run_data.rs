//! The images of a run: which of its dataset it did not train on.

use ocelli::data::{Error, OpenOptions, Source, open_splits};
use ocelli::train::{Recipe, RunFolder, sources};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The recipe of the run to which `place`, its folder or a checkpoint in it, belongs.
pub(crate) fn recipe_of(place: &Path) -> Option<Recipe> {
    let folders = place.ancestors().take(4);
    let file = folders.map(RunFolder::recipe_path).find(|path| path.is_file())?;
    Recipe::load::<&str>(&file, &[]).ok()
}

/// The dataset with which a run is evaluated.
pub(crate) fn dataset(recipe: &Recipe) -> &str {
    recipe.data.test.as_ref().unwrap_or(&recipe.data.source)
}

/// Whether a run held images out of a dataset that has no other part for evaluation, and names no other
/// dataset for it.
///
/// # Errors
/// When the dataset cannot be opened.
pub(crate) fn is_one_part(recipe: &Recipe) -> ocelli::data::Result<bool> {
    if recipe.data.hold_out.is_none() || recipe.data.test.is_some() {
        return Ok(false);
    }
    match open_splits(&recipe.data.source, &OpenOptions::default()) {
        Ok(_) => Ok(false),
        Err(Error::NoSplits { .. }) => Ok(true),
        Err(error) => Err(error),
    }
}

/// The images that a run held out, of the classes that `labels` gives them too, or else those of the
/// run's own file.
///
/// # Errors
/// When the dataset or the file cannot be opened.
pub(crate) fn held_out(
    mut recipe: Recipe,
    labels: Option<PathBuf>,
) -> ocelli::train::Result<Arc<dyn Source>> {
    recipe.data.labels = labels.or(recipe.data.labels);
    // Of what was only trained on nothing was held out.
    recipe.data.extra = None;
    let (_, held) = sources(&recipe)?;
    tracing::info!(
        "{} has one part: these are the {} images that the run held out",
        recipe.data.source,
        held.len()
    );
    Ok(held)
}
