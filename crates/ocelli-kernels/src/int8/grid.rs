//! What the codes of a value stand for.

use crate::quantize::Grid;

/// A grid with 0 among its levels: code `zero` is 0, and others are multiples of the step.
///
/// So padding has a code, and sums of products need no correction but for that code.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ByteGrid {
    grid: Grid,
    zero: u8,
}

impl ByteGrid {
    /// `None` where 0 is no level, the step is not positive and finite, or codes take more than a byte.
    pub fn new(grid: Grid) -> Option<Self> {
        /// Parts of a step by which rounding may shift the level that stands for 0.
        const NEAR: f32 = 1e-3;
        let place = -grid.offset / grid.step;
        let fits = grid.step > 0.0 && grid.step.is_finite() && grid.top <= Grid::TOP;
        let zero = place.round_ties_even();
        let is_level = (place - zero).abs() <= NEAR && (0.0..=grid.top as f32).contains(&zero);
        (fits && is_level).then_some(Self { grid, zero: zero as u8 })
    }

    /// The levels.
    pub fn grid(self) -> Grid {
        self.grid
    }

    /// The distance of two levels.
    pub fn step(self) -> f32 {
        self.grid.step
    }

    /// The code of 0.
    pub fn zero(self) -> u8 {
        self.zero
    }

    /// The largest code.
    pub fn top(self) -> u8 {
        self.grid.top as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_grids_with_a_level_of_zero_are_byte_grids() {
        let step = 0.1;
        let aligned = Grid { offset: -37.0 * step, step, top: 255 };
        assert_eq!(ByteGrid::new(aligned).map(ByteGrid::zero), Some(37));
        assert_eq!(ByteGrid::new(Grid { offset: 0.0, ..aligned }).map(ByteGrid::zero), Some(0));
        for grid in [
            Grid { offset: -0.25, ..aligned },
            Grid { offset: 0.1, ..aligned },
            Grid { offset: -30.0, ..aligned },
            Grid { step: 0.0, ..aligned },
            Grid { step: f32::NAN, ..aligned },
            Grid { top: 256, ..aligned },
        ] {
            assert_eq!(ByteGrid::new(grid), None, "{grid:?}");
        }
    }
}
