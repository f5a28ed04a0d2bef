//! Recipes with a section more, which belongs to a method.

use super::{Claimed, Recipe, reader, table};
use crate::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use toml::{Table, Value};

impl Recipe {
    /// Resolves the text of a recipe file that may have one more section, called `name`, whose
    /// fields `T` has. Overrides reach it as they do all others; the ranges of its fields are for
    /// the caller to check.
    ///
    /// # Errors
    /// As [`Recipe::resolve`], for both parts.
    pub fn resolve_with<T: DeserializeOwned, S: AsRef<str>>(
        name: &str,
        origin: &str,
        text: &str,
        overrides: &[S],
    ) -> Result<(Self, T)> {
        let mut table = table(origin, text, overrides)?;
        let section = table.remove(name).unwrap_or_else(|| Value::Table(Table::new()));
        Ok((Self::of_table(table, None, Claimed::By(&[]))?, reader::read_section(name, section)?))
    }

    /// The recipe as TOML and the section called `name` after it, with every field that has a value.
    ///
    /// # Errors
    /// When a number does not fit TOML.
    pub fn to_toml_with(&self, name: &str, section: &impl Serialize) -> Result<String> {
        let section = toml::to_string(&BTreeMap::from([(name, section)]));
        let section = section.map_err(|error| Error::RecipeSyntax {
            origin: format!("[{name}]"),
            message: error.to_string(),
        })?;
        Ok(format!("{}\n{section}", self.to_toml()?))
    }
}

/// Reads settings that are no recipe in the way in which recipes are read: the fields of `T` from the
/// text of a TOML file under `overrides`, each `section.key=value`.
///
/// # Errors
/// When the text is not TOML, a key is unknown, or a value has the wrong type.
pub fn settings<T: DeserializeOwned, S: AsRef<str>>(
    origin: &str,
    text: &str,
    overrides: &[S],
) -> Result<T> {
    reader::read(table(origin, text, overrides)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Deserialize, Serialize)]
    #[serde(default)]
    struct Section {
        rounds: u64,
        sizes: Vec<u32>,
    }

    impl Default for Section {
        fn default() -> Self {
            Self { rounds: 3, sizes: vec![1] }
        }
    }

    fn resolve(text: &str, overrides: &[&str]) -> Result<(Recipe, Section)> {
        Recipe::resolve_with("extra", "test.toml", text, overrides)
    }

    #[test]
    fn a_section_is_read_beside_the_recipe_and_written_again() {
        let text = "[extra]\nsizes = [4, 5]\n[train]\nepochs = 2";
        let (recipe, section) = resolve(text, &["extra.rounds=7", "optimizer.lr=0.5"]).unwrap();
        assert_eq!(section, Section { rounds: 7, sizes: vec![4, 5] });
        assert_eq!((recipe.train.epochs, recipe.optimizer.lr), (2, 0.5));
        let again = recipe.to_toml_with("extra", &section).unwrap();
        assert_eq!(resolve(&again, &[]).unwrap(), (recipe, section));
        assert_eq!(resolve("", &[]).unwrap().1, Section::default());
    }

    #[test]
    fn its_fields_are_named_with_their_section() {
        let message = |set: &str| resolve("", &[set]).unwrap_err().to_string();
        assert_eq!(
            message("extra.round=1"),
            "unknown key `extra.round`; did you mean `extra.rounds`?"
        );
        assert_eq!(
            message("extra.sizes=[1, x]"),
            "`extra.sizes` is the text \"[1, x]\", expected a list"
        );
        assert_eq!(message("extra=3"), "`extra` is 3, expected a table");
        assert!(message("train.epoch=1").contains("did you mean `train.epochs`?"));
    }
}
