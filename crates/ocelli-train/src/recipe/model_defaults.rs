//! What the registry says of a model's input, under what a recipe says.

use crate::Result;
use crate::trained::preprocessing;
use ocelli_nn::registry;
use serde::Serialize;
use toml::{Table, Value};

/// Adds the fields of `[input]` and `[eval]` that the recipe leaves to the model.
///
/// A table that is malformed here is left to the reader, which names what is wrong with it.
pub(super) fn fill(recipe: &mut Table) -> Result<()> {
    let given = |section: &str, key: &str| recipe.get(section)?.as_table()?.get(key);
    let name = match given("model", "name") {
        Some(Value::String(name)) if !name.is_empty() => name.clone(),
        Some(_) => return Ok(()),
        None => super::ModelSection::default().name,
    };
    let grey = given("input", "channels") == Some(&Value::Integer(1));
    let (input, eval) = preprocessing(&registry::find(&name)?.config, if grey { 1 } else { 3 });
    complete(recipe, "input", &input);
    complete(recipe, "eval", &eval);
    Ok(())
}

/// Adds the fields of `defaults` that the section lacks.
fn complete(recipe: &mut Table, section: &str, defaults: &impl Serialize) {
    let entry = recipe.entry(section).or_insert_with(|| Value::Table(Table::new()));
    if let (Value::Table(given), Ok(defaults)) = (entry, Table::try_from(defaults)) {
        for (key, value) in defaults {
            given.entry(key).or_insert(value);
        }
    }
}
