//! Trainings with quantized weights, and their gradients.

mod config;
mod fixture;
mod gradients;
mod models;
mod runs;
