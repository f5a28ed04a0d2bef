//! Convolutions whose work is shared out by output channels.
//!
//! With few pixels and many channels, as in the last layers of a network and in its classifier, the
//! weight is the large factor. Shared out by pixels, every thread would read all of it, again for
//! each block; shared out by channels, each part is read once and stays near its thread.

use super::Conv;
use super::gather::gather;
use crate::finish::Finish;
use crate::gemm::{Panels, WIDTH, multiply};
use crate::norm::Statistics;
use crate::rows::{Rows, RowsMut};
use crate::scratch::with_scratch;
use rayon::prelude::*;

impl Conv {
    /// Whether the weight outweighs the pixels.
    pub(super) fn shares_out_channels(self) -> bool {
        /// Elements of a weight that no longer fits the second cache beside its pixels.
        const LARGE_WEIGHT: usize = 256 * 1024;
        const FEW_PIXELS: usize = 64;
        let few = self.geometry.output_pixels() <= FEW_PIXELS && self.out_channels >= 2 * WIDTH;
        few || self.depth() * self.out_channels > LARGE_WEIGHT
    }

    pub(super) fn run_by_channels(
        self,
        x: Rows<'_>,
        weight: Panels<'_>,
        finish: &Finish<'_>,
        mut y: RowsMut<'_>,
        statistics: Option<&mut Statistics>,
    ) {
        /// Elements of the left factor that are gathered at a time.
        const BLOCK_VALUES: usize = 512 * 1024;
        /// Channels per share if there are many.
        const SHARE: usize = 2 * WIDTH;
        let block = (BLOCK_VALUES / self.depth().max(1)).max(12) / 12 * 12;
        let share = if y.channels() >= 4 * SHARE { SHARE } else { WIDTH };
        for first in (0..y.count()).step_by(block) {
            let count = block.min(y.count() - first);
            let shares = y.rows_mut(first, count).channel_shares(share);
            self.with_all_gathered(x, first, count, |a| {
                shares.into_par_iter().enumerate().for_each(|(index, mut y)| {
                    let channel = index * share;
                    let weight = weight.columns_from(channel, y.channels());
                    multiply(a, weight, y.reborrow(), false);
                    finish.channels(channel, y.channels()).apply(first, y);
                });
            });
        }
        if let Some(statistics) = statistics {
            *statistics = Statistics::from_rows(y.as_rows());
        }
    }

    /// Hands on the inputs of all taps of `count` pixels from `first` on, `[pixels, taps · in]`.
    fn with_all_gathered(
        self,
        x: Rows<'_>,
        first: usize,
        count: usize,
        use_it: impl FnOnce(Rows<'_>),
    ) {
        /// Pixels that a thread gathers at a time.
        const PIXELS: usize = 24;
        let depth = self.depth();
        if self.geometry.is_pointwise() {
            return use_it(x.range(first, count));
        }
        with_scratch(count * depth, |gathered| {
            gathered.par_chunks_mut((PIXELS * depth).max(1)).enumerate().for_each(
                |(index, gathered)| {
                    gather(self.geometry, x, first + index * PIXELS, gathered);
                },
            );
            use_it(Rows::strided(gathered, count, depth, depth));
        });
    }
}
