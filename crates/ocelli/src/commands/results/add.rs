//! `ocelli results add`: a row for a file of results.

use serde::Serialize;
use std::path::{Path, PathBuf};

use crate::failure::Done;
use crate::settings::Settings;

/// What can be typed after `ocelli results add`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file, which is begun if it is not there
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The columns of the row, all that the file has; date, machine and commit are those of here and this
    /// build unless given
    #[arg(value_name = "COLUMN=VALUE", required = true, value_parser = pair)]
    values: Vec<(String, String)>,
    /// Write into the results of a checkout though this build has changes that are not committed
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct AddJson<'a> {
    file: &'a Path,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((column, value)) if !column.is_empty() => Ok((column.to_owned(), value.to_owned())),
        _ => Err("expected COLUMN=VALUE".to_owned()),
    }
}

/// Appends the row.
pub(crate) fn run(args: &Args, settings: Settings) -> anyhow::Result<Done> {
    let mut values = args.values.clone();
    values.extend(settings.seed.map(|seed| ("seed".to_owned(), seed.to_string())));
    ocelli::results::add(&args.file, &values, args.force)?;
    settings.output.finish(&AddJson { file: &args.file })?;
    Ok(Done::Complete)
}
