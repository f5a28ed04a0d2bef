//! The commands, one file each. None of them computes: they call the libraries and show results.

pub(crate) mod completions;
pub(crate) mod cost;
pub(crate) mod data;
pub(crate) mod models;
pub(crate) mod version;

use crate::args::{Cli, Command};
use crate::failure::Done;
use crate::settings::Settings;

/// Runs the command that was typed.
///
/// # Errors
/// When it fails, with the whole chain of causes.
pub(crate) fn run(cli: Cli) -> anyhow::Result<Done> {
    let settings = Settings::resolve(cli.global)?;
    match cli.command {
        Command::Models(args) => models::run(&args, settings),
        Command::Cost(args) => cost::run(&args, settings),
        Command::Data(args) => data::run(&args, settings),
        Command::Completions(args) => completions::run(&args, settings),
        Command::Version(args) => version::run(&args, settings),
    }
}
