//! `ocelli eval`: how good a network is, on every sample of a dataset once.

mod report;

use anyhow::Context;
use ocelli::data::Error::{DifferentClasses, UnknownClass};
use ocelli::data::{
    LabelFile, Loader, LoaderConfig, OpenOptions, SeveralClasses, Source, Split, open,
};
use ocelli::train::{Local, Trained, evaluate};
use std::path::PathBuf;
use std::sync::Arc;

use crate::args::{ModelArgs, PreprocessArgs};
use crate::failure::{BadUsage, Done};
use crate::run_data;
use crate::settings::Settings;
use crate::talk::Progress;
use report::Report;

const EXAMPLES: &str = "\
Pictures are prepared as the weights expect: as the run trained them, or as `ocelli models --json`
lists it for published ones. Most networks for 224 pixels resize the short side to 256 and cut out
the centre, so pictures whose short side is 256 already are only cropped.

Examples:
  ocelli eval runs/photos
  ocelli eval runs/photos --data other-photos/ --confusion confusion.csv
  ocelli eval --model resnet20_cifar --weights resnet20.th --data cifar10/test.tar
  ocelli eval lite0.safetensors --data imagenet/val/ --json
  ocelli eval lite0.safetensors --data imagenet/val/ --size 256 --crop-pct 1.0";

/// What can be typed after `ocelli eval`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A run's folder, a checkpoint or a file of weights
    #[arg(value_name = "MODEL")]
    place: Option<PathBuf>,
    /// The dataset, as in `ocelli data --help` [default: that of the run, without what it trained on]
    #[arg(long, value_name = "DATASET")]
    data: Option<String>,
    /// A file that says which images are of further classes: each of them is a right answer
    /// [default: that of the run, for its own dataset]
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// The part, where a dataset has two
    #[arg(long, value_name = "train|test", default_value = "test")]
    split: Split,
    /// Images per forward pass
    #[arg(long, value_name = "N", default_value_t = 64)]
    batch_size: usize,
    /// How many unreadable images may be left out; they are counted and listed
    #[arg(long, value_name = "N", default_value_t = 0)]
    error_budget: u64,
    /// Write the confusion matrix as CSV: rows are true classes, columns predicted ones
    #[arg(long, value_name = "FILE")]
    confusion: Option<PathBuf>,
    /// Show the accuracy of every class
    #[arg(long)]
    per_class: bool,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    preprocess: PreprocessArgs,
}

/// Measures the network.
pub(crate) fn run(args: &Args, mut settings: Settings) -> anyhow::Result<Done> {
    let device = settings.open_device()?;
    let mut trained = args.model.open(args.place.as_deref(), &device)?;
    args.preprocess.apply(&mut trained);
    let source = open_data(args, &trained)?;
    let classes = source.classes().to_vec();
    let config = LoaderConfig {
        threads: settings.threads,
        error_budget: args.error_budget,
        ..LoaderConfig::eval(args.batch_size)
    };
    let loader = Loader::new(source, Arc::new(trained.transform()?), config)?;

    let progress = Progress::start("eval", loader.source().len(), "images");
    let evaluation = evaluate(&trained.network, &loader, &Local, &mut |done| progress.set(done))?;
    drop(progress);

    let report = Report { trained: &trained, evaluation: &evaluation, classes: &classes };
    if let Some(path) = &args.confusion {
        report.write_confusion(path)?;
    }
    report.show(&mut settings.output, args.per_class)?;
    settings.output.finish(&report.answer())?;
    Ok(Done::Complete)
}

/// The dataset that was named, or the images of the run's that it did not train on.
fn open_data(args: &Args, trained: &Trained) -> anyhow::Result<Arc<dyn Source>> {
    let run = match args.data {
        Some(_) => None,
        None => args.place.as_deref().and_then(run_data::recipe_of),
    };
    if let Some(run) = &run
        && args.split == Split::Test
        && run_data::is_one_part(run)?
    {
        return Ok(run_data::held_out(run.clone(), args.labels.clone())?);
    }
    let uri = args.data.as_deref().or_else(|| run.as_ref().map(run_data::dataset));
    let uri = uri.ok_or_else(|| BadUsage("name a dataset with --data".to_owned()))?;
    let options = OpenOptions { classes: trained.classes.clone(), ..OpenOptions::of(args.split) };
    let file = trained.file.display();
    let other_classes = || format!("{uri} has not the classes that {file} knows");
    let source = match open(uri, &options) {
        Err(error @ (DifferentClasses { .. } | UnknownClass { .. })) => {
            return Err(error).with_context(other_classes);
        }
        source => source?,
    };
    let of_run = run.as_ref().and_then(|run| run.data.labels.as_ref());
    let Some(path) = args.labels.as_ref().or(of_run) else { return Ok(source) };
    let labels = LabelFile::read(path)?;
    let source = SeveralClasses::new(source, &labels)?;
    // The file of a run may be of its training images alone.
    if args.labels.is_some() {
        labels.check_named(source.named())?;
    }
    Ok(Arc::new(source))
}
