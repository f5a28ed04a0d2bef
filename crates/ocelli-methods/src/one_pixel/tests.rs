//! Whole attacks on models so small that everything about them is known.

mod accounting;
mod compiled;
mod fixture;
mod metrics;
mod refusals;
mod resume;
mod rivals;
