//! Networks of eight bits on integers, beside the same networks in floats and beside ONNX Runtime.

mod files;
mod layers;

use burn::tensor::Device;
use clap::value_parser;
use ocelli::methods;
use ocelli::methods::post_training::{PostTraining, PostTrainingConfig, QuantizedActivations};
use ocelli::nn::{InferenceEngine, Network};
use ocelli::random::Seed;
use serde::Serialize;
use serde_json::json;
use std::fmt;

use super::ContestArgs;
use super::contest::{Case, Contest, Ours};
use super::model_at_size::{ModelAtSize, SizedModel};
use super::models::images;
use super::report::{Report, Row};
use crate::failure::Done;
use crate::settings::Settings;
use files::OnnxFiles;
use layers::LayerTable;

/// What is timed without a choice: name, image size.
const STANDARD: [(&str, usize); 3] =
    [("resnet20_cifar", 32), ("resnet18", 224), ("mobilenetv2_100", 224)];

const PEERS: &[&str] = &["onnxruntime-integers", "onnxruntime-floats"];

/// Images that ranges of activations come from.
const CALIBRATION: usize = 4;

/// What can be typed after `ocelli bench integers`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The networks, as `ocelli models` lists them, each with an image size if it is not to be the
    /// network's own [default: resnet20_cifar@32 resnet18@224 mobilenetv2_100@224]
    #[arg(value_name = "MODEL[@SIZE]")]
    models: Vec<ModelAtSize>,
    /// Images per pass; single images are timed too
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=4096))]
    #[arg(default_value_t = 16)]
    batch: u16,
    /// Tell what share of the time each step takes on integers
    #[arg(long)]
    layers: bool,
}

/// Times one network after the other; weights are random, which makes no difference to the time.
pub(super) fn run(
    args: &Args,
    rules: &ContestArgs,
    mut contest: Contest,
    mut settings: Settings,
) -> anyhow::Result<Done> {
    let device = settings.open_device()?;
    let mut layers = Vec::new();
    for subject in SizedModel::chosen(&args.models, &STANDARD)? {
        let [float, integer] = networks(subject, &settings, &device)?;
        let batch = usize::from(args.batch);
        let shape = [batch, 3, subject.size, subject.size];
        settings.memory.check_inference(&subject.to_string(), &float, shape)?;
        let files = contest.has_peers().then(|| OnnxFiles::write(subject, &float, &integer));
        let files = files.transpose()?;
        // A batch of one is not timed twice.
        for batch in [1].into_iter().chain((batch > 1).then_some(batch)) {
            let images = images(batch, subject.size, &device);
            let case = Case {
                subject: subject.to_string(),
                task: "inference",
                images: batch,
                peers: PEERS,
                request: files.as_ref().map_or_else(|| json!({}), OnnxFiles::request),
            };
            let mut integers = InferenceEngine::new(&integer)?;
            let mut floats = InferenceEngine::new(&float)?;
            let pass = |engine: &mut InferenceEngine| {
                engine.logits(images.clone())?.into_data();
                anyhow::Ok(())
            };
            // Plans are made and memory is taken before the first round.
            pass(&mut integers)?;
            pass(&mut floats)?;
            let ways = vec![
                Ours::new("ocelli on integers", || pass(&mut integers)),
                Ours::new("ocelli in floats", || pass(&mut floats)),
            ];
            contest.compare(&case, ways)?;
            if args.layers {
                layers.extend(layers::measure(&case, &integer, &images, &settings)?);
            }
        }
    }
    let report = Report::new(&settings, rules.rounds, contest.finish());
    if let Some(path) = &rules.out {
        report.write_csv(path)?;
    }
    let report = IntegersReport { report, layers: args.layers.then_some(LayerTable(layers)) };
    settings.output.text(&report)?;
    settings.output.finish(&report)?;
    Ok(Done::Complete)
}

/// A network with random weights in floats, and with eight bits for weights and activations.
fn networks(
    subject: SizedModel,
    settings: &Settings,
    device: &Device,
) -> anyhow::Result<[Network; 2]> {
    let seed = Seed(settings.seed.unwrap_or_default());
    let float = subject.model.network(&subject.model.options(), seed, device)?;
    let config = PostTrainingConfig { activations: Some(8), ..PostTrainingConfig::default() };
    let quantized = PostTraining::new(&float, &config)?;
    let bits = vec![Some(8); quantized.layers().len()];
    let network = quantized.network(&bits)?;
    let images = std::iter::once(Ok(images(CALIBRATION, subject.size, device)));
    // Any of the ranges will do for the time.
    let found = QuantizedActivations::new(&network, images, |_| Ok::<_, methods::Error>(0.0))?;
    Ok([float, found.network])
}

/// All rows, and where the time goes.
#[derive(Serialize)]
struct IntegersReport {
    #[serde(flatten)]
    report: Report<Row>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layers: Option<LayerTable>,
}

impl fmt::Display for IntegersReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(layers) = &self.layers {
            write!(formatter, "{layers}\n\n")?;
        }
        self.report.fmt(formatter)
    }
}
