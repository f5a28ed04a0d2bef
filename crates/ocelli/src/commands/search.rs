//! `ocelli search`: from a network that was made by hand to one that is better for its time.

mod begin;
mod results;
mod watch;

use clap::ValueEnum;
use ocelli::methods::search::{self, End, Proxy, SamplerKind};
use ocelli::train::Machine;
use std::path::PathBuf;

use crate::args::LabelArgs;
use crate::failure::Done;
use crate::settings::Settings;
use crate::signals;
use begin::Begun;
use results::Results;
use watch::Watch;

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
    recipe: Option<String>,
    /// Change one field of the recipe, as in search.space.layers_around=2
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,
    /// The dataset, as in `ocelli data --help`; the same as --set data.source=DATASET
    #[arg(long, value_name = "DATASET")]
    data: Option<String>,
    #[command(flatten)]
    labels: LabelArgs,
    /// How many networks are tried in all; the same as --set search.trials=N
    #[arg(long, value_name = "N")]
    trials: Option<u64>,
    /// How the next network is chosen; the same as --set search.sampler=NAME
    #[arg(long, value_name = "NAME")]
    sampler: Option<Sampler>,
    /// Passes over the training images in each trial; the same as --set search.epochs=N
    #[arg(long, value_name = "N")]
    epochs_per_trial: Option<u64>,
    /// The search's folder [default: runs/RECIPE-1, or the next that is free]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write into --out though it holds other files, over those of the same names
    #[arg(long)]
    force: bool,
    /// Go on with the search in this folder, under its own recipe
    #[arg(long, value_name = "DIR", conflicts_with_all = ["recipe", "out"])]
    resume: Option<PathBuf>,
}

/// The samplers by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Sampler {
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

/// Searches until all trials are made or a signal comes.
pub(crate) fn run(args: &Args, mut settings: Settings) -> anyhow::Result<Done> {
    let stop = signals::stop_flag()?;
    let device = settings.open_device()?;
    let machine = Machine { device, threads: settings.threads, rank: 0, world_size: 1 };
    let Begun { plan, place } = begin::plan(args, settings.seed)?;
    let place = place.claim()?;
    let folder = place.path().to_owned();
    let watch = Watch::new(plan.config().trials);
    let mut trial = watch.trial();
    let proxy = Proxy::new(&plan, &machine, folder.join("trial"), &mut trial, &stop);
    let mut proxy = proxy.inspect_err(|_| place.give_up())?;
    let mut ledger = place.open(&plan)?;
    let (done, trials) = (ledger.trials().len(), plan.config().trials);
    let networks = plan.space().size();
    tracing::info!(
        "{}: {done} of {trials} trials are made; {networks:.2e} networks",
        folder.display()
    );
    let end = search::run(&plan, &mut ledger, &mut proxy, &mut |event| watch.notice(event))?;
    watch.end();

    let results = Results::new(&plan, ledger.trials(), end, &folder);
    results.write()?;
    results.show(&mut settings.output)?;
    settings.output.finish(&results.answer())?;
    if end == End::Interrupted {
        let path = folder.display();
        tracing::info!("interrupted; go on with `ocelli search --resume {path}`");
        return Ok(Done::Interrupted);
    }
    Ok(Done::Complete)
}
