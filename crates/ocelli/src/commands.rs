//! The commands, one file each. None of them computes: they call the libraries and show results.

pub(crate) mod attack;
pub(crate) mod bench;
pub(crate) mod codebook;
pub(crate) mod completions;
pub(crate) mod convert;
pub(crate) mod cost;
pub(crate) mod data;
pub(crate) mod embed;
pub(crate) mod eval;
pub(crate) mod export;
pub(crate) mod models;
pub(crate) mod predict;
pub(crate) mod quantize;
pub(crate) mod report;
pub(crate) mod results;
pub(crate) mod search;
pub(crate) mod study;
pub(crate) mod train;
pub(crate) mod version;

use clap::CommandFactory;

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
        Command::Train(args) => train::run(args, settings),
        Command::Search(args) => search::run(&args, settings),
        Command::Eval(args) => eval::run(&args, settings),
        Command::Embed(args) => embed::run(&args, settings),
        Command::Predict(args) => predict::run(&args, settings),
        Command::Quantize(args) => quantize::run(&args, settings),
        Command::Attack(args) => attack::run(&args, settings),
        Command::Report(args) => report::run(&args, settings),
        Command::Study(args) => study::run(&args, settings),
        Command::Models(args) => models::run(&args, settings),
        Command::Cost(args) => cost::run(&args, settings),
        Command::Convert(args) => convert::run(&args, settings),
        Command::Export(args) => export::run(&args, settings),
        Command::Codebook(args) => codebook::run(&args, settings),
        Command::Data(args) => data::run(&args, settings),
        Command::Bench(args) => bench::run(&args, settings),
        Command::Results(args) => results::run(&args, settings),
        Command::Completions(args) => completions::run(&args, Cli::command(), settings),
        Command::Version(args) => version::run(&args, settings),
    }
}
