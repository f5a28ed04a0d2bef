//! What can be typed after `ocelli search`.

use clap::ValueEnum;
use ocelli::methods::search::SamplerKind;
use std::path::PathBuf;

use crate::args::LabelArgs;

const EXAMPLES: &str = "\
Tries networks around an EfficientNetV2, each in a short training on a part of the training images, and \
weighs accuracy against the time of a training step on this device and the number of parameters. What \
was tried is in DIR/ledger.jsonl and DIR/trials.csv; DIR/winner.toml is the recipe of the best network \
at full length. A search can be killed at any time and goes on with --resume.

Examples:
  ocelli search --trials 4                  on embedded images
  ocelli search cifar10-search --data 'cifar10/{split}.tar' --out runs/search
  ocelli search --resume runs/search --trials 80
  ocelli train runs/search/winner.toml";

/// What can be typed after `ocelli search`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A recipe file, which may have a section [search], or the name of one that comes with ocelli:
    /// search or cifar10-search [default: search]
    #[arg(value_name = "RECIPE")]
    pub(super) recipe: Option<String>,
    /// Change one field of the recipe, as in search.space.layers_around=2
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    pub(super) set: Vec<String>,
    /// The dataset, as in `ocelli data --help`; the same as --set data.source=DATASET
    #[arg(long, value_name = "DATASET")]
    pub(super) data: Option<String>,
    #[command(flatten)]
    pub(super) labels: LabelArgs,
    /// How many networks are tried in all; the same as --set search.trials=N
    #[arg(long, value_name = "N")]
    pub(super) trials: Option<u64>,
    /// How the next network is chosen; the same as --set search.sampler=NAME
    #[arg(long, value_name = "NAME")]
    pub(super) sampler: Option<Sampler>,
    /// Passes over the training images in each trial; the same as --set search.epochs=N
    #[arg(long, value_name = "N")]
    pub(super) epochs_per_trial: Option<u64>,
    /// The search's folder [default: runs/RECIPE-1, or the next that is free]
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Write into --out though it holds other files, over those of the same names
    #[arg(long)]
    pub(super) force: bool,
    /// Go on with the search in this folder, under its own recipe
    #[arg(long, value_name = "DIR", conflicts_with_all = ["recipe", "out"])]
    pub(super) resume: Option<PathBuf>,
}

/// The samplers by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Sampler {
    /// Every network is as probable as any other
    Random,
    /// Mutations of the best of the last trials
    Evolution,
    /// A policy that makes what was rewarded more probable
    Reinforce,
}

impl From<Sampler> for SamplerKind {
    fn from(sampler: Sampler) -> Self {
        match sampler {
            Sampler::Random => Self::Random,
            Sampler::Evolution => Self::Evolution,
            Sampler::Reinforce => Self::Reinforce,
        }
    }
}
