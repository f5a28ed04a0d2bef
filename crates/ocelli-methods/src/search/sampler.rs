//! Which network is tried next.
//!
//! A sampler keeps no state: what it proposes follows from the trials so far and from random numbers
//! addressed by the number of the trial. So a search that goes on from its ledger proposes what one
//! that was never stopped would.

mod evolution;
mod random;
mod reinforce;
mod scored;

pub(super) use scored::Scored;

#[cfg(test)]
mod tests;

use super::config::{SamplerKind, SearchConfig};
use ocelli_random::{ChaCha8Rng, Purpose, Seed};

/// How often a network that was tried before is drawn again before it is tried once more.
const REDRAWS: usize = 100;

/// The network to try after those of `past`, as one option for each decision. It is one that was
/// not tried before, unless none can be found.
pub(super) fn propose(
    config: &SearchConfig,
    seed: Seed,
    decisions: &[usize],
    past: &[Scored],
) -> Vec<usize> {
    let mut rng = seed.stream(Purpose::SEARCH, 0, past.len() as u64);
    let mut draw = || draw(config, decisions, past, &mut rng);
    let mut choices = draw();
    for _ in 0..REDRAWS {
        if past.iter().all(|trial| trial.choices != choices) {
            break;
        }
        choices = draw();
    }
    choices
}

fn draw(
    config: &SearchConfig,
    decisions: &[usize],
    past: &[Scored],
    rng: &mut ChaCha8Rng,
) -> Vec<usize> {
    match config.sampler {
        SamplerKind::Random => random::draw(decisions, rng),
        SamplerKind::Evolution => evolution::draw(&config.evolution, decisions, past, rng),
        SamplerKind::Reinforce => reinforce::draw(&config.reinforce, decisions, past, rng),
    }
}
