//! In which order an epoch visits the samples: always a pure function of seed, epoch and position.

use super::{Positions, Sampler};
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
    /// from that many runs.
    Windowed {
        /// Samples that lie side by side.
        block: u64,
        /// Positions that are shuffled among themselves; a multiple of `block` is best.
        window: u64,
    },
}

impl Sampler for Order {
    fn epoch(&self, samples: u64, seed: Seed, epoch: u64) -> Box<dyn Positions> {
        match *self {
            Self::Sequential => Box::new(Sequential { len: samples }),
            Self::Shuffled => Box::new(Shuffled(Permutation::new(seed, epoch, samples))),
            Self::Windowed { block, window } => {
                Box::new(Windowed::new(seed, epoch, samples, block.max(1), window.max(1)))
            }
        }
    }
}

struct Sequential {
    len: u64,
}

impl Positions for Sequential {
    fn index(&self, position: u64) -> Option<u64> {
        (position < self.len).then_some(position)
    }
}

struct Shuffled(Permutation);

impl Positions for Shuffled {
    fn index(&self, position: u64) -> Option<u64> {
        self.0.get(position)
    }
}

#[derive(Clone, Debug)]
struct Windowed {
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

    /// The sample at `position` of the blocks laid end to end in their random order.
    fn block_order(&self, position: u64) -> Option<u64> {
        // Every block is full but the one that holds the end of the source.
        let missing = self.len.div_ceil(self.block) * self.block - self.len;
        let short_end = (self.short_slot + 1) * self.block - missing;
        let padded = if position < short_end { position } else { position + missing };
        Some(self.blocks.get(padded / self.block)? * self.block + padded % self.block)
    }
}

impl Positions for Windowed {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indices(order: Order, epoch: u64, len: u64) -> Vec<u64> {
        assert_eq!(order.epoch_len(len), len);
        let order = order.epoch(len, Seed(9), epoch);
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
    fn orders_are_those_of_earlier_versions() {
        assert_eq!(indices(Order::Sequential, 3, 10), (0..10).collect::<Vec<_>>());
        assert_eq!(indices(Order::Shuffled, 3, 10), [3, 7, 9, 4, 6, 2, 0, 8, 1, 5]);
        assert_eq!(
            indices(Order::Windowed { block: 2, window: 4 }, 3, 10),
            [0, 1, 3, 2, 5, 4, 6, 7, 8, 9]
        );
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
