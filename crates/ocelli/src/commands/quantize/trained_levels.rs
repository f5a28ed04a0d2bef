//! A network that was trained on few levels: nothing is lost.

use ocelli::methods::post_training::TrainedLevels;
use ocelli::nn::weights::PackedLayout;

use super::answer::{Found, LayerAnswer};
use super::args::Args;
use super::work::Subject;
use crate::failure::Done;
use crate::settings::Settings;

pub(super) fn run(args: &Args, settings: Settings) -> anyhow::Result<Done> {
    let subject = Subject::open(args, &settings)?;
    let levels = TrainedLevels::new(&subject.trained.network)?;
    let layout = PackedLayout::of_network(&levels.network);
    let predicted = subject.trained.packed_size(&layout)?;
    let bits = levels.mean_bits();
    let layers = levels.layers.into_iter().map(|layer| LayerAnswer {
        name: layer.name,
        weights: layer.weights,
        bits: layer.bits,
        bytes: layer.bytes,
        loss_increase: None,
    });
    let found =
        Found { bits, layers: layers.collect(), per: None, activations: None, calibration: None };
    subject.finish(levels.network, predicted, &found, settings)
}
