//! `ocelli codebook`: clusters of rows, and rows as codes.

mod decode;
mod encode;
mod files;
mod kmeans;
mod train;

use clap::Subcommand;

use crate::failure::Done;
use crate::settings::Settings;

const EXAMPLES: &str = "\
Rows are a NumPy file with two axes, float32 or float64, as numpy.save writes it.

Examples:
  ocelli codebook kmeans features.npy --k 100 --out clusters.safetensors
  ocelli codebook train features.npy --codebooks 32 --out codebooks.safetensors
  ocelli codebook encode features.npy --with codebooks.safetensors --out codes.safetensors
  ocelli codebook decode codes.safetensors --with codebooks.safetensors --out again.npy";

/// What can be typed after `ocelli codebook`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Find clusters of rows (k-means)
    Kmeans(kmeans::Args),
    /// Make codebooks of rows (product quantization)
    Train(train::Args),
    /// Turn rows into codes
    Encode(encode::Args),
    /// Turn codes into rows
    Decode(decode::Args),
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args, settings: Settings) -> anyhow::Result<Done> {
    match &args.command {
        Command::Kmeans(args) => kmeans::run(args, settings),
        Command::Train(args) => train::run(args, settings),
        Command::Encode(args) => encode::run(args, settings),
        Command::Decode(args) => decode::run(args, settings),
    }
}
