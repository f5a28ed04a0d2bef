//! `ocelli results`: figures that were measured, and the pages that quote them.

mod add;
mod check;

use clap::Subcommand;

use crate::failure::Done;
use crate::settings::Settings;

const EXAMPLES: &str = "\
Every row has the columns date, machine, command, commit and seed. Pages quote a figure beside a comment that does not show:

  <!-- result: one_pixel.csv model=lenet* seed=0 success_rate~52.4% -->

Examples:
  ocelli results check
  ocelli results add decode.csv seed=0 'command=decode a.tar' seconds=5.1";

/// What can be typed after `ocelli results`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read every file, and compare every figure that a page quotes with its row
    Check(check::Args),
    /// Append a row to a file, or begin one
    Add(add::Args),
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args, settings: Settings) -> anyhow::Result<Done> {
    match &args.command {
        Command::Check(args) => check::run(args, settings),
        Command::Add(args) => add::run(args, settings),
    }
}
