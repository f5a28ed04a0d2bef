//! `ocelli quantize`: a network of few bits in one small file.

mod args;
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
    let chosen = [
        ("--bits", !args.bits.is_empty()),
        ("--budget", args.budget.is_some()),
        ("--activations", args.activations.is_some()),
        ("--keep", !args.keep.is_empty()),
    ];
    if let Some((flag, _)) = chosen.into_iter().find(|(_, is_given)| *is_given) {
        let message =
            format!("{flag} needs --post-training: without it levels are those of the training");
        return Err(BadUsage(message).into());
    }
    trained_levels::run(args, settings)
}
