//! The loader: batches as a pure function of `(seed, epoch, position)`.
//!
//! What a batch holds depends on the source, the transform, the seed, the epoch and the step, and
//! on nothing else: not on the number of threads, not on the time, not on what was loaded before.
//! A run that is resumed at step 700 asks for `epoch(e, 700)` and gets the batches that the first
//! run would have got.
//!
//! - A [`Sampler`] says which sample stands at which position of the epoch: an [`Order`] of all of them, or
//!   [`ClassBalanced`], or [`ClusterBatches`].
//! - The positions of an epoch are cut into global batches, and each of those into one contiguous
//!   share per rank: together the ranks see the same epoch at any rank count.
//! - The sample at a position is augmented from the stream `(seed, AUGMENT, epoch, position)`. Further
//!   views of it have streams of their own, addressed by the view as well.
//! - Mixup and cutmix of a batch draw from the stream `(seed, MIX, epoch, step)`.
//! - Batches are made ahead by the loader's own threads and handed out in order.
//!
//! # Memory
//! At most `prefetch + 1` pixel buffers exist beside the batches that the consumer keeps, each of
//! `samples × views × channels × height × width × 4` bytes, plus one decoded image and its scratch
//! buffers per thread. Buffers are reused from batch to batch. Nothing grows with the source.

mod batch;
mod class_balanced;
mod cluster_batches;
mod collisions;
mod epoch;
mod epoch_plan;
mod epoch_work;
mod order;
mod recycle;
mod sampler;
#[cfg(test)]
mod tests;

pub use batch::{Batch, Skipped, Targets};
pub use class_balanced::ClassBalanced;
pub use cluster_batches::{ClusterBatches, ClusterRule};
pub use collisions::Collisions;
pub use epoch::Epoch;
pub use order::Order;
pub use sampler::{Positions, Sampler};

use crate::augment::Mix;
use crate::{Error, Result, Source, Transform};
use epoch_plan::EpochPlan;
use ocelli_random::Seed;
use rayon::{ThreadPool, ThreadPoolBuilder};
use recycle::Recycler;
use std::sync::Arc;

/// How samples become batches.
#[derive(Clone, Debug)]
pub struct LoaderConfig {
    /// Samples per batch, over all ranks.
    pub batch_size: usize,
    /// How many rows of a batch a sample has, each augmented by itself; they stand side by side.
    pub views: usize,
    /// The seed of the order and of the augmentation.
    pub seed: Seed,
    /// Which samples an epoch visits, in which order.
    pub sampler: Arc<dyn Sampler>,
    /// What is mixed inside a batch.
    pub mix: Mix,
    /// Whether to leave out the last batch of an epoch where it is not full.
    pub drop_last: bool,
    /// How many threads decode.
    pub threads: usize,
    /// How many batches are made ahead of the consumer.
    pub prefetch: usize,
    /// Which of the `world_size` loaders this is, counted from 0.
    pub rank: usize,
    /// Among how many loaders each batch is divided.
    pub world_size: usize,
    /// How many samples of one epoch may be unreadable (per rank, counted from the step at which
    /// the epoch was begun or resumed). Those are left out of their batch and listed; one more
    /// ends the epoch with an error.
    pub error_budget: u64,
}

impl LoaderConfig {
    /// A training loader: shuffled, full batches only.
    pub fn train(batch_size: usize, seed: Seed) -> Self {
        Self {
            batch_size,
            views: 1,
            seed,
            sampler: Arc::new(Order::Shuffled),
            mix: Mix::default(),
            drop_last: true,
            threads: 1,
            prefetch: 2,
            rank: 0,
            world_size: 1,
            error_budget: 0,
        }
    }

    /// An evaluation loader: every sample once, in the source's order.
    pub fn eval(batch_size: usize) -> Self {
        Self {
            sampler: Arc::new(Order::Sequential),
            drop_last: false,
            ..Self::train(batch_size, Seed::default())
        }
    }

    fn check(&self) -> Result<()> {
        let at_least_one = [
            ("batch_size", self.batch_size),
            ("views", self.views),
            ("threads", self.threads),
            ("prefetch", self.prefetch),
            ("world_size", self.world_size),
        ];
        for (field, value) in at_least_one {
            if value == 0 {
                return Err(Error::setting(field, "is 0, expected 1 or more"));
            }
        }
        self.mix.check()?;
        if self.views > 1 && !self.mix.is_off() {
            let reason = format!("is {}, expected 1 where samples or labels are mixed", self.views);
            return Err(Error::setting("views", reason));
        }
        if self.rank >= self.world_size {
            let (rank, size) = (self.rank, self.world_size);
            return Err(Error::setting("rank", format!("is {rank}, expected less than {size}")));
        }
        Ok(())
    }
}

/// The most bytes that the pixels of one batch may take on one rank.
const MAX_BATCH_BYTES: usize = 16 << 30;

/// How many elements `rows` pictures of `shape` have, if they are not too many to keep.
fn elements_of(rows: u64, shape: [usize; 3]) -> Result<usize> {
    let elements = shape.iter().try_fold(rows as usize, |count, side| count.checked_mul(*side));
    let limit = MAX_BATCH_BYTES / size_of::<f32>();
    elements.filter(|elements| *elements <= limit).ok_or_else(|| {
        let [channels, height, width] = shape;
        Error::setting(
            "batch_size",
            format!(
                "is too large: {rows} images of {channels}×{height}×{width} take more than \
                 the {MAX_BATCH_BYTES} bytes that a batch may have"
            ),
        )
    })
}

/// Everything that the threads of a loader share.
struct Shared {
    source: Arc<dyn Source>,
    transform: Arc<dyn Transform>,
    /// `[channels, height, width]` of one row.
    shape: [usize; 3],
    config: LoaderConfig,
    plan: EpochPlan,
    buffers: Arc<Recycler<Vec<f32>>>,
    scratches: Recycler<crate::Scratch>,
}

impl Shared {
    /// How many elements all views of a sample have.
    fn elements_per_sample(&self) -> usize {
        self.config.views * self.shape.iter().product::<usize>()
    }
}

/// Makes batches of a source on its own threads.
pub struct Loader {
    shared: Arc<Shared>,
    pool: Arc<ThreadPool>,
}

impl Loader {
    /// A loader of `source`, each picture treated by `transform`.
    ///
    /// # Errors
    /// When a field of `config` is out of range, a batch would take too much memory, or the threads
    /// cannot be started.
    pub fn new(
        source: Arc<dyn Source>,
        transform: Arc<dyn Transform>,
        config: LoaderConfig,
    ) -> Result<Self> {
        config.check()?;
        if !config.mix.is_off() && source.classes().is_empty() {
            return Err(Error::setting(
                "mix",
                "is set, expected none: the images have no labels to mix",
            ));
        }
        let positions = config.sampler.epoch_len(source.len());
        let largest = positions.min(config.batch_size as u64);
        let share = largest.div_ceil(config.world_size as u64);
        elements_of(share.saturating_mul(config.views as u64), transform.shape())?;
        let pool = ThreadPoolBuilder::new()
            .num_threads(config.threads)
            .thread_name(|number| format!("loader-{number}"))
            .build()
            .map_err(|error| Error::setting("threads", error.to_string()))?;
        Ok(Self::with_pool(source, transform, config, Arc::new(pool)))
    }

    fn with_pool(
        source: Arc<dyn Source>,
        transform: Arc<dyn Transform>,
        config: LoaderConfig,
        pool: Arc<ThreadPool>,
    ) -> Self {
        let plan = EpochPlan {
            positions: config.sampler.epoch_len(source.len()),
            batch_size: config.batch_size as u64,
            drop_last: config.drop_last,
            rank: config.rank as u64,
            world_size: config.world_size as u64,
        };
        let shared = Shared {
            source,
            shape: transform.shape(),
            transform,
            plan,
            buffers: Arc::new(Recycler::new(config.prefetch + 1)),
            scratches: Recycler::new(config.threads),
            config,
        };
        Self { shared: Arc::new(shared), pool }
    }

    /// The same loader, threads included, with another transform, for a new stage of progressive
    /// learning.
    #[must_use]
    pub fn with_transform(self, transform: Arc<dyn Transform>) -> Self {
        let source = Arc::clone(&self.shared.source);
        Self::with_pool(source, transform, self.shared.config.clone(), self.pool)
    }

    /// The same loader with its threads, but whole batches instead of one rank's share of each: what every rank
    /// must see alike.
    #[must_use]
    pub fn of_whole_batches(&self) -> Self {
        let Shared { source, transform, config, .. } = &*self.shared;
        let (source, transform) = (Arc::clone(source), Arc::clone(transform));
        let config = LoaderConfig { rank: 0, world_size: 1, ..config.clone() };
        Self::with_pool(source, transform, config, Arc::clone(&self.pool))
    }

    /// How many batches one epoch has, the same on every rank.
    pub fn steps_per_epoch(&self) -> u64 {
        self.shared.plan.steps()
    }

    /// How many samples one epoch visits, over all ranks.
    pub fn samples_per_epoch(&self) -> u64 {
        let steps = self.steps_per_epoch();
        steps.checked_sub(1).map_or(0, |last| self.shared.plan.global(last).end)
    }

    /// Where the samples come from.
    pub fn source(&self) -> &Arc<dyn Source> {
        &self.shared.source
    }

    /// `[channels, height, width]` of one view of a sample.
    pub fn sample_shape(&self) -> [usize; 3] {
        self.shared.shape
    }

    /// The batches of `epoch` from `start_step` on, in order.
    ///
    /// The threads begin at once. Dropping the iterator stops them.
    pub fn epoch(&self, epoch: u64, start_step: u64) -> Epoch {
        Epoch::start(Arc::clone(&self.shared), Arc::clone(&self.pool), epoch, start_step)
    }
}
