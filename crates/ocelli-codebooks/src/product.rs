//! Product quantization: every row is a few codes, each a centroid of one part of the columns.
//!
//! Jégou, Douze and Schmid, *Product Quantization for Nearest Neighbor Search*, PAMI 33(1), 2011. Training
//! follows faiss: at most 256 rows for each centroid, drawn without replacement, 25 steps, one start at rows
//! of a second draw, and [`EmptyRule::Split`](crate::EmptyRule::Split). Its generator is another one, so its
//! draws are not reproduced. A warning is due below 39 rows for each centroid, as there.

mod codes;
mod config;
mod decode;
mod encode;
mod train;

#[cfg(test)]
mod tests;

pub use codes::Codes;
pub use config::ProductConfig;
pub use encode::Encoder;
pub use train::{FewRows, ProductTraining};

use crate::{Error, Result, rows};
use config::check_layout;
use ocelli_kernels::Rows;

/// M codebooks of 2ᵇ centroids, one for each of M parts of the columns.
#[derive(Clone, Debug, PartialEq)]
pub struct ProductQuantizer {
    width: usize,
    codebooks: usize,
    bits: u32,
    /// `[codebooks, 2ᵇ, width / codebooks]`
    centroids: Vec<f32>,
    checksum: String,
}

impl ProductQuantizer {
    /// Codebooks whose centroids are known, `[codebooks, 2ᵇ, width / codebooks]`.
    ///
    /// # Errors
    /// [`Error::Setting`] when `codebooks` does not divide `width` or `bits` is not 2 to 16,
    /// [`Error::Shape`] when the number of values differs, [`Error::NotFinite`].
    pub fn from_centroids(
        width: usize,
        codebooks: usize,
        bits: u32,
        centroids: Vec<f32>,
    ) -> Result<Self> {
        check_layout(width, codebooks, bits)?;
        let expected = width << bits;
        if centroids.len() != expected {
            let (what, found) = ("values of centroids", centroids.len());
            return Err(Error::Shape { what, found, expected });
        }
        rows::check(Rows::dense(&centroids, width / codebooks))?;
        let checksum = checksum(width, codebooks, bits, &centroids);
        Ok(Self { width, codebooks, bits, centroids, checksum })
    }

    /// How wide a row is.
    pub fn width(&self) -> usize {
        self.width
    }

    /// M: how many codes a row has.
    pub fn codebooks(&self) -> usize {
        self.codebooks
    }

    /// b: how many bits a code has.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// How many bytes the codes of a row take: ⌈M · b / 8⌉.
    pub fn bytes_per_row(&self) -> usize {
        (self.codebooks * self.bits as usize).div_ceil(8)
    }

    /// How many bytes the centroids take: 4 · width · 2ᵇ.
    pub fn bytes(&self) -> usize {
        4 * self.centroids.len()
    }

    /// All centroids, `[codebooks, 2ᵇ, width / codebooks]`.
    pub fn centroids(&self) -> &[f32] {
        &self.centroids
    }

    /// BLAKE3 of the layout and the centroids, in hexadecimal: what tells codebooks from others.
    pub fn checksum(&self) -> &str {
        &self.checksum
    }

    fn part(&self) -> usize {
        self.width / self.codebooks
    }

    /// The centroids of one codebook.
    fn codebook(&self, codebook: usize) -> Rows<'_> {
        let values = self.part() << self.bits;
        Rows::dense(&self.centroids[codebook * values..][..values], self.part())
    }

    fn check_width(&self, rows: Rows<'_>) -> Result<()> {
        if rows.channels() == self.width {
            return Ok(());
        }
        let (found, expected) = (rows.channels(), self.width);
        Err(Error::Shape { what: "width of rows", found, expected })
    }
}

fn checksum(width: usize, codebooks: usize, bits: u32, centroids: &[f32]) -> String {
    let mut hasher = blake3::Hasher::new();
    for length in [width as u64, codebooks as u64, u64::from(bits)] {
        hasher.update(&length.to_le_bytes());
    }
    for value in centroids {
        hasher.update(&value.to_le_bytes());
    }
    hasher.finalize().to_hex().to_string()
}
