//! `ocelli bench`: how fast this machine is with networks, kernels and pictures, beside others.
//!
//! Figures of one machine differ by tens of per cent from minute to minute. So contestants take
//! turns, round after round, and medians over the rounds are compared; single runs never are.

mod attack;
mod backbones;
mod contest;
mod data;
mod integers;
mod kernels;
mod model_at_size;
mod models;
mod peer;
mod report;
mod simclr;

use clap::{Subcommand, value_parser};
use ocelli::results::check_build;
use std::path::PathBuf;

use crate::failure::Done;
use crate::own_files::check_file;
use crate::settings::Settings;
use contest::Contest;
use report::Report;

const EXAMPLES: &str = "\
Contestants take turns in rounds, and the medians over the rounds are shown. Peers are other \
projects, run by a Python that has the packages of bench/peers/requirements.txt.

Examples:
  ocelli bench models ghostnet_100
  ocelli bench models --peers venv/bin/python --out models.csv
  ocelli bench backbones --out backbones.csv
  ocelli bench backbones 'ghostnet_*' --only-inference --rounds 3
  ocelli bench integers resnet18 --layers --peers venv/bin/python
  ocelli bench kernels ghostnet_100 tf_efficientnetv2_b0 --peers venv/bin/python
  ocelli bench attack --weights weights --peers venv/bin/python --out attack.csv
  ocelli bench data photos.tar --threads 1 --json";

/// What can be typed after `ocelli bench`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    contest: ContestArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Time inference and training steps of whole networks
    Models(models::Args),
    /// Time a training step of SimCLR: two views of each picture, a projection head, all pairs
    Simclr(simclr::Args),
    /// List what every network costs, how fast it is, and how good it is known to be
    Backbones(backbones::Args),
    /// Time each convolution of a network, forward and backward
    Kernels(kernels::Args),
    /// Time networks of eight bits on integers, beside floats and ONNX Runtime on the same networks
    Integers(integers::Args),
    /// Time the one-pixel attack: evaluations a second, by delta inference and with whole images
    Attack(attack::Args),
    /// Time how fast pictures are decoded and prepared for training
    Data(data::Args),
}

/// How contestants are measured.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Contest options")]
struct ContestArgs {
    /// How many turns every contestant has
    #[arg(long, global = true, value_name = "N", default_value_t = 5)]
    #[arg(value_parser = value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// The least length of a turn; at least one pass is measured
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 0.3)]
    #[arg(value_parser = seconds)]
    turn: f64,
    /// Measure other projects in turns with this one, run by this Python
    #[arg(long, global = true, value_name = "PYTHON")]
    peers: Option<PathBuf>,
    /// Write the figures as CSV too
    #[arg(long, global = true, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace the file of --out, whatever it holds
    #[arg(long, global = true)]
    force: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.0..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("expected 0 to 3600 seconds".to_owned()),
    }
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args, mut settings: Settings) -> anyhow::Result<Done> {
    if let Some(path) = &args.contest.out {
        check_file(path, report::HEAD, args.contest.force)?;
        check_build(path, args.contest.force)?;
    }
    let mut contest = Contest::new(&args.contest, settings.threads);
    match &args.command {
        Command::Backbones(backbones) => {
            return backbones::run(backbones, &args.contest, &contest, settings);
        }
        Command::Attack(attack) => {
            return attack::run(attack, &args.contest, &mut contest, settings);
        }
        Command::Integers(integers) => {
            return integers::run(integers, &args.contest, contest, settings);
        }
        Command::Models(args) => models::run(args, &settings, &mut contest)?,
        Command::Simclr(args) => simclr::run(args, &settings, &mut contest)?,
        Command::Kernels(args) => kernels::run(args, &mut contest)?,
        Command::Data(args) => data::run(args, &settings, &mut contest)?,
    }
    let report = Report::new(&settings, args.contest.rounds, contest.finish());
    settings.output.text(&report)?;
    if let Some(path) = &args.contest.out {
        report.write_csv(path)?;
    }
    settings.output.finish(&report)?;
    Ok(Done::Complete)
}
