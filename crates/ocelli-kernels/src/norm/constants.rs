//! What a normalisation knows of each channel.

/// A normalisation with given statistics, ready to run: `y = f(scale · z + shift)`.
#[derive(Clone, Debug, Default)]
pub struct Norm {
    pub(super) scale: Vec<f32>,
    pub(super) shift: Vec<f32>,
    pub(super) mean: Vec<f32>,
    /// 1 / √(σ² + ε)
    pub(super) inverse_deviation: Vec<f32>,
}
