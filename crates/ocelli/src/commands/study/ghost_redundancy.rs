//! `ocelli study ghost-redundancy`: the redundancy in feature maps on which GhostNet stands.

mod page;
mod sheet;

use anyhow::Context;
use clap::value_parser;
use ocelli::data::{Loader, LoaderConfig, OpenOptions, Split, Subset, open};
use ocelli::methods::ghost_redundancy::{Config, study};
use ocelli::results::without_folders;
use ocelli::train::Trained;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::args::{ModelArgs, PreprocessArgs};
use crate::failure::{BadUsage, Done};
use crate::own_files::{check_file, check_folder};
use crate::run_data;
use crate::settings::Settings;
use crate::talk::Progress;
use crate::whole_file::write_whole;
use sheet::Sheet;

/// The table in the folder of a study, by which that is known.
const SHEET: &str = "redundancy.csv";

const EXAMPLES: &str = "\
GhostNet (Han et al., CVPR 2020) starts from feature maps that look alike: one could be made of \
another by a cheap operation. This finds the most similar pairs of a layer's maps, fits the d×d \
filter that makes one of the other, and counts the maps that some other map makes nearly whole.

Examples:
  ocelli study ghost-redundancy runs/photos
  ocelli study ghost-redundancy --weights resnet56.th --model resnet56_cifar \\
      --data cifar10.tar
  ocelli study ghost-redundancy runs/vgg --layer features.4 --images 64
  ocelli cost resnet56_cifar --layers           lists names of layers";

/// What can be typed after `ocelli study ghost-redundancy`.
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
    /// How many images are looked at, evenly spread over the dataset
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = value_parser!(u64).range(1..))]
    images: u64,
    /// The layer whose maps are looked at [default: the end of the first stage]
    #[arg(long, value_name = "NAME")]
    layer: Option<String>,
    /// Heights and widths of the filters, odd numbers
    #[arg(long, value_name = "D,…", value_delimiter = ',')]
    kernels: Option<Vec<usize>>,
    /// How many of the most similar pairs are shown
    #[arg(long, value_name = "N")]
    pairs: Option<usize>,
    /// A map is redundant if a filter over another leaves less than this share of its variance
    #[arg(long, value_name = "SHARE")]
    threshold: Option<f64>,
    /// Fit filters without a bias
    #[arg(long)]
    no_bias: bool,
    /// A folder for redundancy.html with the maps, maps.png and redundancy.csv
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write into --out though it holds other files, over those of the same names
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    preprocess: PreprocessArgs,
}

impl Args {
    fn config(&self) -> Config {
        let default = Config::default();
        Config {
            layer: self.layer.clone(),
            kernels: self.kernels.clone().unwrap_or(default.kernels),
            bias: !self.no_bias,
            pairs: self.pairs.unwrap_or(default.pairs),
            threshold: self.threshold.unwrap_or(default.threshold),
        }
    }

    /// Some images of the dataset, evenly spread: datasets come sorted by class.
    fn images(&self) -> anyhow::Result<(String, Subset)> {
        let of_run = || {
            Some(run_data::dataset(&run_data::recipe_of(self.model_path.as_deref()?)?).to_owned())
        };
        let Some(uri) = self.data.clone().or_else(of_run) else {
            return Err(BadUsage("name a dataset with --data".to_owned()).into());
        };
        let source = open(&uri, &OpenOptions::new(self.split))?;
        let (len, count) = (source.len(), self.images.min(source.len()));
        let position =
            |index: u64| (u128::from(index) * u128::from(len) / u128::from(count)) as u64;
        Ok((uri, Subset::new(source, (0..count).map(position).collect())?))
    }
}

/// Looks at the maps and shows what was found.
pub(super) fn run(args: &Args, mut settings: Settings) -> anyhow::Result<Done> {
    if let Some(folder) = &args.out {
        check_folder(folder, &[SHEET], args.force)?;
        check_file(&folder.join(SHEET), "date,machine,command,", args.force)?;
    }
    let device = settings.open_device()?;
    let mut trained = args.model.open(args.model_path.as_deref(), &device)?;
    args.preprocess.apply(&mut trained);
    let (data, images) = args.images()?;
    let config = LoaderConfig { threads: settings.threads, ..LoaderConfig::eval(8) };
    let loader = Loader::new(Arc::new(images), Arc::new(trained.transform()?), config)?;

    let progress = Progress::start("study", loader.source().len(), "images");
    let config = args.config();
    let found = study(&trained.network, &loader, &config, &mut |done| progress.set(done))?;
    drop(progress);

    let data = without_folders(&data);
    let Trained { arch: model, location, checkpoint, .. } = trained;
    let threshold = config.threshold;
    let sheet = Sheet { model, location, checkpoint, data, threshold, study: found };
    settings.output.text(&sheet)?;
    if let Some(folder) = &args.out {
        write(&sheet, folder)?;
        settings.output.text(format_args!("\n{}", folder.join("redundancy.html").display()))?;
    }
    settings.output.finish(&sheet)?;
    Ok(Done::Complete)
}

fn write(sheet: &Sheet, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let png = page::mosaic(&sheet.study).to_png()?;
    let path = folder.join("maps.png");
    write_whole(&path, &png)?;
    sheet.write_csv(&folder.join(SHEET))?;
    Ok(page::new(sheet, &png).write(&folder.join("redundancy.html"))?)
}
