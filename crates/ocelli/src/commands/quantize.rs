//! `ocelli quantize`: a network of few bits in one small file.

mod answer;
mod images;
mod page;
mod post_training;
mod trained_levels;
mod work;

use clap::value_parser;
use ocelli::kernels::quantize::Per;
use std::path::PathBuf;

use crate::args::{FileSize, LabelArgs, ModelArgs, PreprocessArgs, batch_size};
use crate::failure::{BadUsage, Done};
use crate::settings::Settings;

const EXAMPLES: &str = "\
A network whose weights were trained on few levels is packed as it is: nothing is lost. Any other is quantized \
without training (--post-training): weights are put on evenly spaced levels from the least to the \
greatest, with zero among them, for each output channel; normalisations are folded before. 8 bits \
cost next to nothing; below 4 bits networks have to be trained for it. With --budget each layer gets \
1, 2, 3, 4 or 8 bits, more where the loss on calibration images says so. With --activations the values that \
layers read are on levels too, whose ranges are seen on calibration images and kept in the file.

The folder --out gets packed.safetensors, which alone is enough for eval, predict and attack; \
report.html; and quantize.json.

Examples:
  ocelli quantize runs/photos --post-training
  ocelli quantize --model resnet20_cifar --weights resnet20.th --post-training --bits 8 \\
      --activations 8 --data 'cifar10/{split}.tar' --out q --json
  ocelli quantize runs/photos --post-training --budget 120kB --keep fc --out small
  ocelli eval q/packed.safetensors --data cifar10/test.tar";

/// What can be typed after `ocelli quantize`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A run's folder, a checkpoint or a file of weights
    #[arg(value_name = "MODEL")]
    model_path: Option<PathBuf>,
    /// Quantize the weights as they are, without training
    #[arg(long)]
    post_training: bool,
    /// Bits of each weight, 1 to 8; 5 to 7 are stored as 8 [default: 8]
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = value_parser!(u32).range(1..=8))]
    bits: Vec<u32>,
    /// The largest file, as in 120kB of 1,000 bytes each; layers get different bits
    #[arg(long, value_name = "SIZE", conflicts_with = "bits")]
    budget: Option<FileSize>,
    /// Bits of the values that layers read, 1 to 8; of 8 the image too [default: floats]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=8))]
    activations: Option<u32>,
    /// Which weights of a layer share their levels
    #[arg(long, value_name = "tensor|channel", default_value = "channel")]
    per: Share,
    /// Layers that stay floats, as in fc or 'blocks.0.*'; may be given several times
    #[arg(long, value_name = "GLOB")]
    keep: Vec<String>,
    /// The dataset, as in `ocelli data --help` [default: that of the run]
    #[arg(long, value_name = "DATASET")]
    data: Option<String>,
    /// How many images of the training part losses and ranges are measured on, drawn by --seed
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = value_parser!(u64).range(1..))]
    calibration: u64,
    /// The folder to write [default: quantized in the run's folder]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write into --out though it holds other files, over those of the same names
    #[arg(long)]
    force: bool,
    /// Images per forward pass
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = batch_size)]
    batch_size: usize,
    #[command(flatten)]
    classes: LabelArgs,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    preprocess: PreprocessArgs,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Share {
    Tensor,
    Channel,
}

impl From<Share> for Per {
    fn from(share: Share) -> Self {
        match share {
            Share::Tensor => Self::Tensor,
            Share::Channel => Self::Channel,
        }
    }
}

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
