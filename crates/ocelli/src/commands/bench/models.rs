//! Whole networks: inference of one image and of a batch, and training steps.

use burn::tensor::{Device, Tensor, TensorData};
use clap::value_parser;
use ocelli::data::Targets;
use ocelli::nn::{GradientEngine, Gradients, InferenceEngine, Network, TrainPass};
use ocelli::random::Seed;
use ocelli::train::Optimizer;
use ocelli::train::loss::cross_entropy;
use ocelli::train::recipe::OptimizerSection;
use serde_json::json;

use super::contest::{Case, Contest, filled};
use super::model_at_size::{ModelAtSize, SizedModel};
use crate::settings::Settings;

/// What is timed without a choice: name, image size, batch size.
const STANDARD: [(&str, usize, usize); 5] = [
    ("ghostnet_100", 224, 16),
    ("tf_efficientnetv2_b0", 224, 16),
    ("resnet18", 224, 16),
    ("resnet20_cifar", 32, 128),
    ("mobilenetv2_100", 64, 64),
];

/// The batch size of a network that was chosen.
const BATCH: usize = 16;

/// Small, so that a network that learns nothing stays finite.
const LEARNING_RATE: f64 = 0.01;

/// What can be typed after `ocelli bench models`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The networks, as `ocelli models` lists them, each with an image size if it is not to be the
    /// network's own [default: five of five kinds]
    #[arg(value_name = "MODEL[@SIZE]")]
    models: Vec<ModelAtSize>,
    /// Images per training step and per pass of inference; inference of single images is timed too
    /// [default: 16; without MODEL what is usual for each network]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=4096))]
    batch: Option<u16>,
    /// Time inference alone
    #[arg(long, conflicts_with = "only_training")]
    only_inference: bool,
    /// Time training steps alone
    #[arg(long)]
    only_training: bool,
}

/// Times every network.
pub(super) fn run(args: &Args, settings: &Settings, contest: &mut Contest) -> anyhow::Result<()> {
    let device = settings.open_device()?;
    let seed = Seed(settings.seed.unwrap_or_default());
    for (subject, batch) in args.subjects()? {
        let network = subject.model.network(&subject.model.options(), seed, &device)?;
        let shape = [batch, 3, subject.size, subject.size];
        if args.only_inference {
            settings.memory.check_inference(&subject.to_string(), &network, shape)?;
        } else {
            settings.memory.check_training(&subject.to_string(), &network, shape)?;
        }
        if !args.only_training {
            // A batch of one is not timed twice.
            let batches = [1].into_iter().chain((batch > 1).then_some(batch));
            for batch in batches {
                let images = images(batch, subject.size, &device);
                let case = case(subject, "inference", batch, INFERENCE_PEERS);
                contest.hold(&case, inference(&network, images)?)?;
            }
        }
        if !args.only_inference {
            let images = images(batch, subject.size, &device);
            let case = case(subject, "training step", batch, TRAINING_PEERS);
            contest.hold(&case, training_step(network, images))?;
        }
    }
    Ok(())
}

const INFERENCE_PEERS: &[&str] = &["pytorch", "pytorch-channels-last", "onnxruntime", "openvino"];
const TRAINING_PEERS: &[&str] =
    &["pytorch", "pytorch-channels-last", "pytorch-compiled", "pytorch-compiled-channels-last"];

impl Args {
    fn subjects(&self) -> anyhow::Result<Vec<(SizedModel, usize)>> {
        let chosen = self.batch.map(usize::from);
        let standard = |(name, size, batch): (&str, usize, usize)| {
            let model = ModelAtSize { name: name.to_owned(), size: Some(size) };
            Ok((SizedModel::try_from(&model)?, chosen.unwrap_or(batch)))
        };
        if self.models.is_empty() {
            return STANDARD.into_iter().map(standard).collect();
        }
        let subject = |model| Ok((SizedModel::try_from(model)?, chosen.unwrap_or(BATCH)));
        self.models.iter().map(subject).collect()
    }
}

fn case(subject: SizedModel, task: &'static str, batch: usize, peers: &'static [&str]) -> Case {
    let model = subject.model;
    let request =
        json!({ "model": model.arch, "size": subject.size, "classes": model.config.num_classes });
    Case { subject: subject.to_string(), task, images: batch, peers, request }
}

/// Pictures of nothing: what they show makes no difference to the time.
pub(super) fn images(batch: usize, size: usize, device: &Device) -> Tensor<4> {
    let shape = [batch, 3, size, size];
    Tensor::from_data(TensorData::new(filled(shape.iter().product()), shape), device)
}

/// The logits of a batch, in memory.
pub(super) fn inference(
    network: &Network,
    images: Tensor<4>,
) -> anyhow::Result<impl FnMut() -> anyhow::Result<()>> {
    let mut engine = InferenceEngine::new(network)?;
    Ok(move || {
        engine.logits(images.clone())?.into_data();
        Ok(())
    })
}

/// A step of the trainer without its loader and its log: gradients, statistics of the batch
/// normalisations, and an update by the default optimiser.
pub(super) fn training_step(
    mut network: Network,
    images: Tensor<4>,
) -> impl FnMut() -> anyhow::Result<()> {
    let batch = images.dims()[0] as u32;
    let classes = network.graph().num_classes() as u32;
    let targets = Targets::Hard((0..batch).map(|index| index % classes).collect());
    let mut optimizer = Optimizer::new(&OptimizerSection::default());
    let (mut engine, mut gradients) = (GradientEngine::new(), Gradients::new());
    let mut step = 0;
    move || {
        let mut pass = TrainPass::new(Seed::default(), step, 0);
        let loss = |logits| cross_entropy(logits, &targets);
        let images = images.clone();
        gradients.clear();
        engine.add_gradients(&network, images, &mut pass, loss, 1.0, &mut gradients)?;
        network.apply_batch_stats(pass.stats())?;
        optimizer.step(network.params_mut(), &gradients, LEARNING_RATE)?;
        step += 1;
        Ok(())
    }
}
