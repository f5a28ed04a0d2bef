//! `ocelli train`: from a recipe to a run's folder.

mod begin;
mod data;
mod grid;
mod session;
mod summary;
mod watch;

use ocelli::train::TrainOutcome;
use ocelli::train::grid::Axis;
use std::cell::RefCell;
use std::path::PathBuf;

use crate::args::{CheckpointArgs, LabelArgs, ModelName, WeightsKeyArgs};
use crate::failure::Done;
use crate::settings::Settings;
use crate::signals;
use session::Trained;

pub(crate) use begin::{TrainPlan, check_same};
pub(crate) use session::Session;

const EXAMPLES: &str = "\
Everything that decides the result is in the recipe; the run's folder gets a copy with every field \
filled in. A run can be killed at any time and resumed, with the same result to the bit.

Examples:
  ocelli train
  ocelli train --pretrained lite0.safetensors --data photos/ --reset-head
  ocelli train my.toml --set optimizer.lr=0.05 --set train.epochs=30 --out slow
  ocelli train cifar10-resnet20 --data 'cifar10/{split}.tar' --max-hours 0.5
  ocelli train my.toml --grid optimizer.lr=0.05,0.1 --grid seed=0,1 --out rates
  ocelli train my.toml --out slow --resume auto
  ocelli train --resume slow";

/// What can be typed after `ocelli train`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A recipe file, or the name of a recipe that comes with ocelli, as in cifar10-resnet20
    /// [default: default; with --pretrained finetune; with --data or --model what every field is
    /// by default]
    #[arg(value_name = "RECIPE")]
    recipe: Option<String>,
    /// Change one field of the recipe, as in optimizer.lr=0.05
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,
    /// The dataset, as in `ocelli data --help`; the same as --set data.source=DATASET
    #[arg(long, value_name = "DATASET")]
    data: Option<String>,
    #[command(flatten)]
    labels: LabelArgs,
    /// The network, as in `ocelli models`; the same as --set model.name=NAME
    #[arg(long, value_name = "NAME", value_parser = ModelName, hide_possible_values = true)]
    model: Option<String>,
    /// Weights to start from, of any project, or a run's folder. Network and preprocessing are
    /// those of the weights, unless the recipe says otherwise
    #[arg(long, value_name = "FILE|RUN")]
    pretrained: Option<PathBuf>,
    #[command(flatten)]
    weights: WeightsKeyArgs,
    #[command(flatten)]
    checkpoint: CheckpointArgs,
    /// Start the classifier anew, at zero, for classes other than the pretrained ones
    #[arg(long)]
    reset_head: bool,
    /// Train once for every value of a field, and for every combination with other axes. The
    /// grid's folder gets a run for each, and grid.csv; a grid goes on where it stopped
    #[arg(long, value_name = "SECTION.KEY=V,V,…", conflicts_with = "resume")]
    grid: Vec<Axis>,
    /// Show what would be trained and what each network costs, and train nothing
    #[arg(long, conflicts_with = "resume")]
    dry_run: bool,
    /// The run's folder [default: runs/RECIPE-1, or the next that is free]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write into --out though it holds other files, over those of the same names
    #[arg(long)]
    force: bool,
    /// Go on with a run: `auto` for the one in --out or the newest of the same recipe, beginning
    /// one if there is none; or a run's folder
    #[arg(long, value_name = "auto|RUN")]
    resume: Option<String>,
    /// Stop after so many steps in all; the schedule does not know of it
    #[arg(long, value_name = "N")]
    max_steps: Option<u64>,
    /// Stop after so many hours of training in all
    #[arg(long, value_name = "HOURS", allow_negative_numbers = true, value_parser = hours)]
    max_hours: Option<f64>,
    /// Attack so many images at evaluations, one pixel each, in this session; the share that is fooled
    /// is attack/success_rate in metrics.jsonl
    #[arg(long, value_name = "IMAGES", value_parser = clap::value_parser!(u64).range(1..))]
    eval_attack: Option<u64>,
    /// Attack once in so many epochs, at the first evaluation when they are over
    #[arg(long, value_name = "EPOCHS", default_value_t = 1, requires = "eval_attack")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    eval_attack_every: u64,
}

impl Args {
    /// Images that are attacked at evaluations, and each how many epochs.
    fn eval_attack(&self) -> Option<(u64, u64)> {
        self.eval_attack.map(|images| (images, self.eval_attack_every))
    }
}

/// Trains until the recipe's end, a limit or a signal.
pub(crate) fn run(args: Args, mut settings: Settings) -> anyhow::Result<Done> {
    let args = &begin::with_weights_found(args)?;
    if args.resume.as_deref().is_none_or(|resume| resume == "auto") {
        let grid = begin::grid(args, settings.seed)?;
        if args.dry_run || !grid.is_single() {
            return grid::run(args, &grid, settings);
        }
    }
    let stop = signals::stop_flag()?;
    let session = Session {
        device: settings.open_device()?,
        threads: settings.threads,
        eval_attack: args.eval_attack(),
        stop,
        memory: settings.memory,
        records: RefCell::default(),
    };
    let Trained { folder, summary, not_images } =
        session.train(begin::plan(args, settings.seed)?)?;
    summary::show(&mut settings.output, &folder, &summary)?;
    settings.output.finish(&summary::json(&folder, &summary, not_images))?;
    if summary.outcome == TrainOutcome::Interrupted {
        let path = folder.display();
        tracing::info!("interrupted and saved; go on with `ocelli train --resume {path}`");
        return Ok(Done::Interrupted);
    }
    Ok(Done::Complete)
}

fn hours(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(hours) if hours.is_finite() && hours > 0.0 => Ok(hours),
        _ => Err("expected a number of hours above 0".to_owned()),
    }
}
