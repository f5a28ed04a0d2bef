//! `ocelli train`: from a recipe to a run's folder.

mod begin;
mod watch;

use ocelli::train::{
    Best, Evaluation, Local, MODEL, Machine, Outcome, Parts, Setup, Summary, Supervised, Trained,
    Trainer, evaluate,
};
use serde::Serialize;
use std::path::{Path, PathBuf};

use crate::commands::report::{self, SavedEvaluation};
use crate::failure::Done;
use crate::output::{Output, grouped, percent};
use crate::settings::Settings;
use crate::signals;
use begin::Plan;
use watch::Watch;

const EXAMPLES: &str = "\
Everything that decides the result is in the recipe; the run's folder gets a copy with every field
filled in. A run can be killed at any time and resumed, with the same result to the bit.

Examples:
  ocelli train
  ocelli train --data photos/ --model ghostnet_100 --pretrained ghostnet.safetensors --reset-head
  ocelli train my.toml --set optimizer.lr=0.05 --set train.epochs=30 --out runs/slow
  ocelli train cifar10-resnet20 --data 'cifar10/{split}.tar' --max-hours 0.5
  ocelli train my.toml --out runs/slow --resume auto
  ocelli train --resume runs/slow";

/// What can be typed after `ocelli train`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A recipe file, or the name of a recipe that comes with ocelli: default,
    /// cifar10-ghostnet_small or cifar10-resnet20 [default: default; with --data or --model what
    /// every field is by default]
    #[arg(value_name = "RECIPE")]
    recipe: Option<String>,
    /// Change one field of the recipe, as in optimizer.lr=0.05
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,
    /// The dataset, as in `ocelli data --help`; the same as --set data.source=DATASET
    #[arg(long, value_name = "DATASET")]
    data: Option<String>,
    /// The network, as in `ocelli models`; the same as --set model.name=NAME
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Weights to start from; the same as --set model.weights=FILE
    #[arg(long, value_name = "FILE")]
    pretrained: Option<PathBuf>,
    /// Give the classifier fresh weights, where the pretrained one has other classes
    #[arg(long)]
    reset_head: bool,
    /// The run's folder [default: runs/RECIPE-1, or the next that is free]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
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
}

#[derive(Serialize)]
struct Answer<'a> {
    run: &'a Path,
    outcome: &'static str,
    steps: u64,
    epochs: f64,
    seconds: f64,
    images_per_second: f64,
    samples: Option<u64>,
    correct: Option<u64>,
    top1: Option<f64>,
    top5: Option<f64>,
    best_top1: Option<f64>,
    best_step: Option<u64>,
    model: Option<PathBuf>,
}

/// Trains until the recipe's end, a limit or a signal.
pub(crate) fn run(args: &Args, mut settings: Settings) -> anyhow::Result<Done> {
    let stop = signals::stop_flag()?;
    let device = settings.open_device()?;
    let Plan { recipe, place } = begin::plan(args, settings.seed)?;
    let machine =
        Machine { device: device.clone(), threads: settings.threads, rank: 0, world_size: 1 };
    let setup = Setup::new(&recipe, &machine)?;
    if let Some(report) = &setup.weights {
        tracing::info!("{report}");
    }
    let mut run = place.open()?;
    let folder = run.path().to_owned();
    tracing::info!("run: {}", folder.display());
    let classes = setup.train.source().classes().to_vec();
    let mut watch = Watch::new(&folder, recipe.train.max_steps);
    let mut summary = Trainer::new(Parts {
        recipe: &recipe,
        network: setup.network,
        method: &mut Supervised,
        train: &setup.train,
        eval: Some(&setup.eval),
        run: &mut run,
        metadata: setup.metadata,
        group: &Local,
        observer: &mut watch,
        stop: &stop,
    })?
    .run()?;
    drop(watch);

    if summary.evaluation.is_none() && summary.outcome != Outcome::Interrupted {
        // The run had ended and been evaluated before.
        let network = Trained::open(&folder, None, &device)?.network;
        summary.evaluation = Some(evaluate(&network, &setup.eval, &Local, &mut |_| {})?);
    }
    if let Some(evaluation) = &summary.evaluation {
        SavedEvaluation::new(summary.state.step, classes, evaluation).save(&folder)?;
    }
    report::write(&folder)?;
    show(&mut settings.output, &folder, &summary)?;
    settings.output.finish(&answer(&folder, &summary))?;
    if summary.outcome == Outcome::Interrupted {
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

/// Shows where the run stands.
fn show(output: &mut Output, folder: &Path, summary: &Summary) -> anyhow::Result<()> {
    let state = &summary.state;
    let lines = [
        ("run", folder.display().to_string()),
        ("steps", format!("{} in {:.0} s", grouped(state.step), state.seconds)),
        ("speed", format!("{:.0} images/s", summary.images_per_second)),
    ];
    for (name, value) in lines {
        output.text(format_args!("{name:<7}  {value}"))?;
    }
    if let Some(Evaluation { scores, .. }) = &summary.evaluation {
        let counts = format!("({} of {})", grouped(scores.correct), grouped(scores.samples));
        output.text(format_args!("top-1    {} {counts}", percent(scores.top1)))?;
        output.text(format_args!("top-5    {}", percent(scores.top5)))?;
    }
    if let Some(best) = state.best {
        let step = grouped(best.step);
        output.text(format_args!("best     {} top-1 at step {step}", percent(share(best))))?;
    }
    Ok(())
}

/// The top-1 accuracy of an evaluation.
fn share(Best { correct, samples, .. }: Best) -> f64 {
    correct as f64 / samples as f64
}

fn answer<'a>(folder: &'a Path, summary: &Summary) -> Answer<'a> {
    let state = &summary.state;
    let scores = summary.evaluation.as_ref().map(|evaluation| &evaluation.scores);
    Answer {
        run: folder,
        outcome: match summary.outcome {
            Outcome::Finished => "finished",
            Outcome::LimitReached => "limit_reached",
            Outcome::Interrupted => "interrupted",
        },
        steps: state.step,
        epochs: state.step as f64 / state.steps_per_epoch as f64,
        seconds: state.seconds,
        images_per_second: summary.images_per_second,
        samples: scores.map(|scores| scores.samples),
        correct: scores.map(|scores| scores.correct),
        top1: scores.map(|scores| scores.top1),
        top5: scores.map(|scores| scores.top5),
        best_top1: state.best.map(share),
        best_step: state.best.map(|best| best.step),
        model: summary.checkpoint.as_ref().map(|saved| saved.file(MODEL)),
    }
}
