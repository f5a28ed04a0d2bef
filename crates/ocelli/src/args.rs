//! What can be typed: one definition per flag, from which help and completions come.

mod image_size;
mod labels;
mod model;
mod model_name;
mod preprocess;
pub(crate) mod recipe;

pub(crate) use image_size::ImageSize;
pub(crate) use labels::LabelArgs;
pub(crate) use model::{CheckpointArgs, ModelArgs, PlaceArgs};
pub(crate) use model_name::ModelName;
pub(crate) use preprocess::PreprocessArgs;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{ArgAction, Args, ColorChoice, Parser, Subcommand};

use crate::commands::{
    attack, bench, completions, convert, cost, data, eval, models, predict, report, results,
    search, study, train, version,
};
use crate::device::DeviceName;
use crate::memory::Bytes;
use crate::settings::cores;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXAMPLES: &str = "\
Examples:
  ocelli train                          train a small network on embedded images
  ocelli train my.toml --set optimizer.lr=0.05
  ocelli eval runs/my                   measure what the run learnt
  ocelli predict runs/my photos/*.jpg   classify pictures
  ocelli cost ghostnet_100 --layers     count parameters and multiply-adds

Exit codes: 0 done, 1 failed, 2 usage, 3 bad input, 130 interrupted after saving.";

/// Train, evaluate and use image classifiers.
#[derive(Debug, Parser)]
#[command(name = "ocelli", version, styles = STYLES, after_help = EXAMPLES, max_term_width = 100)]
#[command(propagate_version = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that every command has.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// Print one JSON object on stdout, as its last line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The one number from which all random numbers derive
    #[arg(long, global = true, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// How many threads compute and load; the result is the same for any number [default: all cores]
    #[arg(long, global = true, value_name = "N", value_parser = threads)]
    pub(crate) threads: Option<usize>,
    /// Which device computes, as in cpu or cuda:0 [default: cpu]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) device: Option<DeviceName>,
    /// How much memory feature maps and batches may take, as in 12G [default: half of the
    /// machine's]
    #[arg(long, global = true, value_name = "SIZE")]
    pub(crate) max_memory: Option<Bytes>,
    /// Say more; twice for everything
    #[arg(long, short, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Say nothing but warnings and errors
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// When messages have colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorChoice,
}

/// The commands, in the order of a classifier's life.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train a network
    Train(train::Args),
    /// Search for a network that is accurate, fast to train and small
    Search(search::Args),
    /// Measure how good a network is
    Eval(eval::Args),
    /// Classify pictures
    Predict(predict::Args),
    /// Measure how easily a network is fooled
    Attack(attack::Args),
    /// Put everything about a run, a grid, a search or an attack on one page
    Report(report::Args),
    /// Look into networks as the papers did
    Study(study::Args),
    /// List the networks that can be built
    Models(models::Args),
    /// Count parameters, multiply-adds and activations of a network
    Cost(cost::Args),
    /// Turn weights of other projects into safetensors
    Convert(convert::Args),
    /// List, verify and index datasets
    Data(data::Args),
    /// Time networks, kernels and pictures on this machine
    Bench(bench::Args),
    /// Keep measured figures as CSV, and check what pages quote of them
    Results(results::Args),
    /// Print completions for a shell
    Completions(completions::Args),
    /// Print the version and what this build can do
    Version(version::Args),
}

/// So many threads are accepted on any machine; beyond, a few for each of its cores.
const THREADS_ANYWHERE: usize = 256;

/// A number of images for a forward pass.
pub(crate) fn batch_size(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(size) if (1..=1 << 20).contains(&size) => Ok(size),
        _ => Err("expected 1 to 1048576 images".to_owned()),
    }
}

/// A number of threads that this machine can bear.
fn threads(text: &str) -> Result<usize, String> {
    let most = THREADS_ANYWHERE.max(4 * cores());
    match text.parse() {
        Ok(threads) if (1..=most).contains(&threads) => Ok(threads),
        _ => Err(format!("expected 1 to {most} threads")),
    }
}
