//! How a product quantizer is laid out and trained. Defaults are faiss's, and REMIND's.

use crate::error::require;
use crate::{Pruning, Result};

/// How a product quantizer is laid out and trained.
#[derive(Clone, Debug, PartialEq)]
pub struct ProductConfig {
    /// M: how many codes a row has. It divides the width.
    pub codebooks: usize,
    /// b: how many bits a code has, 2 to 16; a codebook has 2ᵇ centroids.
    pub bits: u32,
    /// The most steps of each k-means.
    pub steps: usize,
    /// Of more rows than that for each centroid a sample is drawn. `None` takes all.
    pub rows_per_centroid: Option<usize>,
    /// Which distances are left out while training. It changes no result.
    pub pruning: Pruning,
}

impl Default for ProductConfig {
    fn default() -> Self {
        Self {
            codebooks: 32,
            bits: 8,
            steps: 25,
            rows_per_centroid: Some(256),
            pruning: Pruning::Off,
        }
    }
}

impl ProductConfig {
    pub(super) fn check(&self, width: usize) -> Result<()> {
        check_layout(width, self.codebooks, self.bits)?;
        require("steps", self.steps, (1..=1_000_000).contains(&self.steps), "1 to 1,000,000")?;
        let rows = self.rows_per_centroid.unwrap_or(1);
        require("rows_per_centroid", rows, rows > 0, "1 or more")
    }
}

pub(super) fn check_layout(width: usize, codebooks: usize, bits: u32) -> Result<()> {
    require("bits", bits, (2..=16).contains(&bits), "2 to 16")?;
    let divides = codebooks > 0 && width > 0 && width.is_multiple_of(codebooks);
    require("codebooks", codebooks, divides, &format!("a divisor of the width, {width}"))?;
    let fits = width <= (1 << 31) >> bits;
    require("width", width, fits, "at most 2³¹ values of centroids in all")
}
