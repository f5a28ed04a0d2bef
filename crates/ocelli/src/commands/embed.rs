//! `ocelli embed`: what a network makes of pictures, as rows of numbers.

mod record;

use ocelli::data::{Fingerprint, Loader, LoaderConfig, OpenOptions, Source, Split, open};
use ocelli::nn::graph::{Graph, Route};
use ocelli::nn::{Given, InferenceEngine};
use ocelli::train::{Recipe, Trained, give_back, images, sources};
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;

use crate::args::{ModelArgs, PreprocessArgs, batch_size};
use crate::failure::{BadInput, BadUsage, Done};
use crate::npy;
use crate::own_files::check_output;
use crate::run_data::recipe_of;
use crate::settings::Settings;
use crate::talk::Progress;

/// The layer that is asked for where none is named.
const POOLED: &str = "pooled";

const EXAMPLES: &str = "\
Rows stand in the order of the dataset, as float32 of NumPy's format. Beside FILE.npy are FILE.csv, with the
name of each picture and its class where it has one, and FILE.json, which says what the rows are of; what is made
of the rows, as by `ocelli codebook kmeans`, remembers the dataset by it.

Examples:
  ocelli embed runs/cifar10-dae-1 --split train --out latents.npy
  ocelli embed lite0.safetensors --data photos/ --out photos.npy
  ocelli embed runs/photos --layer blocks.3 --data photos/ --out maps.npy
  ocelli cost resnet56_cifar --layers           lists names of layers";

/// What can be typed after `ocelli embed`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A run's folder, a checkpoint or a file of weights
    #[arg(value_name = "MODEL")]
    model_path: Option<PathBuf>,
    /// The dataset, as in `ocelli data --help` [default: that of the run]
    #[arg(long, value_name = "DATASET")]
    data: Option<String>,
    /// The part, where a dataset has two; of a run's own dataset `train` is what it trained on, `test`
    /// what it did not
    #[arg(long, value_name = "train|test", default_value = "train")]
    split: Split,
    /// The layer whose result is written, averaged over its pixels; `pooled` is what a classifier would see
    #[arg(long, value_name = "NAME", default_value = POOLED)]
    layer: String,
    /// The file to write, whole or not at all
    #[arg(long, value_name = "FILE.npy")]
    out: PathBuf,
    /// Replace the files if they are there
    #[arg(long)]
    force: bool,
    /// Images per forward pass
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = batch_size)]
    batch_size: usize,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    preprocess: PreprocessArgs,
}

#[derive(Serialize)]
struct EmbedJson {
    rows: usize,
    width: usize,
    layer: String,
    model: String,
    data: String,
    fingerprint: String,
    out: PathBuf,
}

/// Writes the rows of all pictures.
pub(crate) fn run(args: &Args, mut settings: Settings) -> anyhow::Result<Done> {
    check_output(&args.out, "npy", args.force)?;
    for ending in ["csv", "json"] {
        check_output(&args.out.with_extension(ending), ending, args.force)?;
    }
    let device = settings.open_device()?;
    let mut trained = args.model.open(args.model_path.as_deref(), &device)?;
    args.preprocess.apply(&mut trained);
    settings.memory.check_inference(
        &trained.file.display().to_string(),
        &trained.network,
        trained.input_shape(args.batch_size),
    )?;
    let (data, source) = args.source(&trained)?;
    let fingerprint = Fingerprint::from_source(&*source)?;
    let config = LoaderConfig { threads: settings.threads, ..LoaderConfig::eval(args.batch_size) };
    let loader = Loader::new(Arc::clone(&source), Arc::new(trained.transform()?), config)?;

    let progress = Progress::start("embed", source.len(), "images");
    let (values, width) = args.rows(&trained, &loader, &|done| progress.set(done))?;
    drop(progress);

    npy::write(&args.out, &values, width)?;
    record::write_names(&args.out.with_extension("csv"), &*source)?;
    let json = EmbedJson {
        rows: values.len() / width.max(1),
        width,
        layer: args.layer.clone(),
        model: trained.arch.clone(),
        data: ocelli::results::without_folders(&data),
        fingerprint: fingerprint.hash().to_owned(),
        out: args.out.clone(),
    };
    record::write(&args.out.with_extension("json"), &json)?;
    let EmbedJson { rows, out, .. } = &json;
    settings.output.text(format_args!("{rows} rows of {width} of {}", args.layer))?;
    settings.output.text(format_args!("wrote {}", out.display()))?;
    settings.output.finish(&json)?;
    Ok(Done::Complete)
}

impl Args {
    /// The pictures, in the order of their dataset.
    fn source(&self, trained: &Trained) -> anyhow::Result<(String, Arc<dyn Source>)> {
        if let Some(data) = &self.data {
            let options = OpenOptions { limits: trained.limits, ..OpenOptions::new(self.split) };
            return Ok((data.clone(), open(data, &options)?));
        }
        let recipe = self.model_path.as_deref().and_then(recipe_of);
        let recipe: Recipe =
            recipe.ok_or_else(|| BadUsage("name a dataset with --data".to_owned()))?;
        let (train, test) = sources(&recipe)?;
        let source = if self.split == Split::Train { train } else { test };
        Ok((recipe.data.source, source))
    }

    /// The layer's result for every picture, and how wide a row is.
    fn rows(
        &self,
        trained: &Trained,
        loader: &Loader,
        progress: &dyn Fn(u64),
    ) -> anyhow::Result<(Vec<f32>, usize)> {
        let mut engine = InferenceEngine::new(&trained.network)?;
        let route = route(engine.graph(), &self.layer)?;
        let (mut values, mut width, mut done) = (Vec::new(), 0, 0);
        for batch in loader.epoch(0, 0) {
            let mut batch = batch?;
            let pixels = images(&mut batch, &trained.network);
            let found = engine.values(&route, vec![Given::Planes(pixels.clone())])?;
            give_back(&mut batch, pixels);
            let map = &found[0];
            width = map.shape.channels;
            let pixels = map.shape.height * map.shape.width;
            for image in map.values.chunks_exact(map.shape.len().max(1)) {
                let first = values.len();
                values.resize(first + width, 0.0);
                let row = &mut values[first..];
                for pixel in image.chunks_exact(width.max(1)) {
                    row.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value);
                }
                for sum in row {
                    *sum /= pixels as f32;
                }
            }
            done += batch.len() as u64;
            progress(done);
        }
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            let name = loader.source().name((index / width.max(1)) as u64)?;
            let message = format!("{name}: the network makes {} of it", values[index]);
            return Err(BadInput::new(message).into());
        }
        Ok((values, width))
    }
}

/// The way from the image to a layer.
fn route(graph: &Graph, layer: &str) -> anyhow::Result<Route> {
    if layer == POOLED {
        return Ok(graph.embed());
    }
    Ok(Route { to: vec![graph.find(layer)?], ..graph.embed() })
}
