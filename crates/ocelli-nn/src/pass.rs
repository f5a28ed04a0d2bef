//! What a forward pass needs to know besides the input, and what it hands back.

use crate::node_id::NodeId;
use burn::tensor::Tensor;
use ocelli_random::Seed;

/// How a network is run.
#[derive(Debug)]
pub enum Pass<'a> {
    /// Batch normalisation uses its running statistics, nothing is dropped.
    Eval,
    /// Batch normalisation uses the batch, dropout and stochastic depth are on.
    Train(&'a mut TrainPass),
}

impl Pass<'_> {
    /// The settings of a training pass, if this is one.
    pub(crate) fn training(&mut self) -> Option<&mut TrainPass> {
        match self {
            Self::Eval => None,
            Self::Train(pass) => Some(pass),
        }
    }
}

/// One forward pass in training: where it stands, and the batch statistics that it saw.
///
/// The pass never changes the network. Whoever trains decides what becomes of the statistics:
/// [`Network::apply_batch_stats`](crate::Network::apply_batch_stats) moves the running ones.
#[derive(Debug)]
pub struct TrainPass {
    /// The seed of the run.
    pub seed: Seed,
    /// The optimiser step, counted from zero over the whole run.
    pub step: u64,
    /// The position of the first sample of this input in the step's whole batch, over all ranks and
    /// accumulated parts. What is dropped depends on a sample's position alone.
    pub first_row: u64,
    pub(crate) stats: Vec<BatchStats>,
}

impl TrainPass {
    /// A pass at `step` whose input starts at row `first_row` of the step's batch.
    pub fn new(seed: Seed, step: u64, first_row: u64) -> Self {
        Self { seed, step, first_row, stats: Vec::new() }
    }

    /// Which random numbers its dropouts draw.
    pub(crate) fn drops(&self) -> Drops {
        Drops { seed: self.seed, step: self.step, first_row: self.first_row }
    }

    /// The statistics of each batch normalisation that normalised with its batch.
    pub fn stats(&self) -> &[BatchStats] {
        &self.stats
    }
}

/// Which random numbers the dropouts of a pass draw.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Drops {
    pub(crate) seed: Seed,
    pub(crate) step: u64,
    /// The position of the first sample in the step's whole batch.
    pub(crate) first_row: u64,
}

/// The statistics of one batch at one batch normalisation.
#[derive(Clone, Debug)]
pub struct BatchStats {
    /// The normalisation.
    pub node: NodeId,
    /// The mean, `[channels]`.
    pub mean: Tensor<1>,
    /// The unbiased variance, `[channels]`: what PyTorch averages.
    pub variance: Tensor<1>,
}
