//! A batch, cut into what one thread computes at a time.

use crate::RowValues;
use crate::lowering::{GivenSlice, Value};
use crate::op::Shape;

/// Some samples of each given and each wanted value.
pub(crate) struct BatchShare<'a> {
    pub(crate) count: usize,
    pub(crate) given: Vec<GivenSlice<'a>>,
    pub(crate) wanted: Vec<&'a mut [f32]>,
}

/// How many of a batch's samples are computed at once, where `per_share` says how many of some samples a
/// thread takes at a time.
pub(crate) fn samples_at_once(batch: usize, per_share: impl Fn(usize) -> usize) -> usize {
    let threads = rayon::current_num_threads();
    let share = per_share(batch.div_ceil(threads)).min(batch).max(1);
    batch.div_ceil(share).min(threads) * share
}

/// Zeros for the results of a batch.
pub(crate) fn result_rows(wanted: impl Iterator<Item = Value>, batch: usize) -> Vec<RowValues> {
    let rows_of = |Value { pixels, width, channels, .. }: Value| {
        let shape = Shape { channels, height: pixels / width.max(1), width };
        RowValues { values: vec![0.0; batch * shape.len()], shape }
    };
    wanted.map(rows_of).collect()
}

/// Cuts a batch into shares of `size` samples. `lengths`: of a sample of each given value.
pub(crate) fn batch_shares<'a>(
    size: usize,
    batch: usize,
    given: &[GivenSlice<'a>],
    lengths: &[usize],
    wanted: &'a mut [RowValues],
) -> Vec<BatchShare<'a>> {
    let size = size.max(1);
    let mut rest: Vec<(usize, &'a mut [f32])> =
        wanted.iter_mut().map(|rows| (rows.shape.len(), &mut rows.values[..])).collect();
    let mut shares = Vec::with_capacity(batch.div_ceil(size));
    for first in (0..batch).step_by(size) {
        let count = size.min(batch - first);
        let given = given.iter().zip(lengths);
        let given = given.map(|(samples, length)| samples.samples(first, count, *length));
        let wanted = rest.iter_mut().map(|(length, rest)| {
            let (now, later) = std::mem::take(rest).split_at_mut(count * *length);
            *rest = later;
            now
        });
        shares.push(BatchShare { count, given: given.collect(), wanted: wanted.collect() });
    }
    shares
}
