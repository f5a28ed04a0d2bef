//! `ocelli data index`: one pass over the headers of a tar, kept for the next time.

use ocelli::data::write_indexes;
use serde::Serialize;
use std::path::PathBuf;

use super::part::{DATASETS, PartArgs};
use crate::failure::Done;
use crate::settings::Settings;

/// What can be typed after `ocelli data index`.
#[derive(Debug, clap::Args)]
#[command(after_help = DATASETS)]
pub(crate) struct Args {
    /// The dataset, in tars
    #[arg(value_name = "DATASET")]
    dataset: String,
    #[command(flatten)]
    part: PartArgs,
}

#[derive(Serialize)]
struct Indexes<'a> {
    dataset: &'a str,
    indexes: Vec<PathBuf>,
}

/// Writes the indexes and names them.
pub(crate) fn run(args: &Args, mut settings: Settings) -> anyhow::Result<Done> {
    let indexes = write_indexes(&args.dataset, &args.part.resolve()?)?;
    for path in &indexes {
        settings.output.text(path.display())?;
    }
    settings.output.finish(&Indexes { dataset: &args.dataset, indexes })?;
    Ok(Done::Complete)
}
