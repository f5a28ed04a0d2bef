//! Weights of few bits as the integers of ONNX: `(code − zero point) · scale` with codes of eight bits.

use ocelli_kernels::quantize::Grid;
use ocelli_nn::PackedTensor;
use std::ops::RangeInclusive;

/// A weight as integers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct IntegerWeight {
    pub(super) codes: Vec<i8>,
    /// One, or one for each output channel.
    pub(super) scales: Vec<f32>,
    /// As many as scales.
    pub(super) zero_points: Vec<i8>,
}

/// The integers of a channel: `sign · (factor · code + shift)`.
struct Channel {
    factor: i32,
    shift: i32,
    scale: f32,
}

/// How far from a whole number of steps the lowest level of an aligned grid may be: what rounding to single
/// precision makes of 255 steps.
const ROUNDING: f64 = 1e-4;

impl IntegerWeight {
    /// The integers of a packed weight; `None` where its levels are no multiples of a step, as those of `paper`
    /// ranges, or no eight bits hold them.
    ///
    /// Levels of a grid on which zero is, `step · (code − z)`, are the integers `code − z`. Levels that lie
    /// evenly around zero without it, as those of SAWB and BWN, are odd multiples of half a step. A multiplier
    /// below zero turns the signs of its channel.
    pub(super) fn new(packed: &PackedTensor) -> Option<Self> {
        let multipliers = packed.multipliers();
        let shares = packed.grids().len().max(multipliers.map_or(0, <[f32]>::len));
        let per_share = (packed.len() / shares).max(1);
        let one = |list: usize, share: usize| if list == 1 { 0 } else { share };
        let codes = packed.codes();
        let (mut integers, mut scales) = (Vec::with_capacity(codes.len()), Vec::new());
        for (share, codes) in codes.chunks(per_share).enumerate() {
            let grid = packed.grids()[one(packed.grids().len(), share)];
            let multiplier = multipliers.map_or(1.0, |list| list[one(list.len(), share)]);
            let Channel { factor, shift, scale } = channel(grid)?;
            let sign = if multiplier < 0.0 { -1 } else { 1 };
            let scale = scale * multiplier.abs();
            // All levels of a scale of zero are zero, which the standard has no scale for.
            let (sign, scale) = if scale == 0.0 { (0, 1.0) } else { (sign, scale) };
            integers.extend(codes.iter().map(|code| sign * (factor * i32::from(*code) + shift)));
            scales.push(scale);
        }
        fit(&integers, per_share, scales)
    }
}

/// Which integers stand for the levels of a grid.
fn channel(grid: Grid) -> Option<Channel> {
    if grid.step <= 0.0 {
        return (grid.offset == 0.0).then_some(Channel { factor: 1, shift: 0, scale: 0.0 });
    }
    let halves = 2.0 * f64::from(grid.offset) / f64::from(grid.step);
    let rounded = halves.round();
    if (halves - rounded).abs() > ROUNDING || rounded.abs() > 1024.0 {
        return None;
    }
    let halves = rounded as i32;
    Some(if halves % 2 == 0 {
        Channel { factor: 1, shift: halves / 2, scale: grid.step }
    } else {
        Channel { factor: 2, shift: halves, scale: grid.step / 2.0 }
    })
}

const EIGHT_BITS: RangeInclusive<i32> = i8::MIN as i32..=i8::MAX as i32;

/// The integers in eight bits, moved by a zero point for each share where they do not fit as they are.
fn fit(integers: &[i32], per_share: usize, scales: Vec<f32>) -> Option<IntegerWeight> {
    if integers.iter().all(|integer| EIGHT_BITS.contains(integer)) {
        let codes = integers.iter().map(|integer| *integer as i8).collect();
        let zero_points = vec![0; scales.len()];
        return Some(IntegerWeight { codes, scales, zero_points });
    }
    let (mut codes, mut zero_points) = (Vec::with_capacity(integers.len()), Vec::new());
    for share in integers.chunks(per_share) {
        let least = share.iter().min().copied().unwrap_or(0).min(0);
        let most = share.iter().max().copied().unwrap_or(0).max(0);
        if most - least > 255 {
            return None;
        }
        let zero_point = EIGHT_BITS.start() - least;
        codes.extend(share.iter().map(|integer| (integer + zero_point) as i8));
        zero_points.push(zero_point as i8);
    }
    Some(IntegerWeight { codes, scales, zero_points })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocelli_kernels::quantize::{CodeBits, Levels, Statistics, Zero};

    fn packed(
        codes: &[u8],
        bits: CodeBits,
        grids: &[Grid],
        multipliers: Option<&[f32]>,
    ) -> PackedTensor {
        let whole = PackedTensor::from_codes(codes, bits, grids.to_vec()).unwrap();
        let (len, bytes) = (codes.len(), whole.packed_codes().to_vec());
        PackedTensor::new(len, bits, bytes, grids.to_vec(), multipliers.map(<[f32]>::to_vec))
            .unwrap()
    }

    /// The integers stand for the values of the packed weight.
    fn check(packed: &PackedTensor) -> IntegerWeight {
        let found = IntegerWeight::new(packed).unwrap();
        let per_share = packed.len() / found.scales.len();
        for (index, (code, value)) in found.codes.iter().zip(packed.values()).enumerate() {
            let share = index / per_share;
            let zero = i32::from(found.zero_points[share]);
            let level = (i32::from(*code) - zero) as f32 * found.scales[share];
            assert!((level - value).abs() <= 1e-5 * value.abs(), "{level} for {value}: {found:?}");
        }
        found
    }

    #[test]
    fn sawb_has_odd_multiples_of_a_third_of_its_clip() {
        let values = [0.3, -0.1, 0.2, -0.5, 0.9, 0.05];
        let grid = Levels::sawb(&Statistics::new(&values).unwrap(), 2).grid().unwrap();
        let found = check(&packed(&[0, 1, 2, 3], CodeBits::Two, &[grid], None));
        assert_eq!(found.codes, [-3, -1, 1, 3]);
        assert!((found.scales[0] + grid.offset / 3.0).abs() < 1e-6, "{found:?}");
        assert_eq!(found.zero_points, [0]);
    }

    #[test]
    fn bwn_has_two_signs_and_twn_a_zero() {
        let values = [0.3, -0.1, 0.2, -0.5, 0.9, 0.05];
        let statistics = Statistics::new(&values).unwrap();
        let bwn = Levels::bwn(&statistics).grid().unwrap();
        assert_eq!(check(&packed(&[0, 1], CodeBits::One, &[bwn], None)).codes, [-1, 1]);
        let twn = Levels::twn(&statistics, &values).grid().unwrap();
        assert_eq!(check(&packed(&[0, 1, 2], CodeBits::Two, &[twn], None)).codes, [-1, 0, 1]);
    }

    #[test]
    fn aligned_levels_of_eight_bits_have_a_zero_point_where_they_need_one() {
        let codes = [0, 100, 255, 17];
        let narrow = Levels::min_max(-1.0, 0.99, 8, Zero::Aligned).grid().unwrap();
        let found = check(&packed(&codes, CodeBits::Eight, &[narrow], None));
        assert_eq!(found.zero_points, [0], "128 levels are below zero, 127 above");
        let wide = Levels::min_max(-0.2, 1.0, 8, Zero::Aligned).grid().unwrap();
        let found = check(&packed(&codes, CodeBits::Eight, &[wide], None));
        assert_eq!(found.codes, [-128, -28, 127, -111]);
    }

    #[test]
    fn multipliers_below_zero_turn_signs_and_zero_makes_zeros() {
        let grid = Grid { offset: -0.5, step: 0.25, top: 3 };
        let grids = [grid];
        let multipliers = [2.0, -2.0, 0.0];
        let codes = [0, 3, 0, 3, 0, 3];
        let found = check(&packed(&codes, CodeBits::Two, &grids, Some(&multipliers)));
        assert_eq!(found.codes, [-2, 1, 2, -1, 0, 0]);
        assert_eq!(found.scales, [0.5, 0.5, 1.0]);
    }

    #[test]
    fn ranges_of_the_papers_have_no_integers() {
        let grid = Levels::min_max(-1.0, 0.77, 4, Zero::Paper).grid().unwrap();
        assert_eq!(IntegerWeight::new(&packed(&[0, 9], CodeBits::Four, &[grid], None)), None);
        let constant = Grid { offset: 0.25, step: 0.0, top: 15 };
        assert_eq!(IntegerWeight::new(&packed(&[0, 0], CodeBits::Four, &[constant], None)), None);
    }
}
