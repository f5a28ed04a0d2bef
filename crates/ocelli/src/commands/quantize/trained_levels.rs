//! A network that was trained on few levels: nothing is lost.

use ocelli::methods::post_training::TrainedLevels;
use ocelli::nn::weights::PackedLayout;

use super::args::Args;
use super::result::{LayerJson, QuantizedLayers};
use super::subject::QuantizeSubject;
use crate::failure::Done;
use crate::settings::Settings;

pub(super) fn run(args: &Args, settings: Settings) -> anyhow::Result<Done> {
    let subject = QuantizeSubject::open(args, &settings)?;
    let levels = TrainedLevels::new(&subject.trained.network)?;
    let layout = PackedLayout::of_network(&levels.network);
    let predicted = subject.trained.packed_size(&layout)?;
    let bits = levels.mean_bits();
    let layers = levels.layers.into_iter().map(|layer| LayerJson {
        name: layer.name,
        weights: layer.weights,
        bits: layer.bits,
        bytes: layer.bytes,
        loss_increase: None,
    });
    let found = QuantizedLayers {
        bits,
        layers: layers.collect(),
        per: None,
        activations: None,
        calibration: None,
    };
    subject.finish(levels.network, predicted, &found, settings)
}
