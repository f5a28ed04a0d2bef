//! What is quantized, and to how many bits.

use super::PostTrainingError;
use ocelli_kernels::quantize::{CodeBits, Per};

/// The settings of a quantization without training.
#[derive(Clone, Debug, PartialEq)]
pub struct PostTrainingConfig {
    /// How many bits.
    pub width: Width,
    /// Which weights of a layer share their levels.
    pub per: Per,
    /// Globs of layers that stay as they are, as in `fc` or `blocks.0.*`.
    pub keep: Vec<String>,
}

/// How many bits the weights of a layer get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// The same for all, 1 to 8.
    Bits(u32),
    /// As many as fit into a packed file of so many bytes, more where they matter most.
    Budget(u64),
}

impl Default for PostTrainingConfig {
    /// Eight bits per channel, as the papers recommend.
    fn default() -> Self {
        Self { width: Width::Bits(8), per: Per::Channel, keep: Vec::new() }
    }
}

impl PostTrainingConfig {
    /// The widths that layers can have, the fewest bits first.
    ///
    /// # Errors
    /// When the bits are not 1 to 8.
    pub(super) fn widths(&self) -> Result<Vec<u32>, PostTrainingError> {
        match self.width {
            Width::Bits(bits @ 1..=8) => Ok(vec![bits]),
            Width::Bits(bits) => Err(PostTrainingError::Bits { bits }),
            Width::Budget(_) => Ok(CodeBits::ALL.map(CodeBits::bits).to_vec()),
        }
    }
}
