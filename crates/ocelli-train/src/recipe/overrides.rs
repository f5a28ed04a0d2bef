//! Overrides from the command line: `section.key=value`.

use crate::{Error, Result};
use toml::{Table, Value};

/// Sets the field that `text` names, making sections on the way.
pub(super) fn apply(table: &mut Table, text: &str) -> Result<()> {
    let malformed = || Error::Override { text: text.to_owned() };
    let (key, value) = text.split_once('=').ok_or_else(malformed)?;
    let parts: Vec<&str> = key.split('.').map(str::trim).collect();
    if parts.iter().any(|part| part.is_empty()) {
        return Err(malformed());
    }
    set(table, &parts, parse(value.trim()), key)
}

/// A value in TOML's syntax, or else the text itself. Nothing in a recipe is a date, but a name
/// may look like one.
pub(crate) fn parse(text: &str) -> Value {
    match text.parse() {
        Err(_) | Ok(Value::Datetime(_)) => Value::String(text.to_owned()),
        Ok(value) => value,
    }
}

/// Sets the field at `parts`, whose whole name is `key`, making sections on the way.
pub(crate) fn set(table: &mut Table, parts: &[&str], value: Value, key: &str) -> Result<()> {
    match parts {
        [] => Ok(()),
        [last] => {
            table.insert((*last).to_owned(), value);
            Ok(())
        }
        [first, rest @ ..] => {
            let section = table.entry(*first).or_insert_with(|| Value::Table(Table::new()));
            match section {
                Value::Table(below) => set(below, rest, value, key),
                other => Err(Error::Field {
                    field: key.to_owned(),
                    found: format!("below `{first}`, which is {}", other.type_str()),
                    expected: "a section there".to_owned(),
                }),
            }
        }
    }
}
