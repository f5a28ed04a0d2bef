//! How a file keeps weights.

use std::fmt;

/// How a file keeps weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightsForm {
    /// All as floats; those of few bits by their values.
    Float32,
    /// Those of few bits as integers of eight bits, with their scales.
    Int8Qdq,
    /// Some of those of few bits as integers, others by their values.
    Mixed,
}

impl WeightsForm {
    pub(crate) fn new(integers: usize, dequantized: usize) -> Self {
        match (integers, dequantized) {
            (0, _) => Self::Float32,
            (_, 0) => Self::Int8Qdq,
            _ => Self::Mixed,
        }
    }

    /// The word for it in metadata.
    pub fn word(self) -> &'static str {
        match self {
            Self::Float32 => "float32",
            Self::Int8Qdq => "int8_qdq",
            Self::Mixed => "int8_qdq_and_float32",
        }
    }
}

impl fmt::Display for WeightsForm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}
