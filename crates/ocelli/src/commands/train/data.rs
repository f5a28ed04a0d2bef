//! The images of a run: those with which it was begun.

use ocelli::data::Source;
use ocelli::train::{DataRecord, Error, Recipe, RunFolder, sources};
use std::collections::HashMap;
use std::path::Path;

use crate::failure::BadInput;

/// The records of the datasets of a session, each made once: the runs of a grid share theirs.
#[derive(Debug, Default)]
pub(crate) struct Records(HashMap<String, DataRecord>);

impl Records {
    /// Makes sure that a run which was begun before goes on with its own images, and remembers those of
    /// a new one.
    ///
    /// # Errors
    /// [`Error::OtherData`] when they are others and the recipe does not accept that.
    pub(super) fn keep(
        &mut self,
        run: &mut RunFolder,
        recipe: &Recipe,
        [train, test]: [&dyn Source; 2],
    ) -> anyhow::Result<()> {
        let parts = [(DataRecord::TRAIN, train), (DataRecord::TEST, test)];
        let folder = run.path().to_owned();
        let now = self.record(recipe, &parts)?;
        let before = DataRecord::load(&folder)?;
        if before.is_none() {
            check_never_recorded(run, recipe)?;
        }
        let compare = |before: &DataRecord| before.difference(now, &parts);
        let changed = before.as_ref().map(compare).transpose()?.flatten();
        if let Some(changed) = changed {
            if !recipe.data.accept_changes {
                return Err(Error::OtherData { path: folder, changed }.into());
            }
            tracing::warn!("{changed}; data.accept_changes goes on with them");
            run.log(&format!("goes on with other data: {changed}"))?;
        }
        if before.as_ref() != Some(now) {
            now.save(&folder)?;
        }
        Ok(())
    }

    /// Checks that the run in `folder`, which is finished, was trained on the images of `recipe`.
    ///
    /// # Errors
    /// As [`Records::keep`].
    pub(super) fn check(&mut self, folder: &Path, recipe: &Recipe) -> anyhow::Result<()> {
        let Some(before) = DataRecord::load(folder)? else { return Ok(()) };
        if self.0.get(&key(recipe)).is_some_and(|now| *now == before) {
            return Ok(());
        }
        let (train, test) = sources(recipe)?;
        let parts = [(DataRecord::TRAIN, &*train), (DataRecord::TEST, &*test)];
        match before.difference(self.record(recipe, &parts)?, &parts)? {
            None => Ok(()),
            Some(changed) if recipe.data.accept_changes => {
                tracing::warn!("{}: {changed}; data.accept_changes keeps it", folder.display());
                Ok(())
            }
            Some(changed) => Err(Error::OtherData { path: folder.to_owned(), changed }.into()),
        }
    }

    fn record(
        &mut self,
        recipe: &Recipe,
        parts: &[(&str, &dyn Source)],
    ) -> anyhow::Result<&DataRecord> {
        let key = key(recipe);
        if !self.0.contains_key(&key) {
            self.0.insert(key.clone(), DataRecord::new(parts)?);
        }
        Ok(&self.0[&key])
    }
}

/// A run that has checkpoints has a record too, unless it was begun by an earlier version: without one
/// nobody knows whether these are its images.
fn check_never_recorded(run: &RunFolder, recipe: &Recipe) -> anyhow::Result<()> {
    let is_new = run.checkpoints().steps()?.is_empty();
    if is_new || recipe.data.accept_changes || !RunFolder::is_sealed(run.path())? {
        return Ok(());
    }
    let path = DataRecord::path_in(run.path());
    let message = format!("{}: missing; it says on which images the run was begun", path.display());
    let hint = "`--set data.accept_changes=true` takes the images as they are now";
    Err(BadInput::new(message).hint(hint).into())
}

/// All of a recipe that says which images are whose.
fn key(recipe: &Recipe) -> String {
    let data = &recipe.data;
    let drawn = data.hold_out.map(|share| (share, recipe.seed));
    format!("{:?}", (&data.source, &data.test, &data.extra, &data.labels, drawn))
}
