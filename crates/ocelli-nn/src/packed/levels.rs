//! Grids of values that are on few levels already, as quantization-aware training leaves them.
//!
//! A level is `offset + step · code` with both operations rounded, so a grid is found only if it gives each
//! value to the bit. Spacings come from the smallest distance of two values and its parts; rounding
//! leaves the step and the offset uncertain by some units in the last place, and these are tried.

use super::PackedTensor;
use ocelli_kernels::quantize::{CodeBits, Grid};

/// The most units in the last place that are tried on either side.
const MOST_UNITS: i32 = 64;

impl PackedTensor {
    /// The codes of values that are on the levels of one grid, or of a grid for each of `channels`: the fewest bits
    /// that give every value to the bit. `None` where there are none.
    ///
    /// # Shapes
    /// - `values`: `[channels, ..]`, row-major
    pub fn from_levels(values: &[f32], channels: usize) -> Option<Self> {
        if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let whole = distinct(values);
        CodeBits::ALL.into_iter().find_map(|bits| {
            let top = u32::from(bits.top());
            let one = whole.as_deref().and_then(|levels| grid(levels, top)).map(|grid| vec![grid]);
            let grids = one.or_else(|| {
                let parts = values.chunks((values.len() / channels.max(1)).max(1));
                parts.map(|values| grid(&distinct(values)?, top)).collect()
            })?;
            let packed = Self::quantize(values, bits, grids).ok()?;
            (packed.values() == values).then_some(packed)
        })
    }
}

/// The distinct values in order; `None` if there are more than codes of eight bits.
fn distinct(values: &[f32]) -> Option<Vec<f32>> {
    let mut found: Vec<f32> = Vec::new();
    for value in values {
        // The two zeros are one.
        let value = value + 0.0;
        if let Err(at) = found.binary_search_by(|other| other.total_cmp(&value)) {
            if found.len() > usize::from(u8::MAX) {
                return None;
            }
            found.insert(at, value);
        }
    }
    Some(found)
}

/// The grid with codes up to `top` on which all `levels` are, in order.
fn grid(levels: &[f32], top: u32) -> Option<Grid> {
    let (first, last) = (*levels.first()?, *levels.last()?);
    if levels.len() == 1 {
        return Some(Grid { offset: first, step: 0.0, top });
    }
    if levels.len() as u64 > u64::from(top) + 1 {
        return None;
    }
    let from_first = |level: f32| f64::from(level) - f64::from(first);
    let span = from_first(last);
    let smallest = levels.windows(2).map(|pair| f64::from(pair[1]) - f64::from(pair[0]));
    let smallest = smallest.fold(f64::INFINITY, f64::min);
    let unit = f64::from(first.abs().max(last.abs())) * f64::from(f32::EPSILON);
    let units = ((2.0 * unit / f64::from(f32::EPSILON) / span).ceil() as i32 + 2).min(MOST_UNITS);
    // A gap between neighbours is one or several steps.
    (1..=top).find_map(|parts| {
        let most = (span * f64::from(parts) / smallest).round();
        if most > f64::from(top) {
            return None;
        }
        let step = span / most;
        let code = |level: f32| (from_first(level) / step).round();
        let is_even = |level: &f32| (from_first(*level) - code(*level) * step).abs() <= 4.0 * unit;
        if !levels.iter().all(is_even) {
            return None;
        }
        let codes: Vec<u32> = levels.iter().map(|level| code(*level) as u32).collect();
        exact(levels, &codes, step as f32, units, top)
    })
}

/// The grid near `step` that has each level at its code, or at as many codes more as are below the first.
fn exact(levels: &[f32], codes: &[u32], step: f32, units: i32, top: u32) -> Option<Grid> {
    let most = *codes.last()?;
    (0..=top - most).find_map(|below| {
        near(step, units).find_map(|step| {
            let offset = (f64::from(levels[0]) - f64::from(step) * f64::from(below)) as f32;
            let tried = if below == 0 { 0 } else { units };
            near(offset, tried).find_map(|offset| {
                let grid = Grid { offset, step, top };
                let mut pairs = levels.iter().zip(codes);
                pairs.all(|(level, code)| grid.level(code + below) == *level).then_some(grid)
            })
        })
    })
}

/// The numbers around `centre`, the nearest first.
fn near(centre: f32, units: i32) -> impl Iterator<Item = f32> {
    let at = move |unit: i32| f32::from_bits(centre.to_bits().wrapping_add_signed(unit));
    std::iter::once(centre)
        .chain((1..=units).flat_map(move |unit| [at(unit), at(-unit)]))
        .filter(|value| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocelli_kernels::quantize::{Levels, Per, Quantizer, Weights, Zero};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ocelli_testkit::cases(200))]
        #[test]
        fn what_any_quantizer_leaves_is_packed_to_the_bit(
            which in 0_usize..9, channels in 1_usize..5, len in 1_usize..200, seed in 1_u32..5000,
            shift in -2_f32..2.0, per_channel in any::<bool>(), aligned in any::<bool>(),
        ) {
            let names = [
                "min_max:1", "min_max:2", "min_max:4", "min_max:8", "sawb:2", "sawb:4", "bwn", "twn",
                "lsq:3",
            ];
            let quantizer: Quantizer = names[which].parse().unwrap();
            let value = |at: usize| ((at as f32 + 0.7) * (seed as f32 * 0.013)).sin() + shift;
            let values: Vec<f32> = (0..channels * len).map(value).collect();
            let per = if per_channel { Per::Channel } else { Per::Tensor };
            let zero = if aligned { Zero::Aligned } else { Zero::Paper };
            let weights = Weights::new(&values, channels).unwrap();
            let learnt = weights.start(quantizer, per);
            let branch = weights.branch(quantizer, per, zero, &learnt);
            let grids: Vec<Grid> = branch.levels().iter().filter_map(Levels::grid).collect();
            let codes = branch.codes(&values, channels);
            let bits = CodeBits::for_bits(quantizer.bits()).unwrap();
            let hard = PackedTensor::from_codes(&codes, bits, grids).unwrap().values();
            let found = PackedTensor::from_levels(&hard, channels);
            let found = found.unwrap_or_else(|| panic!("{quantizer}: {:?}", distinct(&hard)));
            prop_assert_eq!(found.values(), hard);
            prop_assert!(found.bits() <= bits, "{:?} of {:?}", found.bits(), bits);
        }
    }

    #[test]
    fn values_on_no_grid_have_no_codes() {
        let free: Vec<f32> = (0..2000).map(|at| (at as f32 * 0.77).sin()).collect();
        assert!(PackedTensor::from_levels(&free, 4).is_none());
        assert!(PackedTensor::from_levels(&[0.0, 1.0, 1.0 + 1e-5], 1).is_none());
        assert!(PackedTensor::from_levels(&[0.0, f32::NAN], 1).is_none());
        assert!(PackedTensor::from_levels(&[], 1).is_none());
        let three = PackedTensor::from_levels(&[-0.25, 0.0, -0.0, 0.25], 1).unwrap();
        assert_eq!((three.bits(), three.grids().len()), (CodeBits::Two, 1));
        let signs = PackedTensor::from_levels(&[0.3, -0.3, 0.7, 0.7], 2).unwrap();
        assert_eq!((signs.bits(), signs.grids().len()), (CodeBits::One, 2));
    }
}
