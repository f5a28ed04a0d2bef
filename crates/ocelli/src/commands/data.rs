//! `ocelli data`: what is in a dataset, and whether it can be read.

mod index;
mod list;
mod part;
mod verify;

use clap::Subcommand;

use crate::failure::Done;
use crate::settings::Settings;
use part::DATASETS;

/// What can be typed after `ocelli data`.
#[derive(Debug, clap::Args)]
#[command(after_help = DATASETS)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Count the images of each class, or list the embedded datasets
    List(list::Args),
    /// Read and decode every image, and list the ones that cannot be
    Verify(verify::Args),
    /// Write an index beside each tar, so that it opens at once
    Index(index::Args),
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args, settings: Settings) -> anyhow::Result<Done> {
    match &args.command {
        Command::List(args) => list::run(args, settings),
        Command::Verify(args) => verify::run(args, settings),
        Command::Index(args) => index::run(args, settings),
    }
}
