//! Regularised evolution: a tournament among the youngest, and one mutation of the winner.
//!
//! Paper: Real et al., *Regularized Evolution for Image Classifier Architecture Search*, AAAI 2019
//! (<https://arxiv.org/abs/1802.01548>), algorithm 1. Who is old dies, however good: the population
//! is always the last P trials, so luck in one measurement does not last.

use super::random;
use super::scored::Scored;
use crate::search::config::EvolutionConfig;
use ocelli_random::ChaCha8Rng;
use rand::RngExt;

pub(super) fn draw(
    config: &EvolutionConfig,
    decisions: &[usize],
    past: &[Scored],
    rng: &mut ChaCha8Rng,
) -> Vec<usize> {
    let Some(first) = past.len().checked_sub(config.population) else {
        return random::draw(decisions, rng);
    };
    let parent = tournament(&past[first..], config.tournament, rng);
    mutate(parent, decisions, rng)
}

/// The best of `size` different members.
fn tournament<'a>(population: &'a [Scored], size: usize, rng: &mut ChaCha8Rng) -> &'a [usize] {
    let mut members: Vec<&Scored> = population.iter().collect();
    for at in 0..size.min(members.len()) {
        let other = rng.random_range(at..members.len());
        members.swap(at, other);
    }
    let competing = members.into_iter().take(size);
    let best = competing.reduce(|best, next| if next.reward > best.reward { next } else { best });
    best.map_or(&[], |best| &best.choices)
}

/// Another option for one of the decisions that have several.
fn mutate(parent: &[usize], decisions: &[usize], rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut child = parent.to_vec();
    let open: Vec<usize> = (0..decisions.len()).filter(|at| decisions[*at] > 1).collect();
    if open.is_empty() {
        return child;
    }
    let at = open[rng.random_range(0..open.len())];
    let other = rng.random_range(0..decisions[at] - 1);
    child[at] = if other < child[at] { other } else { other + 1 };
    child
}
