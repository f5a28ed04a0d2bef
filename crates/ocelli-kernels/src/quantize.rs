//! Values on few levels.

mod activations;
mod grid;

pub use activations::{FakeQuantizer, MixtureGradients, fake_quantize, fake_quantize_gradient};
pub use grid::Grid;
