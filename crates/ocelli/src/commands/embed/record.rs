//! What stands beside a file of rows.

use ocelli::data::Source;
use ocelli::results::write_csv;
use serde::Serialize;
use std::path::Path;

use crate::whole_file::write_whole;

/// Writes the name of each sample, and its class where it has one.
pub(super) fn write_names(path: &Path, source: &dyn Source) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for index in 0..source.len() {
        let class = source.label(index)?.and_then(|label| source.classes().get(label as usize));
        rows.push([index.to_string(), source.name(index)?, class.cloned().unwrap_or_default()]);
    }
    Ok(write_csv(path, |table| {
        table.write_record(["row", "name", "class"])?;
        rows.iter().try_for_each(|row| table.write_record(row))
    })?)
}

/// Writes what the rows are of.
pub(super) fn write(path: &Path, record: &impl Serialize) -> anyhow::Result<()> {
    write_whole(path, format!("{}\n", serde_json::to_string_pretty(record)?))
}
