//! A training step of SimCLR: two views of each picture, a projection head, and the loss of all pairs.

use burn::tensor::{Tensor, TensorData};
use clap::value_parser;
use ocelli::kernels::{Rows, RowsMut, nt_xent};
use ocelli::nn::graph::{Head, Projection};
use ocelli::nn::registry::ModelOptions;
use ocelli::nn::{Given, GradientEngine, Gradients, Network, Pass, TrainPass, Wanted};
use ocelli::random::Seed;
use ocelli::train::Optimizer;
use ocelli::train::recipe::OptimizerSection;
use serde_json::json;

use super::contest::{Case, Contest};
use super::model_at_size::{ModelAtSize, SizedModel};
use super::models::{LEARNING_RATE, TRAINING_PEERS, images};
use crate::settings::Settings;

/// That of the recipe `cifar10-simclr`.
const WIDTHS: [usize; 2] = [128, 64];
/// That of the paper on CIFAR-10.
const TEMPERATURE: f64 = 0.5;

/// What can be typed after `ocelli bench simclr`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The networks, as `ocelli models` lists them, each with an image size if it is not to be the
    /// network's own
    #[arg(value_name = "MODEL[@SIZE]", default_value = "resnet20_cifar")]
    models: Vec<ModelAtSize>,
    /// Pictures in a step, of which there are two views each
    #[arg(long, value_name = "N", default_value_t = 256)]
    #[arg(value_parser = value_parser!(u16).range(1..=4096))]
    batch: u16,
}

/// Times every network.
pub(super) fn run(args: &Args, settings: &Settings, contest: &mut Contest) -> anyhow::Result<()> {
    let device = settings.open_device()?;
    let seed = Seed(settings.seed.unwrap_or_default());
    let rows = 2 * usize::from(args.batch);
    for typed in &args.models {
        let subject = SizedModel::try_from(typed)?;
        let projection = Projection { widths: WIDTHS.into(), batch_norm: true };
        let head = Head::Projection(projection);
        let options = ModelOptions { head, ..subject.model.options() };
        let network = subject.model.network(&options, seed, &device)?;
        let shape = [rows, 3, subject.size, subject.size];
        settings.memory.check_training(&subject.to_string(), &network, shape)?;
        let (model, size) = (subject.model.arch, subject.size);
        let case = Case {
            subject: subject.to_string(),
            task: "simclr step",
            images: rows,
            peers: TRAINING_PEERS,
            request: json!({
                "model": model, "size": size, "widths": WIDTHS, "temperature": TEMPERATURE,
            }),
        };
        let views = images(rows, size, &device);
        contest.hold(&case, step(network, views))?;
    }
    Ok(())
}

/// A step without its loader: gradients, statistics of the batch normalisations, and an update.
fn step(mut network: Network, views: Tensor<4>) -> impl FnMut() -> anyhow::Result<()> {
    let mut optimizer = Optimizer::new(&OptimizerSection::default());
    let (mut engine, mut gradients) = (GradientEngine::new(), Gradients::new());
    let mut step = 0;
    move || {
        let mut pass = TrainPass::new(Seed::default(), step, 0);
        let route = network.graph().classify();
        let given = vec![Given::Planes(views.clone())];
        let training = Pass::Train(&mut pass);
        let taped = engine.forward(&network, &route, given, Wanted::PARAMS, training)?;
        let rows = taped.rows(0);
        let (batch, channels) = (rows.batch(), rows.shape.channels);
        let mut slopes = vec![0.0; rows.values.len()];
        let embeddings = Rows::dense(&rows.values, channels);
        nt_xent(embeddings, TEMPERATURE.recip(), RowsMut::dense(&mut slopes, channels));
        let slopes = TensorData::new(slopes, [batch, channels, 1, 1]);
        let slopes = Tensor::from_data(slopes, network.params().device());
        gradients.clear();
        taped.backward(vec![Some(slopes)], &mut gradients);
        network.apply_batch_stats(pass.stats())?;
        optimizer.step(network.params_mut(), &gradients, LEARNING_RATE)?;
        step += 1;
        Ok(())
    }
}
