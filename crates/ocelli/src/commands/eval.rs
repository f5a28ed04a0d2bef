//! `ocelli eval`: how good a network is, on every sample of a dataset once.

mod examined;
mod report;

use ocelli::data::{Loader, LoaderConfig, Split};
use ocelli::train::{Local, evaluate};
use std::path::PathBuf;
use std::sync::Arc;

use crate::args::{LabelArgs, ModelArgs, PreprocessArgs, batch_size};
use crate::failure::Done;
use crate::own_files::check_file;
use crate::run_data::Wanted;
use crate::settings::Settings;
use crate::talk::Progress;
use report::Report;

const EXAMPLES: &str = "\
Pictures are prepared as the weights expect: as the run trained them, or as `ocelli models --json` \
lists it for published ones. Most networks for 224 pixels resize the short side to 256 and cut out \
the centre, so pictures whose short side is 256 already are only cropped.

Examples:
  ocelli eval runs/photos
  ocelli eval runs/photos --data other-photos/ --confusion confusion.csv
  ocelli eval --model resnet20_cifar --weights resnet20.th --data cifar10.tar
  ocelli eval lite0.safetensors --data imagenet/val/ --json
  ocelli eval lite0.safetensors --data imagenet/val/ --size 256 --crop-pct 1.0";

/// What can be typed after `ocelli eval`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A run's folder, a checkpoint or a file of weights
    #[arg(value_name = "MODEL")]
    model_path: Option<PathBuf>,
    /// The dataset, as in `ocelli data --help` [default: that of the run]
    #[arg(long, value_name = "DATASET")]
    data: Option<String>,
    /// A file that says which images are of further classes: each of them is a right answer
    /// [default: that of the run, for its own dataset]
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// The part, where a dataset has two; of a run's own dataset `train` is what it trained on, `test`
    /// what it did not
    #[arg(long, value_name = "train|test", default_value = "test")]
    split: Split,
    #[command(flatten)]
    classes: LabelArgs,
    /// Images per forward pass
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = batch_size)]
    batch_size: usize,
    /// How many unreadable images may be left out; they are counted and listed
    #[arg(long, value_name = "N", default_value_t = 0)]
    error_budget: u64,
    /// Write the confusion matrix as CSV: rows are true classes, columns predicted ones
    #[arg(long, value_name = "FILE")]
    confusion: Option<PathBuf>,
    /// Replace the file of --confusion, whatever it holds
    #[arg(long, requires = "confusion")]
    force: bool,
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
    if let Some(path) = &args.confusion {
        check_file(path, report::CONFUSION_HEAD, args.force)?;
    }
    let device = settings.open_device()?;
    let mut trained = args.model.open(args.model_path.as_deref(), &device)?;
    if let Some(recipe) =
        examined::recipe_of(args.model_path.as_deref().filter(|_| args.data.is_none()))?
    {
        return examined::run(&recipe, &trained, settings);
    }
    args.preprocess.apply(&mut trained);
    settings.memory.check_inference(
        &trained.file.display().to_string(),
        &trained.network,
        trained.input_shape(args.batch_size),
    )?;
    let wanted = Wanted {
        model_path: args.model_path.as_deref(),
        data: args.data.as_deref(),
        before: None,
        labels: args.labels.as_deref(),
        split: args.split,
        classes: args.classes,
    };
    let opened = wanted.open(&trained)?;
    let source = Arc::clone(&opened.source);
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

    let report =
        Report { trained: &trained, evaluation: &evaluation, classes: &classes, data: &opened };
    if let Some(path) = &args.confusion {
        report.write_confusion(path)?;
    }
    report.show(&mut settings.output, args.per_class)?;
    settings.output.finish(&report.json())?;
    Ok(Done::Complete)
}
