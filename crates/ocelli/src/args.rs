//! What can be typed: one definition per flag, from which help and completions come.

mod batch_size;
mod file_size;
mod global;
mod image_size;
mod labels;
mod model;
mod model_name;
mod preprocess;
pub(crate) mod recipe;

pub(crate) use batch_size::batch_size;
pub(crate) use file_size::FileSize;
pub(crate) use global::{GlobalArgs, cores};
pub(crate) use image_size::ImageSize;
pub(crate) use labels::LabelArgs;
pub(crate) use model::{CheckpointArgs, ModelArgs, WeightsKeyArgs};
pub(crate) use model_name::ModelName;
pub(crate) use preprocess::PreprocessArgs;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Parser, Subcommand};

use crate::commands::{
    attack, bench, codebook, completions, convert, cost, data, embed, eval, export, models,
    predict, quantize, report, results, search, study, train, version,
};

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

/// The commands, in the order of a classifier's life.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train a network
    Train(train::Args),
    /// Search for a network that is accurate, fast to train and small
    Search(search::Args),
    /// Measure how good a network is
    Eval(eval::Args),
    /// Write what a network makes of pictures, as rows of numbers
    Embed(embed::Args),
    /// Classify pictures
    Predict(predict::Args),
    /// Give a network few bits, in one small file
    Quantize(quantize::Args),
    /// Measure how easily a network is fooled
    Attack(attack::Args),
    /// Put a run, a grid, a search or an attack on one page, or compare networks by size
    Report(report::Args),
    /// Look into networks as the papers did
    Study(study::Args),
    /// List the networks that can be built
    Models(models::Args),
    /// Count parameters, multiply-adds and activations of a network
    Cost(cost::Args),
    /// Turn weights of other projects into safetensors
    Convert(convert::Args),
    /// Write a trained network as an ONNX file, for other runtimes
    Export(export::Args),
    /// Find clusters in rows of numbers, and compress them to codes
    Codebook(codebook::Args),
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
