//! Evenly spaced levels.

/// The levels `offset + step · code` for each code of `0 ..= top`.
///
/// Most quantizers of a tensor or a channel are one grid: `n` bits from `min` to `max` are
/// `step = (max − min) / (2ⁿ − 1)`, `offset = min`; a scale `s` with signed codes from `−q` to `p` has
/// `offset = −q · s`, `step = s`, `top = q + p`; two levels `±a` have `offset = −a`, `step = 2a`, `top = 1`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// The lowest level.
    pub offset: f32,
    /// The distance of two levels; 0 where all values are equal.
    pub step: f32,
    /// The largest code.
    pub top: u32,
}

impl Grid {
    /// The largest code of a packed model: eight bits.
    pub const TOP: u32 = 255;

    /// The level of a code.
    pub fn level(&self, code: u32) -> f32 {
        self.offset + self.step * code as f32
    }

    /// The code of the level nearest to `value`, the even one where two are equally near; a value beyond
    /// the outermost levels has their codes, and a NaN has 0.
    pub fn code(&self, value: f32) -> u32 {
        if self.step == 0.0 {
            return 0;
        }
        let code = ((value - self.offset) / self.step).round_ties_even();
        // A cast of a NaN gives 0, as the text says.
        code.clamp(0.0, self.top as f32) as u32
    }

    /// The level nearest to `value`.
    pub fn nearest(&self, value: f32) -> f32 {
        self.level(self.code(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_bits_from_minus_one_to_one_have_four_levels() {
        let grid = Grid { offset: -1.0, step: 2.0 / 3.0, top: 3 };
        let levels: Vec<f32> = (0..4).map(|code| grid.level(code)).collect();
        for (found, expected) in levels.iter().zip([-1.0, -1.0 / 3.0, 1.0 / 3.0, 1.0]) {
            assert!((found - expected).abs() < 1e-6, "{levels:?}");
        }
        assert_eq!([-7.0, -0.7, 0.0, 0.9, f32::INFINITY].map(|v| grid.code(v)), [0, 0, 2, 3, 3]);
    }

    #[test]
    fn constant_tensors_and_nans_have_a_code() {
        let constant = Grid { offset: 0.25, step: 0.0, top: 255 };
        assert_eq!(constant.nearest(9.0), 0.25);
        assert_eq!(Grid { offset: 0.0, step: 1.0, top: 3 }.code(f32::NAN), 0);
    }
}
