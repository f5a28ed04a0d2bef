//! Lower bounds of distances, by groups of centroids: Yinyang k-means, with rounding accounted for.
//!
//! For each row and each group g, `lower` is never above the distance to any centroid of g but the row's own.
//! When centroids move, it falls by the longest move in g. A group whose bound stays above the distance to
//! the row's own centroid cannot have the nearest, and is left out.

/// Single precision numbers below and above a double.
pub(super) fn below(value: f64) -> f32 {
    let rounded = value as f32;
    if f64::from(rounded) > value { rounded.next_down() } else { rounded }
}

pub(super) fn above(value: f64) -> f32 {
    let rounded = value as f32;
    if f64::from(rounded) < value { rounded.next_up() } else { rounded }
}

/// A square root that is not too high (or low), although its argument may be off by some units.
const SLACK: f64 = 1e-9;

/// At most the distance whose square is given.
pub(super) fn distance_below(square: f64) -> f32 {
    if square > 0.0 { below(square.sqrt() * (1.0 - SLACK)) } else { 0.0 }
}

/// At least the distance whose square is given.
pub(super) fn distance_above(square: f64) -> f32 {
    above(square.max(0.0).sqrt() * (1.0 + SLACK)).next_up()
}

/// Lets the bounds of a row fall by the moves of the groups, and counts those that no longer exceed `own`,
/// the distance to the row's centroid.
pub(super) fn fall(lower: &mut [f32], moves: &[f32], own: f32) -> usize {
    let mut below = 0;
    for (lower, moved) in lower.iter_mut().zip(moves) {
        // A unit and a half at the end of the number is what the difference may be rounded up by.
        *lower = (*lower - moved) * (1.0 - f32::EPSILON);
        below += usize::from(*lower <= own);
    }
    below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_goes_the_safe_way() {
        for value in [0.1_f64, 1.0 / 3.0, 1e10 + 1.0, 16_777_217.0, 2.0, 1e-300, 5e-46] {
            assert!(f64::from(below(value)) <= value && f64::from(above(value)) >= value);
            assert!(f64::from(distance_below(value * value)) <= value);
            assert!(f64::from(distance_above(value * value)) >= value);
        }
        assert_eq!((below(2.0), above(2.0)), (2.0, 2.0));
        assert_eq!((distance_below(-1.0), distance_below(0.0)), (0.0, 0.0));
    }

    #[test]
    fn bounds_fall_by_moves_and_never_too_little() {
        let mut lower = [5.0, 0.1, 3.0, f32::INFINITY];
        assert_eq!(fall(&mut lower, &[1.0, 0.3, 0.0, 1.0], 3.0), 2);
        assert!(lower[0] <= 4.0 && lower[0] > 3.999_99);
        assert!(lower[1] <= -0.199_999_9 && lower[2] <= 3.0 && lower[2] > 2.999_99);
        assert_eq!(lower[3], f32::INFINITY);
        // A bound that is not a number keeps nothing out: the comparison is the other way round.
        assert_eq!(fall(&mut [2.0], &[f32::INFINITY], 1.0), 1);
    }
}
