//! Which positions of an epoch belong to which batch and rank: arithmetic only.

use std::ops::Range;

/// The division of an epoch into global batches, and of each into one share per rank.
///
/// A share is a whole number of neighbouring pairs (positions `2k` and `2k + 1` of the batch), so
/// that mixup and cutmix, which mix the two samples of a pair, never need a sample of another
/// rank.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EpochPlan {
    pub(crate) positions: u64,
    pub(crate) batch_size: u64,
    pub(crate) drop_last: bool,
    pub(crate) rank: u64,
    pub(crate) world_size: u64,
}

impl EpochPlan {
    /// How many batches an epoch has, on every rank.
    pub(crate) fn steps(&self) -> u64 {
        if self.drop_last {
            self.positions / self.batch_size
        } else {
            self.positions.div_ceil(self.batch_size)
        }
    }

    /// All positions of the batch at `step`, over all ranks.
    pub(crate) fn global(&self, step: u64) -> Range<u64> {
        let start = step * self.batch_size;
        start..(start + self.batch_size).min(self.positions)
    }

    /// The positions of this rank's share of the batch at `step`.
    pub(crate) fn share(&self, step: u64) -> Range<u64> {
        let global = self.global(step);
        let pairs = (global.end - global.start).div_ceil(2);
        let cut = |rank: u64| (global.start + 2 * (rank * pairs / self.world_size)).min(global.end);
        cut(self.rank)..cut(self.rank + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ocelli_testkit::cases(256))]
        #[test]
        fn the_shares_of_all_ranks_are_the_epoch(
            samples in 0_u64..500,
            batch_size in 1_u64..70,
            world_size in 1_u64..9,
            drop_last: bool,
        ) {
            let plan = |rank| EpochPlan { positions: samples, batch_size, drop_last, rank, world_size };
            let steps = plan(0).steps();
            let visited: Vec<u64> = (0..steps)
                .flat_map(|step| (0..world_size).flat_map(move |rank| plan(rank).share(step)))
                .collect();
            let end = if drop_last { samples / batch_size * batch_size } else { samples };
            prop_assert_eq!(visited, (0..end).collect::<Vec<_>>());
        }

        #[test]
        fn shares_of_a_full_even_batch_differ_by_one_pair_at_most(
            pairs in 1_u64..40,
            world_size in 1_u64..9,
        ) {
            let batch_size = 2 * pairs;
            let lengths: Vec<u64> = (0..world_size)
                .map(|rank| {
                    let plan = EpochPlan { positions: 1000, batch_size, drop_last: true, rank, world_size };
                    plan.share(1)
                })
                .map(|share| share.end - share.start)
                .collect();
            prop_assert!(lengths.iter().max().unwrap() - lengths.iter().min().unwrap() <= 2);
        }
    }
}
