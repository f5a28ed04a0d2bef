//! Recipes by name: one that comes with the library, or a file.

use anyhow::Context;
use ocelli::methods::METHODS;
use ocelli::recipes::{self, BuiltinRecipe, RECIPES};
use ocelli::train::recipe::LARGEST_FILE;
use ocelli::train::{Recipe, read_text};
use std::borrow::Cow;
use std::path::Path;

use crate::failure::BadInput;

/// What errors call the recipe of this name, and its text. A file goes before one of the `known`
/// recipes of the library.
///
/// # Errors
/// When there is neither, or the file cannot be read.
pub(crate) fn text(
    name: &str,
    known: &'static [BuiltinRecipe],
) -> anyhow::Result<(String, Cow<'static, str>)> {
    let path = Path::new(name);
    if let (Some(recipe), false) = (recipes::find_in(known, name), path.exists()) {
        return Ok((name.to_owned(), recipe.text.into()));
    }
    match read_text(path, LARGEST_FILE) {
        Ok(text) if text.trim().is_empty() => {
            let message = format!("{}: the recipe is empty", path.display());
            Err(BadInput::new(message).hint("without RECIPE the default one is trained").into())
        }
        Ok(text) => Ok((path.display().to_string(), text.into())),
        Err(_) if !path.exists() => {
            let names: Vec<&str> = known.iter().map(|recipe| recipe.name).collect();
            let message = format!("{}: no such recipe", path.display());
            let hint = format!("built in are {}", names.join(", "));
            Err(BadInput::new(message).hint(hint).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// The recipe of this name, as it stands.
///
/// # Errors
/// As [`text`], and when a field is wrong.
pub(crate) fn resolve(name: &str) -> anyhow::Result<Recipe> {
    let (origin, text) = text(name, RECIPES)?;
    METHODS.resolve::<&str>(&origin, &text, &[]).with_context(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_recipe_is_answered_with_the_known_ones() {
        let error = resolve("no-such").unwrap_err();
        assert_eq!(error.to_string(), "no-such: no such recipe");
    }
}
