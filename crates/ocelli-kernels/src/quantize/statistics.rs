//! What a quantizer is fitted to.

#![expect(unsafe_code, reason = "the inner loops run on checked-once pointers")]

use super::lanes::sum_of_lanes;
use crate::simd::{Kernel, Simd, dispatch};
use rayon::prelude::*;
use std::fmt;

/// How many values a block has; sums of blocks are joined in order and in double precision.
const BLOCK: usize = 8192;

/// A value that is NaN or infinite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NotFinite {
    /// Its position, counted from zero.
    pub index: usize,
    /// The value.
    pub value: f32,
}

impl fmt::Display for NotFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "element {} is {}, expected a finite value", self.index, self.value)
    }
}

impl std::error::Error for NotFinite {}

/// Range and moments of some values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistics {
    /// How many values there are.
    pub len: usize,
    /// The smallest; 0 of no values.
    pub min: f32,
    /// The largest; 0 of no values.
    pub max: f32,
    /// The mean of their sizes, `E|w|`.
    pub mean_abs: f64,
    /// The mean of their squares, `E[w²]`.
    pub mean_square: f64,
}

impl Statistics {
    /// Of all values, the same for any number of threads.
    ///
    /// # Errors
    /// [`NotFinite`] for the first that is NaN or infinite.
    pub fn new(values: &[f32]) -> Result<Self, NotFinite> {
        let parts: Vec<Part> =
            values.par_chunks(BLOCK).map(|values| dispatch(Moments { values })).collect();
        Self::of_parts(values, &parts)
    }

    /// Of all values, on this thread.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub(super) fn on_this_thread(values: &[f32]) -> Result<Self, NotFinite> {
        let parts = values.chunks(BLOCK).map(|values| dispatch(Moments { values }));
        Self::of_parts(values, &parts.collect::<Vec<_>>())
    }

    fn of_parts(values: &[f32], parts: &[Part]) -> Result<Self, NotFinite> {
        if parts.iter().any(|part| !part.is_finite) {
            let bad = values.iter().position(|value| !value.is_finite());
            if let Some(index) = bad {
                return Err(NotFinite { index, value: values[index] });
            }
        }
        let fold = |least: f32, pick: fn(f32, f32) -> f32, get: fn(&Part) -> f32| {
            if parts.is_empty() { 0.0 } else { parts.iter().map(get).fold(least, pick) }
        };
        let count = values.len().max(1) as f64;
        let sum_abs: f64 = parts.iter().map(|part| part.sum_abs).sum();
        let mut squares: f64 = parts.iter().map(|part| part.sum_squares).sum();
        if !(1e-20..1e30).contains(&squares) {
            // Squares of single precision vanish or overflow.
            squares = values.iter().map(|value| f64::from(*value) * f64::from(*value)).sum();
        }
        Ok(Self {
            len: values.len(),
            min: fold(f32::INFINITY, f32::min, |part| part.min),
            max: fold(f32::NEG_INFINITY, f32::max, |part| part.max),
            mean_abs: sum_abs / count,
            mean_square: squares / count,
        })
    }

    /// The largest size of a value.
    pub fn max_abs(&self) -> f32 {
        self.max.abs().max(self.min.abs())
    }
}

/// The mean size of the values that are larger than `threshold`, and how many they are.
pub(super) fn mean_above(values: &[f32], threshold: f32) -> (f64, usize) {
    let parts = values.chunks(BLOCK).map(|values| dispatch(Above { values, threshold }));
    let (sum, count) = parts.fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    (if count > 0.0 { sum / count } else { 0.0 }, count as usize)
}

/// The moments of a block.
struct Part {
    min: f32,
    max: f32,
    sum_abs: f64,
    sum_squares: f64,
    is_finite: bool,
}

struct Moments<'a> {
    values: &'a [f32],
}

impl Kernel for Moments<'_> {
    type Output = Part;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Part {
        let zero = simd.splat(0.0);
        let first = simd.splat(self.values.first().copied().unwrap_or(0.0));
        let (mut min, mut max) = (first, first);
        let (mut sum_abs, mut squares, mut zeros) = (zero, zero, zero);
        let mut chunks = self.values.chunks_exact(S::LANES);
        for chunk in &mut chunks {
            // SAFETY: the chunk has as many values as a vector.
            let value = unsafe { simd.load(chunk.as_ptr()) };
            min = simd.min(min, value);
            max = simd.max(max, value);
            sum_abs = simd.add(sum_abs, simd.max(value, simd.sub(zero, value)));
            squares = simd.mul_add(value, value, squares);
            // Zero times what is NaN or infinite is NaN.
            zeros = simd.mul_add(value, zero, zeros);
        }
        let mut part = Part {
            min: lanes(simd, min).into_iter().fold(f32::INFINITY, f32::min),
            max: lanes(simd, max).into_iter().fold(f32::NEG_INFINITY, f32::max),
            sum_abs: sum_of_lanes(simd, sum_abs),
            sum_squares: sum_of_lanes(simd, squares),
            is_finite: sum_of_lanes(simd, zeros) == 0.0,
        };
        for value in chunks.remainder() {
            part.min = part.min.min(*value);
            part.max = part.max.max(*value);
            part.sum_abs += f64::from(value.abs());
            part.sum_squares += f64::from(*value) * f64::from(*value);
            part.is_finite &= value.is_finite();
        }
        part
    }
}

/// The lanes of a vector, of a narrow one some twice.
#[inline(always)]
fn lanes<S: Simd>(simd: S, vector: S::Vector) -> [f32; 16] {
    const { assert!(16 % S::LANES == 0, "a vector that fits") };
    let mut lanes = [0.0; 16];
    for lane in (0..16).step_by(S::LANES) {
        // SAFETY: there is room for a vector from here on.
        unsafe { simd.store(lanes[lane..].as_mut_ptr(), vector) };
    }
    lanes
}

struct Above<'a> {
    values: &'a [f32],
    threshold: f32,
}

impl Kernel for Above<'_> {
    /// The sum of the sizes, and how many they are.
    type Output = (f64, f64);

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> (f64, f64) {
        let (zero, one) = (simd.splat(0.0), simd.splat(1.0));
        let threshold = simd.splat(self.threshold);
        let (mut sum, mut count) = (zero, zero);
        let mut chunks = self.values.chunks_exact(S::LANES);
        for chunk in &mut chunks {
            // SAFETY: the chunk has as many values as a vector.
            let value = unsafe { simd.load(chunk.as_ptr()) };
            let size = simd.max(value, simd.sub(zero, value));
            sum = simd.add(sum, simd.where_greater(size, threshold, size, zero));
            count = simd.add(count, simd.where_greater(size, threshold, one, zero));
        }
        let (mut sum, mut count) = (sum_of_lanes(simd, sum), sum_of_lanes(simd, count));
        for value in chunks.remainder().iter().filter(|value| value.abs() > self.threshold) {
            sum += f64::from(value.abs());
            count += 1.0;
        }
        (sum, count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::values;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ocelli_testkit::cases(128))]

        #[test]
        fn moments_are_those_of_plain_sums(len in 0_usize..20_000, seed in 0_u32..1000) {
            let values = values(len, seed);
            let found = Statistics::new(&values).unwrap();
            let wide = || values.iter().map(|value| f64::from(*value));
            let count = len.max(1) as f64;
            prop_assert!((found.mean_abs - wide().map(f64::abs).sum::<f64>() / count).abs() < 1e-5);
            prop_assert!((found.mean_square - wide().map(|v| v * v).sum::<f64>() / count).abs() < 1e-5);
            let least = values.iter().copied().reduce(f32::min).unwrap_or(0.0);
            let most = values.iter().copied().reduce(f32::max).unwrap_or(0.0);
            prop_assert_eq!((found.min, found.max, found.len), (least, most, len));
            prop_assert_eq!(Statistics::on_this_thread(&values), Ok(found));
            let (mean, above) = mean_above(&values, 0.5);
            let large = || wide().map(f64::abs).filter(|size| *size > 0.5);
            prop_assert_eq!(above, large().count());
            prop_assert!((mean - large().sum::<f64>() / above.max(1) as f64).abs() < 1e-5);
        }
    }

    #[test]
    fn the_first_value_that_is_not_finite_is_named() {
        for (index, value) in [(0, f32::NAN), (17, f32::INFINITY), (9000, f32::NEG_INFINITY)] {
            let mut values = values(9001, 3);
            values[9000] = f32::NAN;
            values[index] = value;
            let error = Statistics::new(&values).unwrap_err();
            assert_eq!(error.index, index);
            assert!(!error.value.is_finite());
        }
    }

    #[test]
    fn squares_beyond_single_precision_are_right() {
        for size in [1e-30_f32, 1e25] {
            let found = Statistics::new(&[size; 100]).unwrap();
            let expected = f64::from(size) * f64::from(size);
            assert!((found.mean_square / expected - 1.0).abs() < 1e-9, "{size}");
        }
    }
}
