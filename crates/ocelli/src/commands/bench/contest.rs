//! Turns: this project and its peers, one after the other, round after round.

use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::ContestArgs;
use super::peer::Peer;
use super::report::Row;
use crate::talk;

/// What this project is called in tables.
const OURS: &str = "ocelli";

/// What is measured.
#[derive(Clone, Debug)]
pub(super) struct Case {
    /// A network, a convolution or a dataset.
    pub(super) subject: String,
    /// What is done with it.
    pub(super) task: &'static str,
    /// How many images one pass is about.
    pub(super) images: usize,
    /// Which peers do it too.
    pub(super) peers: &'static [&'static str],
    /// What the peers need to know of it, an object.
    pub(super) request: Value,
}

/// Where contestants meet: the rules, the peers that have been started, and the results.
pub(super) struct Arena {
    rounds: u32,
    turn: Duration,
    threads: usize,
    python: Option<PathBuf>,
    /// Peers by name; one that could not be started stays away.
    started: Vec<(&'static str, Option<Peer>)>,
    rows: Vec<Row>,
}

impl Arena {
    pub(super) fn new(args: &ContestArgs, threads: usize) -> Self {
        Self {
            rounds: args.rounds,
            turn: Duration::from_secs_f64(args.turn),
            threads,
            python: args.peers.clone(),
            started: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Measures passes of `ours` and of every peer of the case in turns.
    ///
    /// A peer that fails is warned of and left out: the figures of the others stand.
    ///
    /// # Errors
    /// When our pass fails, or Python cannot be started.
    pub(super) fn contest(
        &mut self,
        case: &Case,
        mut ours: impl FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        tracing::info!("{}: {}, {} images", case.subject, case.task, case.images);
        let mut request = case.request.clone();
        request["task"] = json!(case.task);
        request["images"] = json!(case.images);
        request["seconds"] = json!(self.turn.as_secs_f64());
        self.start(case.peers)?;
        let (rounds, turn) = (self.rounds, self.turn);
        let mut peers: Vec<(&mut Peer, Vec<f64>)> = self
            .started
            .iter_mut()
            .filter(|(name, _)| case.peers.contains(name))
            .filter_map(|(_, peer)| Some((peer.as_mut()?, Vec::new())))
            .collect();

        // Buffers, caches and compilers of all contestants warm up before the first round.
        ours()?;
        let mut our_times = Vec::new();
        for _ in 0..rounds {
            our_times.push(median(&mut passes(turn, &mut ours)?));
            peers.retain_mut(|(peer, times)| match peer.measure(&request) {
                Ok(time) => {
                    times.push(time);
                    true
                }
                Err(error) => {
                    talk::warning(&format!("{}: {}: {error:#}", peer.name(), case.subject));
                    false
                }
            });
        }
        let our_time = median(&mut our_times);
        self.rows.push(Row::new(case, OURS.to_owned(), our_times, None));
        for (peer, mut times) in peers {
            let speedup = median(&mut times) / our_time;
            self.rows.push(Row::new(case, peer.name().to_owned(), times, Some(speedup)));
        }
        Ok(())
    }

    /// The median time of a pass of `ours` over as many turns as a contest has, in milliseconds.
    ///
    /// # Errors
    /// When the pass fails.
    pub(super) fn time(&self, mut ours: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<f64> {
        ours()?;
        let mut times = Vec::new();
        for _ in 0..self.rounds {
            times.push(median(&mut passes(self.turn, &mut ours)?));
        }
        Ok(median(&mut times))
    }

    /// All that was measured, in order.
    pub(super) fn finish(self) -> Vec<Row> {
        self.rows
    }

    /// Starts the peers that were not started before.
    fn start(&mut self, names: &[&'static str]) -> anyhow::Result<()> {
        let Some(python) = &self.python else { return Ok(()) };
        for &name in names {
            if self.started.iter().any(|(started, _)| *started == name) {
                continue;
            }
            let peer = Peer::start(python, name, self.threads)?;
            if let Err(error) = &peer {
                talk::warning(&format!("{name} stays away: {error:#}"));
            }
            self.started.push((name, peer.ok()));
        }
        Ok(())
    }
}

/// The milliseconds of passes that follow each other for at least `turn`.
fn passes(
    turn: Duration,
    pass: &mut impl FnMut() -> anyhow::Result<()>,
) -> anyhow::Result<Vec<f64>> {
    let begin = Instant::now();
    let mut times = Vec::new();
    while times.is_empty() || begin.elapsed() < turn {
        let start = Instant::now();
        pass()?;
        times.push(1e3 * start.elapsed().as_secs_f64());
    }
    Ok(times)
}

/// Something in every number, so that nothing is denormal or zero.
pub(super) fn filled(length: usize) -> Vec<f32> {
    (0..length).map(|place| (place % 251) as f32 / 125.0 - 1.0).collect()
}

/// The middle of some times, of which there is at least one; sorts them.
pub(super) fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    let middle = times.len() / 2;
    match times.len() {
        0 => f64::NAN,
        len if len.is_multiple_of(2) => f64::midpoint(times[middle - 1], times[middle]),
        _ => times[middle],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_even_and_odd_counts() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn a_turn_has_at_least_one_pass() {
        let mut count = 0;
        let mut pass = || {
            count += 1;
            Ok(())
        };
        assert_eq!(passes(Duration::ZERO, &mut pass).unwrap().len(), 1);
        assert_eq!(count, 1);
    }
}
