//! Axes: a field of a recipe and its values.

use crate::recipe::overrides;
use crate::{Error, Result};
use std::str::FromStr;
use toml::{Table, Value};

/// Axes that all vary together.
pub(super) type Product = Vec<Axis>;

/// A field of a recipe and the values that it has in a grid, of which there is at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The field with its section, as in `model.ghost.ratio`.
    pub(super) key: String,
    /// Its values.
    pub(super) values: Vec<Value>,
}

/// `section.key=V1,V2,…`, each value as in an override.
impl FromStr for Axis {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refuse =
            |reason: &str| Error::Grid { axis: text.to_owned(), reason: reason.to_owned() };
        let malformed = || refuse("expected `section.key=VALUE,VALUE,…`");
        let (key, values) = text.split_once('=').ok_or_else(malformed)?;
        let key = key.trim();
        if key.split('.').any(|part| part.trim().is_empty()) || values.trim().is_empty() {
            return Err(malformed());
        }
        // As TOML first, where a comma may stand in a list; words need no quotes.
        let values = match format!("[{values}]").parse() {
            Ok(Value::Array(values)) => values,
            _ if values.split(',').any(|word| word.trim().is_empty()) => return Err(malformed()),
            _ => values.split(',').map(|word| overrides::parse(word.trim())).collect(),
        };
        Ok(Self { key: key.to_owned(), values })
    }
}

/// The products that a recipe's `grid` describes: one table, or several.
pub(super) fn products(grid: Value) -> Result<Vec<Product>> {
    let tables = match grid {
        Value::Array(tables) => tables,
        table => vec![table],
    };
    let product = |table| match table {
        Value::Table(table) => {
            let mut axes = Product::new();
            collect("", table, &mut axes)?;
            Ok(axes)
        }
        other => Err(Error::Field {
            field: "grid".to_owned(),
            found: other.to_string(),
            expected: "a table of fields with lists of values".to_owned(),
        }),
    };
    tables.into_iter().map(product).collect()
}

/// Every leaf of a table is an axis; one value need not stand in a list.
fn collect(prefix: &str, table: Table, axes: &mut Product) -> Result<()> {
    for (name, value) in table {
        let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match value {
            Value::Table(below) => collect(&key, below, axes)?,
            Value::Array(values) if values.is_empty() => {
                let reason = "expected one value or more".to_owned();
                return Err(Error::Grid { axis: key, reason });
            }
            Value::Array(values) => axes.push(Axis { key, values }),
            value => axes.push(Axis { key, values: vec![value] }),
        }
    }
    Ok(())
}

/// The value of a field that a recipe's table gives.
pub(super) fn lookup<'a>(table: &'a Table, key: &str) -> Option<&'a Value> {
    match key.split_once('.') {
        Some((section, rest)) => lookup(table.get(section)?.as_table()?, rest),
        None => table.get(key),
    }
}

/// Gives a field of a recipe's table a value.
pub(super) fn set(table: &mut Table, key: &str, value: Value) -> Result<()> {
    let parts: Vec<&str> = key.split('.').map(str::trim).collect();
    overrides::set(table, &parts, value, key)
}
