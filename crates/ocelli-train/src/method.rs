//! What a way of training has to say; everything else is the [`Trainer`](crate::Trainer)'s.

mod kind;
mod parts;
mod supervised;

pub use kind::{MethodConfig, MethodKind, Methods};
pub(crate) use parts::StepPosition;
pub use parts::{Part, StepParts};
pub use supervised::Supervised;

use crate::{Error, ProcessGroup, Result};
use ocelli_data::{Loader, Source};
use ocelli_nn::{BatchStats, Gradients, Network, TrainPass};
use ocelli_random::Seed;

/// A way of training: what a step does with its samples.
///
/// The trainer owns the loop, the exchange between processes, clipping, the optimiser, averages,
/// evaluation and checkpoints. A method sees a step whole, in any number of passes that it likes.
///
/// It has no memory of its own: every state is a parameter, a buffer or a function of the step, so that
/// a run resumes where it stood.
pub trait Method {
    /// Whether a network and its training data fit this method, before the first step.
    ///
    /// # Errors
    /// When they do not, with what would.
    fn check(&self, network: &Network, data: &dyn Source) -> Result<()> {
        let _ = (network, data);
        Ok(())
    }

    /// Adds this process's share of the gradients of a step's loss to `gradients`.
    ///
    /// # Errors
    /// When samples cannot be read or do not fit the network.
    fn step(&mut self, step: Step<'_>, gradients: &mut Gradients) -> Result<StepOutput>;

    /// Changes what must hold after each update: the range of a temperature, say. `step` updates are done.
    ///
    /// # Errors
    /// When the network is another than it was made for.
    fn after_update(&self, network: &mut Network, step: u64) -> Result<()> {
        let _ = (network, step);
        Ok(())
    }

    /// Changes what follows from the training set as a whole: rows that are the means of classes, say.
    /// A pass over `train` is complete; a moving average sees it with the next update.
    ///
    /// # Errors
    /// When images cannot be read, or the network is another than it was made for.
    fn end_epoch(&self, network: &mut Network, train: &Loader) -> Result<()> {
        let _ = (network, train);
        Ok(())
    }

    /// What the network is used as after `step` updates, each with a name for its measurements: the
    /// first is scored and saved, others are only measured. `network` is the moving average where there
    /// is one. None means the network as it is.
    ///
    /// # Errors
    /// When the network is another than it was made for.
    fn models(&self, network: &Network, step: u64) -> Result<Vec<(&'static str, Network)>> {
        let _ = (network, step);
        Ok(Vec::new())
    }
}

/// A step of a training, as its method sees it.
pub struct Step<'a> {
    /// The network before the step.
    pub network: &'a Network,
    /// This process's samples, in parts that fit into memory.
    pub parts: StepParts<'a>,
    /// The processes that train together.
    pub group: &'a dyn ProcessGroup,
    /// The seed of the run.
    pub seed: Seed,
    /// The step, counted from zero over the whole run.
    pub step: u64,
    /// How many steps the run has.
    pub total_steps: u64,
}

impl Step<'_> {
    /// A training pass of a part of this step.
    pub fn pass(&self, part: &Part) -> TrainPass {
        TrainPass::new(self.seed, self.step, part.first_row)
    }
}

/// What came out of a step.
#[derive(Debug, Default)]
pub struct StepOutput {
    /// This process's share of the loss.
    pub loss: f64,
    /// Its share of other measurements, as in `("top1", 0.8)`. The names are the same in every step.
    pub metrics: Vec<(&'static str, f64)>,
    /// How many images there were.
    pub images: u64,
    /// What the batch normalisations saw in each part, and the part's share of the step's samples.
    pub stats: Vec<(f64, Vec<BatchStats>)>,
}

impl StepOutput {
    /// Adds what came out of a part whose share of the step's samples is `weight`. `loss` and `metrics`
    /// are averages over its samples.
    pub fn add(
        &mut self,
        part: &Part,
        loss: f64,
        metrics: &[(&'static str, f64)],
        stats: Vec<BatchStats>,
    ) {
        self.loss += loss * part.weight;
        self.metrics.resize(metrics.len(), ("", 0.0));
        for (sum, (name, value)) in self.metrics.iter_mut().zip(metrics) {
            *sum = (name, sum.1 + value * part.weight);
        }
        self.images += part.batch.len() as u64;
        self.stats.push((part.weight, stats));
    }
}

/// That a classifier has as many classes as its data.
///
/// # Errors
/// [`Error::ClassCount`] with both counts.
pub fn check_classes(network: &Network, data: &dyn Source) -> Result<()> {
    let (network, data) = (network.graph().num_classes(), data.classes().len());
    if network == data { Ok(()) } else { Err(Error::ClassCount { network, data }) }
}
