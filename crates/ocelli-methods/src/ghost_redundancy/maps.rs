//! The feature maps of one image at one layer.

use crate::{Error, Result};

/// More maps than any layer worth a look has; what is kept grows with their square.
pub const MOST_MAPS: usize = 1024;

/// All maps of a layer for one image.
#[derive(Clone, Debug, PartialEq)]
pub struct Maps {
    /// How many there are.
    pub count: usize,
    /// Rows of each.
    pub height: usize,
    /// Columns of each.
    pub width: usize,
    values: Vec<f32>,
}

impl Maps {
    /// Maps one after another, row by row.
    ///
    /// # Shapes
    /// - `values`: `[count, height, width]`
    ///
    /// # Errors
    /// When there are fewer than two maps or too many, or they are single points.
    pub fn new(values: Vec<f32>, [count, height, width]: [usize; 3]) -> Result<Self> {
        let refuse = |found: String, expected: &str| {
            Err(Error::Setting { field: "layer", found, expected: expected.to_owned() })
        };
        if !(2..=MOST_MAPS).contains(&count) {
            return refuse(format!("one of {count} maps"), &format!("2 to {MOST_MAPS} maps"));
        }
        if height * width < 2 || values.len() != count * height * width {
            let expected = "maps of several rows or columns, before pooling";
            return refuse(format!("one of maps of {height}×{width}"), expected);
        }
        Ok(Self { count, height, width, values })
    }

    /// One map, row by row.
    pub fn map(&self, index: usize) -> &[f32] {
        let size = self.height * self.width;
        &self.values[index * size..][..size]
    }

    /// The variance of every map; zero for one that is constant, or as good as.
    pub fn variances(&self) -> Vec<f64> {
        let variances: Vec<f64> = (0..self.count).map(|index| variance(self.map(index))).collect();
        let largest = variances.iter().copied().fold(0.0, f64::max);
        variances.into_iter().map(|v| if v > 1e-12 * largest { v } else { 0.0 }).collect()
    }
}

fn variance(values: &[f32]) -> f64 {
    let mean = mean(values);
    values.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>() / values.len() as f64
}

pub(super) fn mean(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len() as f64
}
