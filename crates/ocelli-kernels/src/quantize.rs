//! Values on few levels.

mod activations;
mod fake_quantizer;
mod grid;

pub use activations::{MixtureGradients, fake_quantize, fake_quantize_gradient};
pub use fake_quantizer::FakeQuantizer;
pub use grid::Grid;
