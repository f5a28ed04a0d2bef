//! `ocelli attack one-pixel`: differential evolution against a network, a pixel or a few at a time.

mod adversaries;
mod begin;
mod page;
mod progress;
mod results;
mod subject;
mod tables;

use clap::ValueEnum;
use ocelli::data::Split;
use ocelli::methods::one_pixel::{self, AttackPlan, Compiled, End, Preset, Summary};
use std::path::{Path, PathBuf};

use crate::args::{LabelArgs, ModelArgs, PreprocessArgs};
use crate::failure::Done;
use crate::settings::Settings;
use crate::signals;
use begin::BegunAttack;
use progress::Watch;
use results::Results;

const EXAMPLES: &str = "\
An attack draws images that the network classifies rightly, and for each looks for pixels whose change \
makes another class of it: every other class in turn (--targeted), or any (--untargeted). Who is \
attacked and how is in DIR/attack.toml, every attempt in DIR/results.csv, the rates in DIR/summary.json. \
An attack can be killed at any time and goes on with --resume to the same results. \
What it finds in training images (--split train) makes a network harder to fool that is trained on it \
too: --save-adversaries, then `ocelli train --set data.extra=DIR/adversaries.tar`.

Examples:
  ocelli attack one-pixel runs/photos --images 20
  ocelli attack one-pixel --weights resnet20.th --model resnet20_cifar \\
      --data cifar10.tar --pixels 1,3,5 --untargeted --out attacks/resnet20
  ocelli attack one-pixel --resume attacks/resnet20 --images 500
  ocelli attack one-pixel runs/photos --untargeted --fewest --pixels 1,2,3,5
  ocelli attack one-pixel runs/photos --split train --save-adversaries
  ocelli attack one-pixel runs/photos --preset scipy-peer --baseline random
  ocelli attack one-pixel runs/photos --untargeted --compare fgsm,local-search
  ocelli attack one-pixel runs/photos --set evolution.bounds=reflect";

/// What can be typed after `ocelli attack one-pixel`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch that a user turns")]
pub(super) struct Args {
    /// A run's folder, a checkpoint or a file of weights
    #[arg(value_name = "MODEL")]
    model_path: Option<PathBuf>,
    /// The dataset, as in `ocelli data --help` [default: that of the run]
    #[arg(long, value_name = "DATASET")]
    data: Option<String>,
    /// A file that says which images are of further classes; they are passed over [default: that of the
    /// run, for its own dataset]
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// The part, where a dataset has two; of a run's own dataset `train` is what it trained on, `test`
    /// what it did not [default: test]
    #[arg(long, value_name = "train|test")]
    split: Option<Split>,
    #[command(flatten)]
    classes: LabelArgs,
    /// How many images are attacked [default: 500]
    #[arg(long, value_name = "N")]
    images: Option<u64>,
    /// How many pixels may change; each number makes attempts of its own [default: 1]
    #[arg(long, visible_alias = "grid", value_name = "D,…", value_delimiter = ',')]
    pixels: Option<Vec<usize>>,
    /// Look for the fewest pixels: larger numbers are tried where smaller ones fail, and rates are of so
    /// many or fewer [--pixels is 1,2,3,4,5 by default then]
    #[arg(long)]
    fewest: bool,
    /// Every other class is a target; the default unless --untargeted is given
    #[arg(long)]
    targeted: bool,
    /// Any other class will do; with --targeted both are tried
    #[arg(long)]
    untargeted: bool,
    /// Settings by name, which single options change [default: paper]
    #[arg(long, value_name = "NAME")]
    preset: Option<Named>,
    /// Individuals of a population [default: 400]
    #[arg(long, value_name = "N")]
    population: Option<usize>,
    /// Generations after the first population [default: 100]
    #[arg(long, value_name = "N")]
    generations: Option<u64>,
    /// The most evaluations of an attempt
    #[arg(long, value_name = "N")]
    budget: Option<u64>,
    /// What else is tried on each image, with as many evaluations
    #[arg(long, value_name = "NAME")]
    baseline: Option<Baseline>,
    /// Other attacks on the same images, which change more than a few pixels; each is in DIR/rivals.csv,
    /// and set as in --set compare.epsilon=4
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    compare: Option<Vec<NamedRival>>,
    /// Try everything that one pixel can be, too: for small grey images
    #[arg(long)]
    oracle: bool,
    /// How candidates are computed: whole, or only where they differ from their image [default: auto]
    #[arg(long, value_name = "WAY")]
    inference: Option<Way>,
    /// Write the images that are fooled, with their changes, to DIR/adversaries.tar, a dataset
    #[arg(long)]
    save_adversaries: bool,
    /// Change any setting of attack.toml, as in evolution.bounds=reflect
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// The attack's folder [default: runs/attack-1, or the next that is free]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write into --out though it holds other files, over those of the same names
    #[arg(long)]
    force: bool,
    /// Go on with the attack in this folder, under its own settings
    #[arg(long, value_name = "DIR", conflicts_with_all = ["model_path", "out", "preset"])]
    resume: Option<PathBuf>,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    preprocess: PreprocessArgs,
}

/// The presets by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Named {
    /// The settings of Su et al., 2019
    Paper,
    /// Those of implementations that build on SciPy's evolution
    ScipyPeer,
}

impl From<Named> for Preset {
    fn from(named: Named) -> Self {
        match named {
            Named::Paper => Self::Paper,
            Named::ScipyPeer => Self::ScipyPeer,
        }
    }
}

/// The ways of computing candidates by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Way {
    /// Only where they differ, on the CPU and for networks that allow it
    Auto,
    /// As whole images
    Dense,
    /// Only where they differ
    Delta,
}

/// Other attacks by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum NamedRival {
    /// The fast gradient sign method: every pixel, a little
    Fgsm,
    /// Greedy local search: a few dozen pixels, a lot
    LocalSearch,
}

/// The baselines by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Baseline {
    /// Nothing
    None,
    /// Random pixels of random colours
    Random,
}

/// Attacks until all attempts are made or a signal comes.
pub(super) fn run(args: &Args, mut settings: Settings) -> anyhow::Result<Done> {
    let stop = signals::stop_flag()?;
    let device = settings.open_device()?;
    let BegunAttack { config, subject, trained, source, record, folder } =
        begin::begin(args, settings.seed, &device)?;
    settings.memory.check_inference(
        &trained.file.display().to_string(),
        &trained.network,
        trained.input_shape(settings.threads),
    )?;
    let mut classifier = Compiled::new(&trained.network, &trained.input, config.inference)?;
    let plan = begin::plan(config.clone(), &trained, source, &mut classifier, &stop)?;
    if let Some(plan) = &plan {
        tell_if_fewer(plan);
    }
    let claimed = folder.claim()?;
    let folder = claimed.path();
    let Some(plan) = plan else {
        begin::settle_new(&claimed, &config, &subject, &record)?;
        settings.output.finish(&results::interrupted(folder, &trained))?;
        return Ok(interrupted(folder));
    };
    let mut journal = begin::open(&claimed, &plan, &subject, &record)?;

    let mut watch = Watch::start(&plan, journal.attacked());
    let mut notice = |event: &one_pixel::Event<'_>| watch.notice(event);
    let end = one_pixel::run(&plan, &mut journal, &mut classifier, &stop, &mut notice)?;
    drop(watch);

    let summary = Summary::new(&plan, journal.attacked());
    let (plan, weights, attacked) = (&plan, &trained.location, journal.attacked());
    let checkpoint = trained.checkpoint.as_ref();
    let results = Results { plan, weights, checkpoint, attacked, summary, end, folder };
    results.write(&mut classifier)?;
    if subject.save_adversaries {
        adversaries::write(plan, attacked, folder)?;
    }
    results.show(&mut settings.output)?;
    settings.output.finish(&results.json())?;
    Ok(if end == End::Interrupted { interrupted(folder) } else { Done::Complete })
}

/// Says so where there are not as many images as were asked for.
fn tell_if_fewer(plan: &AttackPlan) {
    let (found, wanted) = (plan.subjects().len() as u64, plan.config().images);
    if found < wanted {
        let sample = plan.sample();
        tracing::warn!(
            "{found} images are attacked, not {wanted}: there are {}, of which {} are classified rightly",
            sample.examined,
            sample.correct
        );
    }
}

/// Says how an attack goes on.
fn interrupted(folder: &Path) -> Done {
    let path = folder.display();
    tracing::info!("interrupted; go on with `ocelli attack one-pixel --resume {path}`");
    Done::Interrupted
}
