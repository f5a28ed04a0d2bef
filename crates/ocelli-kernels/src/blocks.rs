//! Work on blocks of rows, in parallel, with sums that do not depend on the number of threads.

mod size;

pub(crate) use size::rows_per_block;

use crate::norm::{Statistics, block_moments};
use crate::rows::RowsMut;
use crate::scratch::with_scratch;
use rayon::prelude::*;

/// Does `work` on a thread of the pool. A kernel that is started from another thread waits for one
/// of the pool's to wake up; many small kernels should wait once, together.
pub fn in_pool<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| work())
}

/// Calls `work` with the first row and the rows of every block; then, while the block is in the
/// cache, takes its part of the statistics.
pub(crate) fn for_each_block(
    rows: RowsMut<'_>,
    rows_per_block: usize,
    statistics: Option<&mut Statistics>,
    work: impl Fn(usize, RowsMut<'_>) + Sync,
) {
    let Some(statistics) = statistics else {
        rows.blocks(rows_per_block)
            .enumerate()
            .for_each(|(block, rows)| work(block * rows_per_block, rows));
        return;
    };
    let rows_per_block = rows_per_block.max(1);
    let (count, channels) = (rows.count(), rows.channels());
    with_scratch(count.div_ceil(rows_per_block) * 2 * channels, |moments| {
        rows.blocks(rows_per_block)
            .zip(moments.par_chunks_exact_mut((2 * channels).max(1)))
            .enumerate()
            .for_each(|(block, (mut rows, moments))| {
                work(block * rows_per_block, rows.reborrow());
                block_moments(rows.as_rows(), moments);
            });
        statistics.combine([count, channels], rows_per_block, moments);
    });
}

/// Adds up, in order and in double precision, the sums that `work` makes of each block of
/// `count` rows. `length` sums per block.
pub(crate) fn sum_blocks(
    count: usize,
    rows_per_block: usize,
    length: usize,
    work: impl Fn(std::ops::Range<usize>, &mut [f32]) + Sync,
) -> Vec<f64> {
    let mut total = vec![0.0; length];
    with_scratch(count.div_ceil(rows_per_block) * length, |partial| {
        partial.par_chunks_exact_mut(length.max(1)).enumerate().for_each(|(block, sums)| {
            let first = block * rows_per_block;
            sums.fill(0.0);
            work(first..(first + rows_per_block).min(count), sums);
        });
        for sums in partial.chunks_exact(length.max(1)) {
            total.iter_mut().zip(sums).for_each(|(total, sum)| *total += f64::from(*sum));
        }
    });
    total
}
