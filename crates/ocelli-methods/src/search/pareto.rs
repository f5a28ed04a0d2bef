//! What no other network is better than in everything.

/// The positions of the points that no other point dominates: none is at least as large in every
/// coordinate and larger in one. Equal points stand or fall together.
pub fn front<const N: usize>(points: &[[f64; N]]) -> Vec<usize> {
    let is_dominated = |point: &[f64; N]| points.iter().any(|other| dominates(other, point));
    (0..points.len()).filter(|at| !is_dominated(&points[*at])).collect()
}

fn dominates<const N: usize>(one: &[f64; N], other: &[f64; N]) -> bool {
    let pairs = || one.iter().zip(other);
    pairs().all(|(a, b)| a >= b) && pairs().any(|(a, b)| a > b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_point_that_is_worse_in_everything_is_not_of_the_front() {
        let points = [[0.8, -1.0], [0.7, -1.1], [0.9, -2.0], [0.8, -1.0], [0.6, -0.5]];
        assert_eq!(front(&points), [0, 2, 3, 4]);
        assert_eq!(front::<2>(&[]), [0_usize; 0]);
    }

    proptest! {
        #![proptest_config(ocelli_testkit::cases(256))]
        /// On a coarse grid, so that points meet.
        #[test]
        fn the_front_is_all_that_is_not_dominated_and_dominates_the_rest(
            points in prop::collection::vec(prop::array::uniform3(0_u8..5), 0..30),
        ) {
            let points: Vec<[f64; 3]> = points.iter().map(|point| point.map(f64::from)).collect();
            let front = front(&points);
            prop_assert_eq!(front.is_empty(), points.is_empty());
            for (at, point) in points.iter().enumerate() {
                let by_front = front.iter().any(|best| dominates(&points[*best], point));
                prop_assert_eq!(front.contains(&at), !by_front);
            }
        }
    }
}
