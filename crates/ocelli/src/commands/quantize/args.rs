//! What can be typed after `ocelli quantize`.

use clap::value_parser;
use ocelli::kernels::quantize::Per;
use std::path::PathBuf;

use crate::args::{FileSize, LabelArgs, ModelArgs, PreprocessArgs, batch_size};

const EXAMPLES: &str = "\
A network whose weights were trained on few levels is packed as it is: nothing is lost. Any other is quantized \
without training (--post-training): weights are put on evenly spaced levels from the least to the \
greatest, with zero among them, for each output channel; normalisations are folded before. 8 bits \
cost next to nothing; below 4 bits networks have to be trained for it. With --budget each layer gets \
1, 2, 3, 4 or 8 bits, more where the loss on calibration images says so. With --activations the values that \
layers read are on levels too, whose ranges are seen on calibration images and kept in the file.

With --bits and a run, the run's network is trained further on the run's images, by its recipe: weights are \
mixtures of quantizers of these bits (DQA), which harden to the first. The rate falls from a hundredth of the \
run's along a cosine. --activations N trains what layers read as well, from N bits up. The folder --out gets \
this training too, in run; it can be killed at any time, and the same command goes on.

The folder --out gets packed.safetensors, which alone is enough for eval, predict and attack; \
report.html; and quantize.json.

Examples:
  ocelli quantize runs/photos --bits 2,4,8 --epochs 3 --out q2
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
    pub(super) model_path: Option<PathBuf>,
    /// Quantize the weights as they are, without training
    #[arg(long)]
    pub(super) post_training: bool,
    /// Bits of each weight, 1 to 8; 5 to 7 are stored as 8 [default: 8]. Without --post-training those of
    /// the quantizers that a further training mixes, fewest first, as in 2,4,8: the first is left
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = value_parser!(u32).range(1..=8))]
    pub(super) bits: Vec<u32>,
    /// How many epochs a run is trained further with --bits [default: 3]
    #[arg(long, value_name = "N", conflicts_with = "post_training", requires = "bits")]
    #[arg(value_parser = value_parser!(u64).range(1..))]
    pub(super) epochs: Option<u64>,
    /// The first rate of a further training [default: a hundredth of the run's peak]
    #[arg(long, value_name = "RATE", conflicts_with = "post_training", requires = "bits")]
    #[arg(value_parser = rate)]
    pub(super) lr: Option<f64>,
    /// The largest file, as in 120kB of 1,000 bytes each; layers get different bits
    #[arg(long, value_name = "SIZE", conflicts_with = "bits")]
    pub(super) budget: Option<FileSize>,
    /// Bits of the values that layers read, 1 to 8; of 8 the image too [default: floats]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=8))]
    pub(super) activations: Option<u32>,
    /// Which weights of a layer share their levels [default: channel; tensor in a further training]
    #[arg(long, value_name = "tensor|channel")]
    pub(super) per: Option<Share>,
    /// Layers that stay floats, as in fc or 'blocks.0.*'; may be given several times
    #[arg(long, value_name = "GLOB")]
    pub(super) keep: Vec<String>,
    /// The dataset, as in `ocelli data --help` [default: that of the run]
    #[arg(long, value_name = "DATASET")]
    pub(super) data: Option<String>,
    /// How many images of the training part losses and ranges are measured on, drawn by --seed
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = value_parser!(u64).range(1..))]
    pub(super) calibration: u64,
    /// The folder to write [default: quantized in the run's folder]
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Write into --out though it holds other files, over those of the same names
    #[arg(long)]
    pub(super) force: bool,
    /// Images per forward pass
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = batch_size)]
    pub(super) batch_size: usize,
    #[command(flatten)]
    pub(super) classes: LabelArgs,
    #[command(flatten)]
    pub(super) model: ModelArgs,
    #[command(flatten)]
    pub(super) preprocess: PreprocessArgs,
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        _ => Err("expected a number above 0".to_owned()),
    }
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum Share {
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
