//! The quantizers by name and number of bits.

use std::fmt;
use std::str::FromStr;

/// A way to put weights on few levels. It is written `NAME:BITS`, as in `min_max:2`; `bwn`, `twn` and `float` have
/// no bits to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantizer {
    /// Levels from the smallest to the largest value (Nikolić et al. 2020, <https://arxiv.org/abs/2002.03090>).
    MinMax {
        /// 1 to 8.
        bits: u32,
    },
    /// Levels within a clip that follows from two moments (Choi et al. 2018, <https://arxiv.org/abs/1807.06964>).
    Sawb {
        /// 2, 3, 4, 5 or 8: those that have published coefficients.
        bits: u32,
    },
    /// Levels at multiples of a learnt step (Esser et al. 2020, <https://arxiv.org/abs/1902.08153>).
    Lsq {
        /// 2 to 8.
        bits: u32,
    },
    /// Levels within ±1 of a hyperbolic tangent (Zhou et al. 2016, <https://arxiv.org/abs/1606.06160>).
    DoReFa {
        /// 1 to 8.
        bits: u32,
    },
    /// The sign times the mean size (Rastegari et al. 2016, <https://arxiv.org/abs/1603.05279>).
    Bwn,
    /// Minus one, zero or one times a mean size (Li et al. 2016, <https://arxiv.org/abs/1605.04711>).
    Twn,
    /// The values as they are.
    Float,
}

impl Quantizer {
    /// How many bits a code takes; 32 for values as they are.
    pub fn bits(self) -> u32 {
        match self {
            Self::MinMax { bits }
            | Self::Sawb { bits }
            | Self::Lsq { bits }
            | Self::DoReFa { bits } => bits,
            Self::Bwn => 1,
            Self::Twn => 2,
            Self::Float => 32,
        }
    }

    /// The name without the bits.
    pub fn name(self) -> &'static str {
        match self {
            Self::MinMax { .. } => "min_max",
            Self::Sawb { .. } => "sawb",
            Self::Lsq { .. } => "lsq",
            Self::DoReFa { .. } => "dorefa",
            Self::Bwn => "bwn",
            Self::Twn => "twn",
            Self::Float => "float",
        }
    }

    /// Whether it has a step that is learnt beside the values.
    pub fn is_learnt(self) -> bool {
        matches!(self, Self::Lsq { .. })
    }
}

impl fmt::Display for Quantizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bwn | Self::Twn | Self::Float => f.write_str(self.name()),
            _ => write!(f, "{}:{}", self.name(), self.bits()),
        }
    }
}

/// Why a text names no quantizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuantizerError {
    /// There is none of that name.
    Name,
    /// It takes no bits.
    NoBits(&'static str),
    /// It takes bits, and only these.
    Bits(&'static str, &'static str),
}

impl fmt::Display for QuantizerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => {
                f.write_str("min_max:BITS, sawb:BITS, lsq:BITS, dorefa:BITS, bwn, twn or float")
            }
            Self::NoBits(name) => write!(f, "{name} without bits"),
            Self::Bits(name, bits) => write!(f, "{name}:BITS with {bits} bits"),
        }
    }
}

impl std::error::Error for QuantizerError {}

impl FromStr for Quantizer {
    type Err = QuantizerError;

    /// # Errors
    /// What would be expected instead.
    fn from_str(text: &str) -> Result<Self, QuantizerError> {
        const ANY: &[u32] = &[1, 2, 3, 4, 5, 6, 7, 8];
        let (name, bits) = match text.split_once(':') {
            Some((name, bits)) => (name, Some(bits)),
            None => (text, None),
        };
        let among = |name, allowed: &[u32], words, make: fn(u32) -> Self| {
            let bits =
                bits.and_then(|bits| bits.parse().ok()).filter(|bits| allowed.contains(bits));
            bits.map(make).ok_or(QuantizerError::Bits(name, words))
        };
        let none = |name, quantizer| match bits {
            None => Ok(quantizer),
            Some(_) => Err(QuantizerError::NoBits(name)),
        };
        match name {
            "min_max" => among("min_max", ANY, "1 to 8", |bits| Self::MinMax { bits }),
            "dorefa" => among("dorefa", ANY, "1 to 8", |bits| Self::DoReFa { bits }),
            "lsq" => among("lsq", &ANY[1..], "2 to 8", |bits| Self::Lsq { bits }),
            "sawb" => {
                among("sawb", &[2, 3, 4, 5, 8], "2, 3, 4, 5 or 8", |bits| Self::Sawb { bits })
            }
            "bwn" => none("bwn", Self::Bwn),
            "twn" => none("twn", Self::Twn),
            "float" => none("float", Self::Float),
            _ => Err(QuantizerError::Name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for text in ["min_max:1", "sawb:5", "lsq:2", "dorefa:1", "bwn", "twn", "float"] {
            assert_eq!(
                text.parse::<Quantizer>().map(|quantizer| quantizer.to_string()),
                Ok(text.to_owned())
            );
        }
        assert_eq!("twn".parse::<Quantizer>().map(Quantizer::bits), Ok(2));
    }

    #[test]
    fn other_names_and_bits_are_refused() {
        for (text, expected) in [
            ("minmax:2", QuantizerError::Name),
            ("pact:2", QuantizerError::Name),
            ("", QuantizerError::Name),
            ("min_max", QuantizerError::Bits("min_max", "1 to 8")),
            ("min_max:0", QuantizerError::Bits("min_max", "1 to 8")),
            ("min_max:9", QuantizerError::Bits("min_max", "1 to 8")),
            ("min_max:-1", QuantizerError::Bits("min_max", "1 to 8")),
            ("sawb:6", QuantizerError::Bits("sawb", "2, 3, 4, 5 or 8")),
            ("lsq:1", QuantizerError::Bits("lsq", "2 to 8")),
            ("bwn:1", QuantizerError::NoBits("bwn")),
            ("float:32", QuantizerError::NoBits("float")),
        ] {
            assert_eq!(text.parse::<Quantizer>(), Err(expected), "{text}");
        }
    }
}
