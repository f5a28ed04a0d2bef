//! Differential evolution: a population of real vectors that improves by differences of its members.
//!
//! Storn and Price, *Differential Evolution – A Simple and Efficient Heuristic for Global Optimization
//! over Continuous Spaces*, Journal of Global Optimization 11, 1997. The defaults are those of the
//! one-pixel attack (Su, Vargas and Sakurai, 2019): `DE/rand/1`, F = 0.5, no crossover, a child against
//! the parent of its own index, all children of a generation at once.
//!
//! | paper | here |
//! | --- | --- |
//! | v = x_r1 + F (x_r2 − x_r3), and variants | [`Strategy`], [`Weight`] |
//! | crossover with probability CR | [`Config::crossover`] |
//! | the child or the parent of its index survives | [`Selection`] |
//! | what becomes of a gene that leaves its range | [`BoundsRule`] |
//! | the first population | [`Space`], [`Start`] |
//!
//! The objective is asked for blocks of candidates ([`Evolution::pending`], [`Evolution::tell`]), of
//! any size: every random number is addressed by seed, generation and individual, so that results do
//! not depend on threads or blocks, and a [`State`] that was saved in the middle of a generation goes
//! on to the same bits.
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
mod objective;
mod offspring;
mod space;
mod state;

pub use bounds::BoundsRule;
pub use config::{Config, Goal, Selection, Start, StopRules, Strategy, Weight};
pub use error::{Error, Result};
pub use evolution::{Best, End, Evolution};
pub use objective::Objective;
pub use space::{Gene, Law, Space};
pub use state::{Generation, State};
