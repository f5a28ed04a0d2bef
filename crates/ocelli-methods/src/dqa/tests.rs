//! Trainings with quantized weights, and their gradients.

mod activation_runs;
mod activations;
mod config;
mod fixture;
mod gradients;
mod models;
mod runs;
