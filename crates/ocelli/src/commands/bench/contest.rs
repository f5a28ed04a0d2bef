//! Turns: this project and its peers, one after the other, round after round.

use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::ContestArgs;
use super::peer::{Peer, Scripts, Turn};
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

/// One of our ways to do what is measured.
pub(super) struct Ours<'a> {
    name: &'static str,
    pass: Box<dyn FnMut() -> anyhow::Result<()> + 'a>,
}

impl<'a> Ours<'a> {
    pub(super) fn new(name: &'static str, pass: impl FnMut() -> anyhow::Result<()> + 'a) -> Self {
        Self { name, pass: Box::new(pass) }
    }
}

/// What a contestant did in all its turns.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    /// Name and version.
    pub(super) tool: String,
    /// How it chose to run, where it chooses.
    pub(super) settings: Option<String>,
    /// How many images a pass was about, on average.
    pub(super) images: f64,
    /// The time for so many images in each round, in milliseconds.
    pub(super) times: Vec<f64>,
}

impl Measured {
    /// Of a contestant in a case of `images` images, unless its turns say otherwise. There is at
    /// least one turn.
    fn new(tool: String, images: usize, turns: Vec<Turn>) -> Self {
        let count = |turn: &Turn| turn.images.unwrap_or(images as f64);
        let mean = turns.iter().map(count).sum::<f64>() / turns.len() as f64;
        let times = turns.iter().map(|turn| turn.ms / count(turn) * mean).collect();
        let settings = turns.into_iter().find_map(|turn| turn.settings);
        Self { tool, settings, images: mean, times }
    }

    /// The median time for an image, in milliseconds.
    pub(super) fn ms_per_image(&self) -> f64 {
        median(&mut self.times.clone()) / self.images
    }
}

/// A contest: the rules, the peers that have been started, and the results.
pub(super) struct Contest {
    rounds: u32,
    turn: Duration,
    threads: usize,
    python: Option<PathBuf>,
    scripts: Option<Scripts>,
    /// Peers by name; one that could not be started stays away.
    started: Vec<(&'static str, Option<Peer>)>,
    rows: Vec<Row>,
}

impl Contest {
    pub(super) fn new(args: &ContestArgs, threads: usize) -> Self {
        Self {
            rounds: args.rounds,
            turn: Duration::from_secs_f64(args.turn),
            threads,
            python: args.peers.clone(),
            scripts: None,
            started: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Whether peers are measured too.
    pub(super) fn has_peers(&self) -> bool {
        self.python.is_some()
    }

    /// Measures passes of `ours` and of every peer of the case in turns, for the report of
    /// [`Contest::finish`].
    ///
    /// # Errors
    /// When our pass fails, or Python cannot be started.
    pub(super) fn hold(
        &mut self,
        case: &Case,
        mut ours: impl FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        // Buffers, caches and compilers of all contestants warm up before the first round.
        ours()?;
        self.compare(case, vec![Ours::new(OURS, ours)])
    }

    /// Measures passes of each of `ours`, which are warm, and of every peer of the case in turns, for the
    /// report of [`Contest::finish`]; the first is compared with all others.
    ///
    /// # Errors
    /// When our pass fails, or Python cannot be started.
    pub(super) fn compare(&mut self, case: &Case, ours: Vec<Ours<'_>>) -> anyhow::Result<()> {
        let measured = self.measure(case, ours)?;
        let our_time = measured.first().map(Measured::ms_per_image);
        for (index, contestant) in measured.into_iter().enumerate() {
            let ratio = our_time.map(|time| contestant.ms_per_image() / time);
            let Measured { tool, times, .. } = contestant;
            let row = Row::new(case, tool, times, ratio.filter(|_| index > 0));
            // The table comes at the end, which may be an hour away.
            tracing::info!("{row}");
            self.rows.push(row);
        }
        Ok(())
    }

    /// Measures passes of each of `ours`, which are warm, and of every peer of the case in turns;
    /// the results come in this order.
    ///
    /// A peer that fails is warned of and left out: the figures of the others stand.
    ///
    /// # Errors
    /// When our pass fails, or Python cannot be started.
    pub(super) fn measure(
        &mut self,
        case: &Case,
        mut ours: Vec<Ours<'_>>,
    ) -> anyhow::Result<Vec<Measured>> {
        tracing::info!("{}: {}, {} images", case.subject, case.task, case.images);
        let mut request = case.request.clone();
        request["task"] = json!(case.task);
        request["images"] = json!(case.images);
        request["seconds"] = json!(self.turn.as_secs_f64());
        self.start(case.peers)?;
        let (rounds, turn) = (self.rounds, self.turn);
        let mut peers: Vec<(&mut Peer, Vec<Turn>)> = self
            .started
            .iter_mut()
            .filter(|(name, _)| case.peers.contains(name))
            .filter_map(|(_, peer)| Some((peer.as_mut()?, Vec::new())))
            .collect();

        let mut our_turns = vec![Vec::new(); ours.len()];
        for _ in 0..rounds {
            for (ours, turns) in ours.iter_mut().zip(&mut our_turns) {
                let ms = median(&mut passes(turn, &mut ours.pass)?);
                turns.push(Turn { ms, images: None, settings: None });
            }
            peers.retain_mut(|(peer, turns)| match peer.measure(&request) {
                Ok(turn) => {
                    turns.push(turn);
                    true
                }
                Err(error) => {
                    talk::warning(&format!("{}: {}: {error:#}", peer.name(), case.subject));
                    false
                }
            });
        }
        let ours = ours.iter().map(|ours| ours.name.to_owned()).zip(our_turns);
        let peers = peers.into_iter().map(|(peer, turns)| (peer.name().to_owned(), turns));
        let measured = ours.chain(peers);
        Ok(measured.map(|(tool, turns)| Measured::new(tool, case.images, turns)).collect())
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
        let scripts = match self.scripts.take() {
            Some(scripts) => scripts,
            None => Scripts::write()?,
        };
        let scripts = self.scripts.insert(scripts);
        for &name in names {
            if self.started.iter().any(|(started, _)| *started == name) {
                continue;
            }
            let peer = Peer::start(python, scripts, name, self.threads)?;
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
    (0..length).map(|index| (index % 251) as f32 / 125.0 - 1.0).collect()
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
    fn what_passes_count_is_what_they_are_divided_by() {
        let turn = |ms, images| Turn { ms, images, settings: None };
        let counted = vec![turn(100.0, Some(50.0)), turn(300.0, Some(150.0))];
        let counted = Measured::new("peer".to_owned(), 7, counted);
        assert_eq!((counted.images, counted.ms_per_image()), (100.0, 2.0));
        assert_eq!(counted.times, [200.0; 2], "for a hundred images");
        let uncounted = Measured::new("peer".to_owned(), 8, vec![turn(4.0, None)]);
        assert_eq!((uncounted.images, uncounted.ms_per_image()), (8.0, 0.5));
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
