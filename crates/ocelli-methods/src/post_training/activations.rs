//! Few bits for the values between layers.

use super::PostTrainingError;
use crate::Result;
use burn::tensor::Tensor;
use ocelli_nn::graph::{ActivationQuantizer, QuantizerSettings};
use ocelli_nn::{Calibration, Network};

/// The shares of a tensor's values that its levels may span; what lies beyond is cut.
pub const COVERAGES: [f64; 4] = [1.0, 0.9999, 0.999, 0.99];

/// The image keeps its 256 levels or stays as it is, and so does what sums and the like read.
const IMAGE_BITS: u32 = 8;

/// Activations with ranges, and how these were chosen.
#[derive(Clone, Debug)]
pub struct QuantizedActivations {
    /// The network, which reads values on levels.
    pub network: Network,
    /// The chosen one of [`COVERAGES`], the same for all tensors.
    pub coverage: f64,
    /// The loss on calibration images with each of them.
    pub losses: Vec<f64>,
}

/// The network with levels of `2^bits` (min-max, zero among them) for what its layers read, but for those whose
/// name `is_kept`; of eight bits, sums and the like read levels too, so that bytes go through the whole network.
/// Without ranges yet, values stay as they are.
///
/// # Errors
/// When bits are not 1 to 8, or activations are quantized already.
pub(super) fn without_ranges(
    network: &Network,
    bits: u32,
    is_kept: impl Fn(&str) -> bool,
) -> Result<Network> {
    let settings = QuantizerSettings {
        image: bits >= IMAGE_BITS,
        sums: bits >= IMAGE_BITS,
        ..QuantizerSettings::new(vec![ActivationQuantizer::MinMax { bits }])
    };
    let graph = network.graph().with_quantizers(&settings, |layer| !is_kept(layer))?;
    Ok(network.with_graph(graph)?)
}

impl QuantizedActivations {
    /// Gives the activations of a network of [`PostTraining`](super::PostTraining) the ranges seen on `images`;
    /// of the [`COVERAGES`] the one with the least `loss` is taken, of equal ones the largest. Biases become
    /// [whole steps](Network::round_biases) of these.
    ///
    /// # Errors
    /// When there are no images, those of `images` and those of `loss`.
    pub fn new<E: From<crate::Error>>(
        network: &Network,
        images: impl Iterator<Item = Result<Tensor<4>, E>>,
        mut loss: impl FnMut(&Network) -> Result<f64, E>,
    ) -> Result<Self, E> {
        let other = |error: ocelli_nn::Error| E::from(error.into());
        let mut calibration = Calibration::new(network).map_err(other)?;
        let mut is_empty = true;
        for batch in images {
            calibration.observe(batch?).map_err(other)?;
            is_empty = false;
        }
        if is_empty {
            return Err(E::from(PostTrainingError::NoImages.into()));
        }
        let mut best: Option<(f64, f64, Network)> = None;
        let mut losses = Vec::with_capacity(COVERAGES.len());
        for coverage in COVERAGES {
            let mut candidate = network.clone();
            calibration.set_ranges(&mut candidate, coverage).map_err(other)?;
            candidate.round_biases().map_err(other)?;
            let found = loss(&candidate)?;
            losses.push(found);
            if best.as_ref().is_none_or(|(least, ..)| found < *least) {
                best = Some((found, coverage, candidate));
            }
        }
        let best = best.map(|(_, coverage, network)| (coverage, network));
        let (coverage, network) = best.unwrap_or_else(|| (1.0, network.clone()));
        Ok(Self { network, coverage, losses })
    }
}
