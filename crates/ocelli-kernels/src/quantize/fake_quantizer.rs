//! A quantizer of activations, as kernels take it.

use super::grid::Grid;

/// One quantizer of activations, with its numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FakeQuantizer {
    /// Its levels; `None` where it leaves values as they are.
    pub grid: Option<Grid>,
    /// From which value on a gradient goes through.
    pub low: f32,
    /// Below which value it does.
    pub high: f32,
    /// The derivative by the learnt scale of a value below `low`, of one in between for each step by which
    /// rounding raised it, and of one from `high` on.
    pub slopes: [f32; 3],
}

impl FakeQuantizer {
    /// How many there may be in a mixture.
    pub const MOST: usize = 4;

    /// That which changes nothing.
    pub const IDENTITY: Self =
        Self { grid: None, low: f32::NEG_INFINITY, high: f32::INFINITY, slopes: [0.0; 3] };

    /// Levels whose range follows the data, `low ≤ 0 ≤ high`.
    pub fn fixed(grid: Grid, [low, high]: [f32; 2]) -> Self {
        Self { grid: Some(grid), low, high: high.next_up(), slopes: [0.0; 3] }
    }
}
