//! `ocelli study`: what papers found out about networks, done again with any network and any data.

mod ghost_redundancy;
mod loss_surface;

use clap::Subcommand;

use crate::failure::Done;
use crate::settings::Settings;

/// What can be typed after `ocelli study`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Find feature maps that are alike, and fit the cheap operations that make one of another
    GhostRedundancy(ghost_redundancy::Args),
    /// Draw the loss around trained weights, in full precision and quantized
    LossSurface(loss_surface::Args),
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args, settings: Settings) -> anyhow::Result<Done> {
    match &args.command {
        Command::GhostRedundancy(args) => ghost_redundancy::run(args, settings),
        Command::LossSurface(args) => loss_surface::run(args, settings),
    }
}
