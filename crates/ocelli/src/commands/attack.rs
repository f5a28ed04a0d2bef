//! `ocelli attack`: how easily a network is fooled.

mod one_pixel;

use clap::Subcommand;

use crate::failure::Done;
use crate::settings::Settings;

/// What can be typed after `ocelli attack`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Change a pixel or a few, found by differential evolution
    OnePixel(Box<one_pixel::Args>),
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args, settings: Settings) -> anyhow::Result<Done> {
    match &args.command {
        Command::OnePixel(args) => one_pixel::run(args, settings),
    }
}
