//! The section of a recipe that chooses a method, as data.

use super::reader;
use crate::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Display;
use toml::{Table, Value};

/// A section of a recipe that only a method understands, as in `[simclr]`.
#[derive(Clone, Debug, PartialEq)]
pub struct MethodSection {
    pub(super) name: String,
    pub(super) fields: Value,
}

impl MethodSection {
    /// The section called `name` with these fields.
    ///
    /// # Errors
    /// When a number does not fit TOML.
    pub fn new(name: &str, fields: &impl Serialize) -> Result<Self> {
        let fields = Table::try_from(fields).map_err(|error| Error::RecipeSyntax {
            origin: format!("[{name}]"),
            message: error.to_string(),
        })?;
        Ok(Self { name: name.to_owned(), fields: fields.into() })
    }

    /// A recipe's table with this section alone.
    pub(crate) fn to_table(&self) -> Table {
        Table::from_iter([(self.name.clone(), self.fields.clone())])
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its fields as those of `T`; their ranges are for the caller to check.
    ///
    /// # Errors
    /// When a key is unknown or a value has the wrong type, with the name of the field.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        reader::read_section(&self.name, self.fields.clone())
    }

    /// That a field of the section is out of range.
    pub fn refuse(&self, field: &str, found: &dyn Display, expected: &str) -> Error {
        let field = format!("{}.{field}", self.name);
        Error::Field { field, found: found.to_string(), expected: expected.to_owned() }
    }
}

/// Which sections a recipe may have besides those that all recipes have.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Claimed<'a> {
    /// One of these, each of a method.
    By(&'a [&'a str]),
    /// Any: whoever uses the recipe will see whether there is such a method.
    Anyone,
}

impl Claimed<'_> {
    pub(super) fn names(&self) -> &[&str] {
        match self {
            Self::By(names) => names,
            Self::Anyone => &[],
        }
    }

    fn includes(self, name: &str, value: &Value, own: &Table) -> bool {
        match self {
            Self::By(names) => names.contains(&name),
            Self::Anyone => value.is_table() && !own.contains_key(name),
        }
    }
}

/// Takes the section of a method out of a recipe's table. `own` are the sections that are no method's.
///
/// # Errors
/// When there are two.
pub(super) fn take(
    table: &mut Table,
    claimed: Claimed<'_>,
    own: &Table,
) -> Result<Option<MethodSection>> {
    let found = table.iter().filter(|(name, value)| claimed.includes(name, value, own));
    let names: Vec<String> = found.map(|(name, _)| name.clone()).collect();
    if let [first, second, ..] = &names[..] {
        return Err(Error::Field {
            field: second.clone(),
            found: format!("a second method beside `{first}`"),
            expected: "a single one".to_owned(),
        });
    }
    let take = |name: String| {
        let fields = table.remove(&name)?;
        Some(MethodSection { name, fields })
    };
    Ok(names.into_iter().next().and_then(take))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_is_refused_is_named_with_its_section() {
        let section = MethodSection { name: "dqa".to_owned(), fields: Table::new().into() };
        let error = section.refuse("bits", &3, "1, 2, 4 or 8");
        assert_eq!(error.to_string(), "`dqa.bits` is 3, expected 1, 2, 4 or 8");
    }
}
