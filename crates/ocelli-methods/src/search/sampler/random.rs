//! Random search: every network is as probable as any other.

use ocelli_random::ChaCha8Rng;
use rand::RngExt;

pub(super) fn draw(decisions: &[usize], rng: &mut ChaCha8Rng) -> Vec<usize> {
    decisions.iter().map(|options| rng.random_range(0..*options)).collect()
}
