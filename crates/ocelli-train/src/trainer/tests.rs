//! Whole trainings of a tiny network on made-up images.

mod best;
mod exact_resume;
mod fixture;
mod learning;
mod models;
mod parallel;
