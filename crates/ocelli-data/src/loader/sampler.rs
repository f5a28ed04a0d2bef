//! Which sample stands at which position of an epoch.

use ocelli_random::Seed;
use std::fmt::Debug;

/// A rule by which epochs visit the samples of a source.
///
/// Every epoch has the same number of positions, and what stands there is a function of the seed, the
/// epoch and the position. A run can therefore go on in the middle of an epoch, and ranks agree without
/// a word.
pub trait Sampler: Debug + Send + Sync {
    /// How many positions an epoch of a source with so many samples has; not necessarily as many.
    fn epoch_len(&self, samples: u64) -> u64 {
        samples
    }

    /// The positions of one epoch.
    fn epoch(&self, samples: u64, seed: Seed, epoch: u64) -> Box<dyn Positions>;
}

/// The positions of one epoch. They can be asked in any order, from any thread.
pub trait Positions: Send + Sync {
    /// The index in the source of the sample at `position`, or `None` past the end.
    fn index(&self, position: u64) -> Option<u64>;
}
