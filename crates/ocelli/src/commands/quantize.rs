//! `ocelli quantize`: a network of few bits in one small file.

mod args;
mod further_training;
mod images;
mod page;
mod post_training;
mod result;
mod subject;
mod trained_levels;

pub(crate) use args::Args;

use crate::failure::{BadUsage, Done};
use crate::settings::Settings;

/// Quantizes the network.
pub(crate) fn run(args: &Args, settings: Settings) -> anyhow::Result<Done> {
    if args.post_training {
        return post_training::run(args, settings);
    }
    if !args.bits.is_empty() {
        return further_training::run(args, settings);
    }
    let chosen = [
        ("--budget", args.budget.is_some(), "--post-training"),
        ("--activations", args.activations.is_some(), "--bits or --post-training"),
        ("--keep", !args.keep.is_empty(), "--bits or --post-training"),
        ("--per", args.per.is_some(), "--bits or --post-training"),
    ];
    if let Some((flag, _, needed)) = chosen.into_iter().find(|(_, is_given, _)| *is_given) {
        let message = format!("{flag} needs {needed}: without it levels are those of the training");
        return Err(BadUsage(message).into());
    }
    trained_levels::run(args, settings)
}
