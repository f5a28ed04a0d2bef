//! A small network on a few images, trained in a second.

use super::super::config::DqaConfig;
use super::super::layer::{prepare, quantized_layers};
use super::super::{DqaSettings, activations, mixtures::Mixtures};
use crate::METHODS;
use burn::tensor::Device;
use ocelli_nn::Network;
use ocelli_nn::graph::{Builder, ConvSettings, NormSettings};
use ocelli_nn::init::InitScheme;
use ocelli_nn::weights::{ReadOptions, StateDict};
use ocelli_random::Seed;
use ocelli_train::{
    Local, Machine, MethodSection, MetricsLog, Recipe, Result, RunFolder, Setup, Summary, Trainer,
    TrainerParts,
};
use std::path::Path;
use std::sync::atomic::AtomicBool;

const TEXT: &str = "
    [model]
    name = 'resnet20_cifar'
    [input]
    size = 8
    channels = 1
    mean = [0.5]
    std = [0.5]
    [data]
    source = 'builtin:fashion-mnist'
    hold_out = 0.05
    [optimizer]
    lr = 0.05
    [train]
    epochs = 1
    batch_size = 100
    eval_every = 1";

/// A recipe of some steps under overrides, without a section unless they have one.
pub(super) fn recipe(overrides: &[&str]) -> Result<Recipe> {
    METHODS.resolve("test.toml", TEXT, overrides)
}

/// Trains a recipe in a folder, from where that stands.
pub(super) fn train(recipe: &Recipe, folder: &Path) -> Result<Summary> {
    train_on(recipe, Setup::with(recipe, METHODS, &Machine::cpu(2))?, folder)
}

/// The same on what was opened already.
pub(super) fn train_on(recipe: &Recipe, setup: Setup, folder: &Path) -> Result<Summary> {
    let Setup { network, train, mut method, examiners, metadata, .. } = setup;
    let mut run = match RunFolder::open(folder) {
        Ok((run, _)) => run,
        Err(_) => RunFolder::create(folder, recipe)?,
    };
    let parts = TrainerParts {
        recipe,
        network,
        method: &mut *method,
        train: &train,
        examiners,
        run: &mut run,
        metadata,
        group: &Local,
        observer: &mut (),
        stop: &AtomicBool::new(false),
    };
    Trainer::new(parts)?.run()
}

/// The bytes of the model and of the optimiser's file of a run's last checkpoint.
pub(super) fn files(summary: &Summary) -> [Vec<u8>; 2] {
    let checkpoint = summary.checkpoint.as_ref().unwrap();
    ["model.safetensors", "optimizer.safetensors"]
        .map(|name| std::fs::read(checkpoint.file(name)).unwrap())
}

pub(super) fn dict(summary: &Summary, name: &str) -> StateDict {
    let file = summary.checkpoint.as_ref().unwrap().file(name);
    StateDict::open(&file, &ReadOptions::default()).unwrap()
}

/// The values of a metric, in order.
pub(super) fn metric(folder: &Path, name: &str) -> Vec<f64> {
    let rows = MetricsLog::read(&RunFolder::metrics_path(folder)).unwrap();
    rows.iter().filter_map(|row| row.values.get(name).copied()).collect()
}

/// Settings of a section.
pub(super) fn settings(text: &str) -> Result<DqaSettings> {
    // Gradients are compared with differences, so α has the rate of the weights unless a test says otherwise.
    let rate = if text.contains("alpha_lr") { "" } else { "alpha_lr = 1.0\n" };
    let config: DqaConfig = toml::from_str(&format!("{rate}{text}")).unwrap();
    config.check(&MethodSection::new("dqa", &config)?)
}

/// Two convolutions with a normalisation between them, and a classifier of three classes.
pub(super) fn plain_network() -> Network {
    let (mut b, image) = Builder::new(1, InitScheme::FanInUniform, NormSettings::default());
    let x = b.conv("first", image, ConvSettings::new(6, 3));
    let x = b.batch_norm("norm", x);
    let features = b.conv("second", x, ConvSettings::new(4, 3));
    let pooled = b.global_avg_pool("pool", features);
    let logits = b.linear("fc", pooled, 3);
    Network::new(b.finish(features, pooled, logits), Seed(3), &Device::flex())
}

/// The same with what is learnt beside the weights.
pub(super) fn network(settings: &DqaSettings) -> Network {
    let network = plain_network();
    let layers = quantized_layers(network.graph(), settings).unwrap();
    let network = activations::quantize(network, settings).unwrap();
    activations::prepare(prepare(network, &layers, settings).unwrap(), settings).unwrap()
}

pub(super) fn mixtures<'a>(
    network: &Network,
    settings: &'a DqaSettings,
    step: u64,
) -> Mixtures<'a> {
    Mixtures::new(network, settings, step, 100).unwrap()
}

pub(super) fn values(network: &Network, name: &str) -> Vec<f32> {
    let id = network.params().index_by_name()[name];
    network.params().to_values(id)
}
