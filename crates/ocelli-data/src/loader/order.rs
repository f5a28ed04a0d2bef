//! In which order an epoch visits the samples: always a pure function of seed, epoch and position.

use ocelli_random::{Permutation, Purpose, Seed};
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// The random keys of the windows of [`Order::Windowed`].
const WINDOW: Purpose = Purpose("order-window");

/// How an epoch orders the samples of its source.
///
/// No order keeps a table: all can be asked at any position, which is what makes an exact resume
/// in the middle of an epoch cheap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Order {
    /// The source's own order; for evaluation.
    Sequential,
    /// A uniformly random order. Every sample may need a seek.
    #[default]
    Shuffled,
    /// A random order for storage that reads runs much faster than single samples, such as tar
    /// shards on a hard disk or a network drive.
    ///
    /// The source is cut into blocks of `block` samples that lie side by side, the blocks are put
    /// in a random order, and the resulting sequence is shuffled inside windows of `window`
    /// positions. About `window / block` runs are therefore read at a time, and a batch draws
    /// from that many places.
    Windowed {
        /// Samples that lie side by side.
        block: u64,
        /// Positions that are shuffled among themselves; a multiple of `block` is best.
        window: u64,
    },
}

/// The order of one epoch.
#[derive(Clone, Debug)]
pub(crate) enum EpochOrder {
    Sequential { len: u64 },
    Shuffled(Permutation),
    Windowed(Windowed),
}

impl EpochOrder {
    pub(crate) fn new(order: Order, seed: Seed, epoch: u64, len: u64) -> Self {
        match order {
            Order::Sequential => Self::Sequential { len },
            Order::Shuffled => Self::Shuffled(Permutation::new(seed, epoch, len)),
            Order::Windowed { block, window } => {
                Self::Windowed(Windowed::new(seed, epoch, len, block.max(1), window.max(1)))
            }
        }
    }

    /// The index in the source of the sample at `position`, or `None` past the end.
    pub(crate) fn index(&self, position: u64) -> Option<u64> {
        match self {
            Self::Sequential { len } => (position < *len).then_some(position),
            Self::Shuffled(permutation) => permutation.get(position),
            Self::Windowed(windowed) => windowed.index(position),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Windowed {
    seed: Seed,
    epoch: u64,
    len: u64,
    block: u64,
    window: u64,
    blocks: Permutation,
    /// Where in the order of the blocks the last, shorter block stands.
    short_slot: u64,
}

impl Windowed {
    fn new(seed: Seed, epoch: u64, len: u64, block: u64, window: u64) -> Self {
        let count = len.div_ceil(block);
        let blocks = Permutation::new(seed, epoch, count);
        let short_slot = (0..count).find(|slot| blocks.get(*slot) == Some(count - 1)).unwrap_or(0);
        Self { seed, epoch, len, block, window, blocks, short_slot }
    }

    fn index(&self, position: u64) -> Option<u64> {
        if position >= self.len {
            return None;
        }
        let number = position / self.window;
        let start = number * self.window;
        let key = self.seed.stream(WINDOW, self.epoch, number).random();
        let inside = Permutation::new(Seed(key), self.epoch, self.window.min(self.len - start));
        self.block_order(start + inside.get(position - start)?)
    }

    /// The sample at `position` of the blocks laid end to end in their random order.
    fn block_order(&self, position: u64) -> Option<u64> {
        // Every block is full but the one that holds the end of the source.
        let missing = self.len.div_ceil(self.block) * self.block - self.len;
        let short_end = (self.short_slot + 1) * self.block - missing;
        let padded = if position < short_end { position } else { position + missing };
        Some(self.blocks.get(padded / self.block)? * self.block + padded % self.block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indices(order: Order, epoch: u64, len: u64) -> Vec<u64> {
        let order = EpochOrder::new(order, Seed(9), epoch, len);
        assert_eq!(order.index(len), None);
        (0..len).filter_map(|position| order.index(position)).collect()
    }

    #[test]
    fn every_order_visits_every_sample_once() {
        for len in [0, 1, 2, 63, 64, 65, 257, 1000] {
            for order in [
                Order::Sequential,
                Order::Shuffled,
                Order::Windowed { block: 1, window: 1 },
                Order::Windowed { block: 16, window: 64 },
                Order::Windowed { block: 7, window: 50 },
                Order::Windowed { block: 5000, window: 3 },
            ] {
                let mut seen = indices(order, 4, len);
                seen.sort_unstable();
                assert_eq!(seen, (0..len).collect::<Vec<_>>(), "{order:?} of {len}");
            }
        }
    }

    #[test]
    fn a_window_touches_few_blocks_and_epochs_differ() {
        let order = Order::Windowed { block: 16, window: 64 };
        let visited = indices(order, 0, 4096);
        for window in visited.chunks(64) {
            let mut blocks: Vec<u64> = window.iter().map(|index| index / 16).collect();
            blocks.sort_unstable();
            blocks.dedup();
            assert_eq!(blocks.len(), 4);
        }
        assert_ne!(visited, indices(order, 1, 4096));
        assert_ne!(visited[..64], (0..64).collect::<Vec<_>>());
    }
}
