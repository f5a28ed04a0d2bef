//! Versions of the standard's operations.

use crate::{Error, Result};
use std::fmt;

/// A version of ONNX's operations. Newer runtimes read older files, so that an older version is read by more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Opset(u32);

impl Opset {
    /// The oldest that is written: the first in which weights are quantized by channel.
    pub const LEAST: Self = Self(13);
    /// The newest that is written.
    pub const MOST: Self = Self(22);

    /// A version that is written.
    ///
    /// # Errors
    /// [`Error::Opset`] for any other.
    pub fn new(version: u32) -> Result<Self> {
        if (Self::LEAST.0..=Self::MOST.0).contains(&version) {
            return Ok(Self(version));
        }
        Err(Error::Opset { asked: version, least: Self::LEAST.0, most: Self::MOST.0 })
    }

    /// The number.
    pub fn version(self) -> u32 {
        self.0
    }

    /// The version of the file format with which this one came (ONNX's table of versions).
    pub(crate) fn ir_version(self) -> i64 {
        match self.0 {
            ..=14 => 7,
            15..=18 => 8,
            19..=20 => 9,
            _ => 10,
        }
    }

    /// Whether reductions take their axes as an input rather than as an attribute.
    pub(crate) fn reduces_by_input(self) -> bool {
        self.0 >= 18
    }
}

impl Default for Opset {
    /// That of 2022, which every runtime in use reads.
    fn default() -> Self {
        Self(17)
    }
}

impl fmt::Display for Opset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_outside_the_range_are_refused_with_the_range() {
        assert!(Opset::new(13).is_ok() && Opset::new(22).is_ok());
        for version in [0, 12, 23, u32::MAX] {
            let message = Opset::new(version).unwrap_err().to_string();
            assert_eq!(message, format!("opset {version}: expected 13 to 22"));
        }
    }
}
