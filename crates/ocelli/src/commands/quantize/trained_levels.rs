//! A network that was trained on few levels: nothing is lost.

use ocelli::methods::post_training::TrainedLevels;
use ocelli::nn::Network;
use ocelli::nn::weights::PackedLayout;
use std::path::Path;

use super::args::Args;
use super::result::{Activations, LayerJson, QuantizedLayers};
use super::subject::QuantizeSubject;
use crate::failure::Done;
use crate::settings::Settings;

pub(super) fn run(args: &Args, settings: Settings) -> anyhow::Result<Done> {
    let subject = QuantizeSubject::open(args, &settings)?;
    pack(&subject, &subject.trained.network, None, settings)
}

/// Packs the levels that a `network` was trained on, perhaps in a `run` of this command.
pub(super) fn pack(
    subject: &QuantizeSubject,
    network: &Network,
    run: Option<&Path>,
    settings: Settings,
) -> anyhow::Result<Done> {
    let levels = TrainedLevels::new(network)?;
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
        activations: activations(network),
        calibration: None,
        run,
    };
    subject.finish(levels.network, predicted, &found, settings)
}

/// What layers read, if the training quantized it.
fn activations(network: &Network) -> Option<Activations> {
    let bits = network.graph().quantizers().flat_map(|(_, _, quantize)| &quantize.branches);
    let bits = bits.filter_map(|branch| branch.quantizer.bits()).max()?;
    Some(Activations { bits, calibration: None })
}
