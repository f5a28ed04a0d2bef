//! What a way of training has to say; everything else is the [`Trainer`](crate::Trainer)'s.

use crate::Result;
use crate::loss::cross_entropy;
use crate::metrics::rank_of;
use burn::tensor::{Tensor, TensorData};
use ocelli_data::{Batch, Targets};
use ocelli_nn::{BatchStats, GradientEngine, Gradients, Network, TrainPass};
use ocelli_random::Seed;

/// A way of training: what a step does with a batch.
///
/// The trainer owns the loop, accumulation, the exchange between processes, clipping, the
/// optimiser, averages, evaluation and checkpoints. A method turns a batch into gradients, in any
/// number of passes that it likes, and changes nothing itself.
pub trait Method {
    /// The loss of a batch and its gradients.
    ///
    /// # Errors
    /// When the batch does not fit the network.
    fn step(&mut self, network: &Network, batch: Batch, place: Place) -> Result<StepOutput>;
}

/// Where a batch stands in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The seed of the run.
    pub seed: Seed,
    /// The step, counted from zero over the whole run.
    pub step: u64,
    /// The place of the batch's first sample among all samples of the step, over accumulated
    /// parts and processes.
    pub first_row: u64,
}

/// What came out of a batch.
#[derive(Debug)]
pub struct StepOutput {
    /// The loss, averaged over the samples of the batch.
    pub loss: f64,
    /// Other measurements, averaged over the samples, as in `("top1", 0.8)`. The names are the
    /// same in every step.
    pub metrics: Vec<(&'static str, f64)>,
    /// The gradients of `loss`.
    pub gradients: Gradients,
    /// What the batch normalisations saw.
    pub stats: Vec<BatchStats>,
}

/// Supervised classification: cross-entropy with the labels.
#[derive(Debug, Default)]
pub struct Supervised {
    engine: GradientEngine,
}

impl Method for Supervised {
    fn step(&mut self, network: &Network, mut batch: Batch, place: Place) -> Result<StepOutput> {
        let images = images(&mut batch, network);
        Ok(self.differentiate(network, images, &batch.targets, place))
    }
}

impl Supervised {
    /// The loss of images that are where the network is.
    pub(crate) fn differentiate(
        &mut self,
        network: &Network,
        images: Tensor<4>,
        targets: &Targets,
        place: Place,
    ) -> StepOutput {
        let mut pass = TrainPass::new(place.seed, place.step, place.first_row);
        let loss = |logits| cross_entropy(logits, targets);
        let result = self.engine.differentiate(network, images, &mut pass, loss);
        let top1 = share_correct(&values(result.logits), targets);
        StepOutput {
            loss: f64::from(result.loss.into_scalar::<f32>()),
            metrics: vec![("top1", top1)],
            gradients: result.gradients,
            stats: pass.stats().to_vec(),
        }
    }
}

/// The images of a batch where the network is. Takes them out of the batch.
///
/// # Shapes
/// - result: `[batch, channels, height, width]`
pub fn images(batch: &mut Batch, network: &Network) -> Tensor<4> {
    let pixels = std::mem::take(&mut batch.images);
    Tensor::from_data(TensorData::new(pixels, batch.shape), network.params().device())
}

/// Logits in memory, row after row.
pub(crate) fn values(logits: Tensor<2>) -> Vec<f32> {
    logits.into_data().iter::<f32>().collect()
}

/// The share of samples whose most probable target, or one of several, is the network's answer.
fn share_correct(logits: &[f32], targets: &Targets) -> f64 {
    let count = targets.len().max(1);
    let rows = logits.chunks_exact((logits.len() / count).max(1));
    let is_right = |row: &[f32], label: u32| rank_of(row, label as usize) == 0;
    let correct = match targets {
        Targets::Several(sets) => {
            let any = |row, set: &[u32]| set.iter().any(|label| is_right(row, *label));
            rows.zip(sets).filter(|(row, set)| any(row, set)).count()
        }
        _ => rows.zip(targets.classes()).filter(|(row, label)| is_right(row, *label)).count(),
    };
    correct as f64 / count as f64
}
