//! Differential evolution: populations of real vectors that improve by differences of members.
//!
//! Papers: Storn and Price, *Differential Evolution – A Simple and Efficient Heuristic for Global
//! Optimization over Continuous Spaces*, Journal of Global Optimization 11, 1997
//! (<https://doi.org/10.1023/A:1008202821328>); Su, Vargas and Sakurai, *One Pixel Attack for
//! Fooling Deep Neural Networks*, IEEE Transactions on Evolutionary Computation 23(5), 2019
//! (<https://arxiv.org/abs/1710.08864>), sections III-B and III-C, whose settings are the defaults:
//! `DE/rand/1`, F = 0.5, no crossover, a child against the parent of its own index, all children of
//! a generation at once.
//!
//! | papers | here |
//! | --- | --- |
//! | mutation, v = x_r1 + F (x_r2 − x_r3), and its variant with the best | [`Strategy`], [`Weight`] |
//! | crossover with probability CR; one gene at least is the mutant's | [`Config::crossover`] |
//! | selection: the child or the parent of its index survives | [`Selection`] |
//! | the first population, NP individuals | [`Config::population`], [`Space`], [`Start`] |
//! | early stops (Su et al., III-C) | [`StopRules`] |
//!
//! What both leave open is a switch: what becomes of a gene that leaves its range ([`BoundsRule`],
//! clipped). Su et al. do not say whether r1, r2, r3 may be the parent; Storn and Price exclude it,
//! and so does the default of [`Config::may_include_parent`].
//!
//! Deviation: a child has to be fitter than its parent to survive, as Su et al. write; Storn and Price, and
//! SciPy, let it survive when it is as fit too. [`Selection::SameIndexOrEqual`] does that.
//!
//! As SciPy has it: F that is drawn for each generation ([`Weight::Dither`]), a Latin hypercube
//! ([`Start::LatinHypercube`]), an end when fitness hardly differs ([`StopRules::spread`]). Ours: a
//! budget ([`StopRules::evaluations`]), and survivors that are chosen among all
//! ([`Selection::BestOfBoth`]).
//!
//! The objective is asked for blocks of candidates ([`Evolution::pending`], [`Evolution::tell`]),
//! of any size: every random number is addressed by seed, generation and individual, so that
//! results do not depend on threads or blocks, and a [`State`] that was saved in the middle of a
//! generation goes on to the same bits.
//!
//! ```
//! use ocelli_evolution::{Config, Evolution, Gene, Goal, Space};
//! use ocelli_random::Seed;
//!
//! let config = Config { population: 40, goal: Goal::Minimise, ..Config::default() };
//! let space = Space::new(vec![Gene::uniform(-5.0, 5.0); 2]);
//! let mut evolution = Evolution::new(config, space, Seed(1))?;
//! evolution.run(&mut |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>())?;
//! assert!(evolution.best().is_some_and(|best| best.fitness < 1e-6));
//! # Ok::<(), ocelli_evolution::Error>(())
//! ```

#![forbid(unsafe_code)]

mod bounds;
mod config;
mod error;
mod evolution;
pub mod exact;
mod gene;
mod objective;
mod offspring;
mod space;
mod state;

pub use bounds::BoundsRule;
pub use config::{Config, Goal, Selection, Start, StopRules, Strategy, Weight};
pub use error::{Error, Result};
pub use evolution::{Best, End, Evolution};
pub use gene::{Gene, Law};
pub use objective::Objective;
pub use space::Space;
pub use state::{Generation, State};
