use super::*;
use ocelli_random::Seed;

fn mask(node: usize, shape: [usize; 3], probability: f64, first_row: u64, step: u64) -> Vec<f32> {
    let drops = Drops { seed: Seed(6), step, first_row };
    keep_mask(NodeId(node), shape, probability, 100, drops)
}

#[test]
fn a_share_of_the_factors_is_zero_and_the_others_are_the_reciprocal_of_what_is_kept() {
    for probability in [0.2, 0.5, 0.75] {
        let mask = mask(3, [5, 10, 10], probability, 0, 1);
        assert_eq!(mask.len(), 100 * 500);
        let kept = (1.0 / (1.0 - probability)) as f32;
        assert!(mask.iter().all(|factor| *factor == 0.0 || *factor == kept), "{probability}");
        let zeros = mask.iter().filter(|factor| **factor == 0.0).count() as f64 / 50_000.0;
        // Its deviation is 0.0022 at most.
        assert!((zeros - probability).abs() < 0.01, "{zeros} of them with {probability}");
    }
    assert!(mask(3, [5, 2, 2], 0.0, 0, 1).iter().all(|factor| *factor == 1.0));
}

#[test]
fn masks_follow_the_sample_and_differ_between_operations_and_steps() {
    let first = mask(3, [2, 3, 3], 0.5, 0, 1);
    assert_eq!(first, mask(3, [2, 3, 3], 0.5, 0, 1));
    assert_eq!(first[40 * 18..], mask(3, [2, 3, 3], 0.5, 40, 1)[..60 * 18], "rows from 40 on");
    assert_ne!(first[..18], first[18..36]);
    assert_ne!(first, mask(4, [2, 3, 3], 0.5, 0, 1));
    assert_ne!(first, mask(3, [2, 3, 3], 0.5, 0, 2));
}
