//! Where a loss surface is measured.

use crate::{Error, Result};

/// The settings of a loss surface.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossSurfaceConfig {
    /// Points along each side, an odd number: the one in the middle is the trained network.
    pub grid: usize,
    /// How far the outermost points are along each direction; at 1 a step is as long as the weights of each filter.
    pub span: f64,
}

/// Settings that are possible.
#[derive(Clone, Debug, PartialEq)]
pub struct LossSurfaceGrid {
    config: LossSurfaceConfig,
}

impl Default for LossSurfaceConfig {
    /// 21 points from -1 to 1 along each side.
    fn default() -> Self {
        Self { grid: 21, span: 1.0 }
    }
}

impl LossSurfaceConfig {
    /// The settings, if they are possible.
    ///
    /// # Errors
    /// With the one that is not.
    pub fn check(self) -> Result<LossSurfaceGrid> {
        let refuse = |field, found: String, expected: &str| {
            Err(Error::Setting { field, found, expected: expected.to_owned() })
        };
        if !(3..=501).contains(&self.grid) || self.grid.is_multiple_of(2) {
            let expected = "an odd number from 3 to 501, with the trained network in the middle";
            return refuse("grid", self.grid.to_string(), expected);
        }
        if !(self.span > 0.0 && self.span <= 100.0) {
            return refuse("span", self.span.to_string(), "more than 0, at most 100");
        }
        Ok(LossSurfaceGrid { config: self })
    }
}

impl LossSurfaceGrid {
    /// The settings.
    pub fn config(&self) -> LossSurfaceConfig {
        self.config
    }

    /// The coordinates along one side, exactly zero in the middle.
    pub fn coordinates(&self) -> Vec<f64> {
        let LossSurfaceConfig { grid, span } = self.config;
        let half = (grid / 2) as f64;
        (0..grid).map(|at| span * (at as f64 - half) / half).collect()
    }

    /// How many points there are.
    pub fn len(&self) -> usize {
        self.config.grid * self.config.grid
    }

    /// Whether there are none: never.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// x and y of a point, counted row by row.
    pub fn point(&self, index: usize) -> [f64; 2] {
        let (coordinates, grid) = (self.coordinates(), self.config.grid);
        [coordinates[index % grid], coordinates[index / grid]]
    }

    /// The index of the trained network.
    pub fn centre(&self) -> usize {
        self.len() / 2
    }
}
