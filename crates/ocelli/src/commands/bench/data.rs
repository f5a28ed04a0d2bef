//! Pictures: decoded and prepared for training, without a network.

use clap::value_parser;
use ocelli::data::{
    InputConfig, OpenOptions, Payload, Result, Scratch, Source, Split, TrainConfig, TrainTransform,
    Transform, open,
};
use ocelli::random::{Purpose, Seed};
use rayon::iter::{IntoParallelRefMutIterator, ParallelIterator};
use serde_json::json;
use std::path::Path;

use super::contest::{Case, Contest};
use crate::settings::Settings;

const PEERS: &[&str] = &["torchvision"];

/// What can be typed after `ocelli bench data`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The dataset, as in `ocelli data --help`; peers read tars and folders
    #[arg(value_name = "DATASET")]
    dataset: String,
    /// The part, where a dataset has two
    #[arg(long, value_name = "train|test", default_value = "train")]
    split: Split,
    /// How many pictures one pass prepares, the first of the dataset; they are kept in memory
    #[arg(long, value_name = "N", default_value_t = 200)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    images: u32,
    /// Height and width of the network's input, in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 224)]
    size: u32,
}

/// Times decoding, random resized crop, flip and normalisation, on as many threads as are allowed.
pub(super) fn run(args: &Args, settings: &Settings, contest: &mut Contest) -> anyhow::Result<()> {
    let source = open(&args.dataset, &OpenOptions::new(args.split))?;
    let input = InputConfig { size: args.size, ..InputConfig::default() };
    let transform = TrainTransform::new(input, TrainConfig::default())?;
    let seed = Seed(settings.seed.unwrap_or_default());
    let pictures = read(&*source, args.images)?;
    let mut workers: Vec<Worker> = (0..settings.threads)
        .map(|first| Worker {
            pictures: pictures.iter().skip(first).step_by(settings.threads).cloned().collect(),
            scratch: Scratch::default(),
            output: vec![0.0; transform.shape().iter().product()],
        })
        .collect();
    let name = Path::new(&args.dataset).file_name();
    let case = Case {
        subject: name.map_or(args.dataset.clone().into(), |name| name.to_string_lossy()).into(),
        task: "decode and augment",
        images: pictures.len(),
        peers: PEERS,
        request: json!({ "path": args.dataset, "size": args.size }),
    };
    let mut epoch = 0;
    contest.hold(&case, || {
        epoch += 1;
        workers.par_iter_mut().try_for_each(|worker| worker.prepare(&transform, seed, epoch))?;
        Ok(())
    })
}

/// What one thread prepares, and its buffers.
struct Worker {
    pictures: Vec<(u64, Payload)>,
    scratch: Scratch,
    output: Vec<f32>,
}

impl Worker {
    fn prepare(&mut self, transform: &TrainTransform, seed: Seed, epoch: u64) -> Result<()> {
        for (position, picture) in &self.pictures {
            let mut random = seed.stream(Purpose::AUGMENT, epoch, *position);
            transform.apply(picture, &mut random, &mut self.scratch, &mut self.output)?;
        }
        Ok(())
    }
}

/// The first `count` pictures, as they stand in their files, with their positions in the dataset.
fn read(source: &dyn Source, count: u32) -> Result<Vec<(u64, Payload)>> {
    let count = source.len().min(count.into());
    (0..count).map(|index| Ok((index, source.read(index)?.payload))).collect()
}
