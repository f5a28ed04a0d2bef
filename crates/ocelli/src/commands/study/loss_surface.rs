//! `ocelli study loss-surface`: the loss on a plane through the weights of a network.

mod page;
mod sheet;
mod subject;

use clap::value_parser;
use ocelli::data::{Loader, LoaderConfig, Split, Subset};
use ocelli::methods::loss_surface::{
    Directions, LossSurfaceConfig, LossSurfaceGrid, SurfaceJournal, measure_surface, summaries,
};
use ocelli::random::Seed;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::args::{LabelArgs, ModelArgs, PreprocessArgs, batch_size};
use crate::failure::{BadInput, Done};
use crate::own_files::check_file;
use crate::run_data::{Opened, Wanted};
use crate::settings::Settings;
use crate::signals;
use crate::talk::Progress;
use sheet::SurfaceSheet;
use subject::NetworkAround;

const EXAMPLES: &str = "\
Two random directions are drawn through the weights, each filter's part as long as the filter is, \
and the loss is measured on a grid of points of that plane (Li et al., NeurIPS 2018). Biases and \
normalisations are not moved, and the statistics of batch normalisations stay as they were saved. Of \
a run with a [dqa] section the weights that it trained are moved, and quantized anew at each point: \
hardened, as they are used, and as the mixture that the training sees.

FILE.csv gets a row for each point and network, FILE.html the surfaces as pictures. Points are kept \
in FILE.jsonl as they are measured, so that the same command goes on with a study that was killed.

Examples:
  ocelli study loss-surface runs/photos --out surface.csv
  ocelli study loss-surface runs/dqa --images 1000 --grid 21 --out dqa.csv
  ocelli study loss-surface runs/dqa --at 0.5 --out halfway.csv
  ocelli study loss-surface --weights resnet20.th --model resnet20_cifar \\
      --data cifar10.tar --split train --out resnet20.csv";

/// What can be typed after `ocelli study loss-surface`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// A run's folder, a checkpoint or a file of weights
    #[arg(value_name = "MODEL")]
    model_path: Option<PathBuf>,
    /// The dataset, as in `ocelli data --help` [default: that of the run]
    #[arg(long, value_name = "DATASET")]
    data: Option<String>,
    /// The part, where a dataset has two
    #[arg(long, value_name = "train|test", default_value = "test")]
    split: Split,
    /// How many images the loss is of, evenly spread over the dataset
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = value_parser!(u64).range(1..))]
    images: u64,
    /// Points along each side, an odd number
    #[arg(long, value_name = "N", default_value_t = LossSurfaceConfig::default().grid)]
    grid: usize,
    /// How far the outermost points are; at 1 each filter is moved by its own length
    #[arg(long, value_name = "LENGTH", default_value_t = LossSurfaceConfig::default().span)]
    span: f64,
    /// Quantize as after this share of the training: at 0.5 a mixture is as soft as halfway
    /// [default: as at the checkpoint]
    #[arg(long, value_name = "SHARE")]
    at: Option<f64>,
    /// The table to write
    #[arg(long, value_name = "FILE.csv")]
    out: PathBuf,
    /// Begin anew, over what is there under the names of --out
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

/// The files of a study.
struct SurfaceFiles {
    csv: PathBuf,
    page: PathBuf,
    points: PathBuf,
}

impl Args {
    fn grid(&self) -> anyhow::Result<LossSurfaceGrid> {
        let (grid, span) = (self.grid, self.span);
        Ok(LossSurfaceConfig { grid, span }.check()?)
    }

    /// Some images of the dataset, evenly spread: datasets come sorted by class.
    fn images(&self, opened: &Opened) -> anyhow::Result<Subset> {
        let (len, count) = (opened.source.len(), self.images.min(opened.source.len()));
        let position =
            |index: u64| (u128::from(index) * u128::from(len) / u128::from(count)) as u64;
        Ok(Subset::new(Arc::clone(&opened.source), (0..count).map(position).collect())?)
    }
}

impl SurfaceFiles {
    /// Those beside `csv`, none of which is anything else.
    fn new(csv: &Path, force: bool) -> anyhow::Result<Self> {
        if csv.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("csv")) {
            let message = format!("{}: this writes .csv", csv.display());
            let hint = format!("name it {}", csv.with_extension("csv").display());
            return Err(BadInput::new(message).hint(hint).into());
        }
        let [page, points] = ["html", "jsonl"].map(|ending| csv.with_extension(ending));
        check_file(csv, "date,machine,command,", force)?;
        check_file(&page, "<!doctype html>", force)?;
        check_file(&points, "{\"model\":", force)?;
        if force && points.exists() {
            fs::remove_file(&points)?;
        }
        Ok(Self { csv: csv.to_owned(), page, points })
    }
}

/// Measures all points, or goes on with them.
pub(super) fn run(args: &Args, mut settings: Settings) -> anyhow::Result<Done> {
    let grid = args.grid()?;
    let files = SurfaceFiles::new(&args.out, args.force)?;
    let stop = signals::stop_flag()?;
    let device = settings.open_device()?;
    let mut trained = args.model.open(args.model_path.as_deref(), &device)?;
    trained.check_classifies()?;
    args.preprocess.apply(&mut trained);
    settings.memory.check_inference(
        &trained.file.display().to_string(),
        &trained.network,
        trained.input_shape(args.batch_size),
    )?;
    let path = args.model_path.as_deref().or(args.model.weights.as_deref());
    let wanted = Wanted {
        model_path: path,
        data: args.data.as_deref(),
        before: None,
        labels: None,
        split: args.split,
        classes: args.classes,
    };
    let opened = wanted.open(&trained)?;
    let config = LoaderConfig { threads: settings.threads, ..LoaderConfig::eval(args.batch_size) };
    let images =
        Loader::new(Arc::new(args.images(&opened)?), Arc::new(trained.transform()?), config)?;

    let around = NetworkAround::new(path, &trained, &images, args.at)?;
    let models = |network: &ocelli::nn::Network| around.models(network);
    let subject = around.subject(&models);
    let seed = settings.seed.unwrap_or_default();
    let identity = around.identity(&subject, &opened, seed, &grid)?;
    let mut journal = SurfaceJournal::open(&files.points, &identity, &grid)?;
    let directions = Directions::new(subject.network, Seed(seed));

    let before = journal.points().len() as u64;
    let progress = Progress::resume("surface", before, grid.len() as u64, "points");
    let is_whole =
        measure_surface(&grid, &directions, &subject, &mut journal, &stop, &mut |done| {
            progress.set(done);
        })?;
    drop(progress);
    if !is_whole {
        tracing::info!("interrupted; the same command goes on");
        let points = journal.points().len();
        settings.output.finish(&json!({ "outcome": "interrupted", "points": points }))?;
        return Ok(Done::Interrupted);
    }

    let summaries = summaries(&identity.networks, args.grid, journal.points());
    let sheet = SurfaceSheet {
        trained: &trained,
        identity: &identity,
        opened: &opened,
        split: args.split,
        grid: &grid,
        points: journal.points(),
        summaries: &summaries,
        csv: &files.csv,
        page: &files.page,
    };
    sheet.write_csv()?;
    page::new(&sheet)?.write(&files.page)?;
    settings.output.text(&sheet)?;
    settings.output.finish(&sheet.json())?;
    Ok(Done::Complete)
}
