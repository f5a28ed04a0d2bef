//! Mean and variance per channel.

#![expect(unsafe_code, reason = "the inner loops run on checked-once pointers")]

use crate::blocks::rows_per_block;
use crate::rows::Rows;
use crate::scratch::with_scratch;
use crate::simd::{Kernel, Part, Simd, dispatch};
use rayon::prelude::*;

/// The mean and the biased variance of each channel over a batch's pixels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    /// `[channels]`
    pub mean: Vec<f32>,
    /// The mean square distance from the mean, `[channels]`.
    pub variance: Vec<f32>,
}

impl Statistics {
    /// The statistics of values that stand ready; all zero where there are no pixels.
    ///
    /// # Shapes
    /// - `z`: `[pixels, channels]`
    pub fn from_rows(z: Rows<'_>) -> Self {
        let (count, channels) = (z.count(), z.channels());
        let block = rows_per_block(channels);
        let mut statistics = Self::default();
        with_scratch(count.div_ceil(block) * 2 * channels, |moments| {
            moments.par_chunks_exact_mut((2 * channels).max(1)).enumerate().for_each(
                |(index, moments)| {
                    block_moments(z.range(index * block, block), moments);
                },
            );
            statistics.combine([count, channels], block, moments);
        });
        statistics
    }

    /// Joins the moments of blocks of `rows_per_block` rows, `count` rows in all; of none, mean and
    /// variance are zero.
    pub(crate) fn combine(
        &mut self,
        [count, channels]: [usize; 2],
        rows_per_block: usize,
        moments: &[f32],
    ) {
        let mut total = vec![(0.0_f64, 0.0_f64); channels];
        for (index, moments) in moments.chunks_exact((2 * channels).max(1)).enumerate() {
            let before = (index * rows_per_block) as f64;
            let new = rows_per_block.min(count - index * rows_per_block) as f64;
            let (means, squares) = moments.split_at(channels);
            for (total, (mean, square)) in total.iter_mut().zip(means.iter().zip(squares)) {
                let distance = f64::from(*mean) - total.0;
                total.0 += distance * new / (before + new);
                total.1 += f64::from(*square) + distance * distance * before * new / (before + new);
            }
        }
        self.mean = total.iter().map(|(mean, _)| *mean as f32).collect();
        self.variance = total.iter().map(|(_, sum)| (sum / count.max(1) as f64) as f32).collect();
    }
}

/// The mean and the sum of squared distances from it, for one block of rows.
///
/// # Shapes
/// - `moments`: `[2, channels]`
pub(crate) fn block_moments(z: Rows<'_>, moments: &mut [f32]) {
    assert_eq!(moments.len(), 2 * z.channels(), "length of a block's moments");
    dispatch(Moments { z, moments });
}

struct Moments<'a> {
    z: Rows<'a>,
    moments: &'a mut [f32],
}

impl Kernel for Moments<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (count, channels) = (self.z.count(), self.z.channels());
        let share = simd.splat(1.0 / count as f32);
        for channel in (0..channels).step_by(S::LANES) {
            let part = simd.part(channels - channel);
            let z = self.z.as_ptr().wrapping_add(channel);
            let moments = self.moments.as_mut_ptr().wrapping_add(channel);
            // SAFETY: rows 0..count and the part's channels exist in z, and `moments` has two
            // elements per channel.
            unsafe {
                let sum = sum_rows(simd, z, self.z, part, simd.splat(0.0), |_, value| value);
                let mean = simd.mul(sum, share);
                let squares = sum_rows(simd, z, self.z, part, mean, |simd, distance| {
                    simd.mul(distance, distance)
                });
                simd.store_part(moments, part, mean);
                simd.store_part(moments.add(channels), part, squares);
            }
        }
    }
}

/// Σ of a function of the distance from `origin`, over all rows at one vector of channels.
///
/// # Safety
/// `from` must be row 0 of `z` at a channel from which the part's lanes are in every row.
#[inline(always)]
unsafe fn sum_rows<S: Simd>(
    simd: S,
    from: *const f32,
    z: Rows<'_>,
    part: Part<S>,
    origin: S::Vector,
    function: impl Fn(S, S::Vector) -> S::Vector,
) -> S::Vector {
    let mut sums = [simd.splat(0.0); 4];
    let mut row = 0;
    // SAFETY: only rows below `z.count()` are read.
    unsafe {
        while row + 4 <= z.count() {
            for (next, sum) in sums.iter_mut().enumerate() {
                let value = simd.load_part(from.add((row + next) * z.stride()), part);
                *sum = simd.add(*sum, function(simd, simd.sub(value, origin)));
            }
            row += 4;
        }
        while row < z.count() {
            let value = simd.load_part(from.add(row * z.stride()), part);
            sums[0] = simd.add(sums[0], function(simd, simd.sub(value, origin)));
            row += 1;
        }
    }
    let [a, b, c, d] = sums;
    simd.add(simd.add(a, b), simd.add(c, d))
}
