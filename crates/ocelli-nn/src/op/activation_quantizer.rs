//! The quantizers of activations.
//!
//! - min-max (Nikolić et al. 2020, <https://arxiv.org/abs/2002.03090>): levels over the range of the data;
//! - PACT (Choi et al. 2018, <https://arxiv.org/abs/1805.06085>): levels up to a learnt clip;
//! - LSQ (Esser et al. 2020, <https://arxiv.org/abs/1902.08153>): levels of a learnt step.
//!
//! Deviations: zero is a level of all of them, so that the zeros around an image stay zeros and integers can
//! stand for levels; it moves a range by less than half a step. PACT of values that are negative too is
//! symmetric, and its first clip is the largest value of the first batch. Open in the paper of LSQ is whether
//! the N of a tensor counts the batch; ours is that of one image.

use crate::{Error, Result};
use ocelli_kernels::quantize::{FakeQuantizer, Grid};
use std::fmt;
use std::str::FromStr;

/// A kind of quantizer of activations, with its bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActivationQuantizer {
    /// 2ⁿ levels over the running range, moved so that zero is one of them.
    MinMax {
        /// n, 1 to 8.
        bits: u32,
    },
    /// 2ⁿ levels from zero to a learnt clip. The paper's are of values that are not negative; of others we
    /// take the 2ⁿ − 1 levels that lie evenly between minus and plus the clip.
    Pact {
        /// n, 1 to 8.
        bits: u32,
    },
    /// 2ⁿ levels at multiples of a learnt step: from zero on, or from −2ⁿ⁻¹ steps on where values are
    /// negative too.
    Lsq {
        /// n, 1 to 8.
        bits: u32,
    },
    /// Values as they are.
    Float,
}

/// Learnt clips and steps are at least this.
const LEAST_SCALE: f32 = 1e-6;

impl ActivationQuantizer {
    /// The most bits of a quantizer.
    pub const MOST_BITS: u32 = 8;

    /// The bits of a code; `None` where values stay as they are.
    pub fn bits(self) -> Option<u32> {
        match self {
            Self::MinMax { bits } | Self::Pact { bits } | Self::Lsq { bits } => Some(bits),
            Self::Float => None,
        }
    }

    /// The name of its learnt number, if it has one.
    pub(crate) fn scale_name(self) -> Option<&'static str> {
        match self {
            Self::Pact { .. } => Some("clip"),
            Self::Lsq { .. } => Some("step"),
            Self::MinMax { .. } | Self::Float => None,
        }
    }

    /// Refuses what cannot be.
    ///
    /// # Errors
    /// [`Error::ModelOption`] for bits outside 1 to 8, or a learnt scale with less than 2 bits where values
    /// are negative too.
    pub(crate) fn check(self, is_signed: bool) -> Result<()> {
        let refuse = |expected: String| {
            let (option, value) = ("activations".to_owned(), self.to_string());
            Err(Error::ModelOption { option, value, expected })
        };
        let Some(bits) = self.bits() else { return Ok(()) };
        if !(1..=Self::MOST_BITS).contains(&bits) {
            return refuse(format!("1 to {} bits", Self::MOST_BITS));
        }
        if bits == 1 && is_signed && self.scale_name().is_some() {
            return refuse("2 bits at least, as some activations are negative".to_owned());
        }
        Ok(())
    }

    /// The codes below zero and above.
    fn codes(self, is_signed: bool) -> [u32; 2] {
        match self {
            Self::Pact { bits } if is_signed => [(1 << (bits - 1)) - 1; 2],
            Self::Lsq { bits } if is_signed => [1 << (bits - 1), (1 << (bits - 1)) - 1],
            Self::Pact { bits } | Self::Lsq { bits } | Self::MinMax { bits } => {
                [0, (1 << bits) - 1]
            }
            Self::Float => [0; 2],
        }
    }

    /// The first learnt number, for values of which the least, the largest and the mean magnitude are known:
    /// a clip that clips nothing, a step of `2 E|x| / √Q_P`.
    pub(crate) fn first_scale(self, is_signed: bool, [low, high]: [f32; 2], mean: f32) -> f32 {
        match self {
            Self::Pact { .. } => high.max(-low).max(LEAST_SCALE),
            Self::Lsq { .. } => {
                let [_, above] = self.codes(is_signed);
                (2.0 * mean / (above as f32).sqrt()).max(LEAST_SCALE)
            }
            Self::MinMax { .. } | Self::Float => 0.0,
        }
    }

    /// The quantizer for a range and a learnt scale, of values of which an image has `len`.
    ///
    /// LSQ's gradient of the step is divided by √(len · Q_P).
    pub(crate) fn with_scale(
        self,
        is_signed: bool,
        range: [f32; 2],
        scale: f32,
        len: usize,
    ) -> FakeQuantizer {
        // In this form a NaN stays one.
        let scale = if scale < LEAST_SCALE { LEAST_SCALE } else { scale };
        let [below, above] = self.codes(is_signed).map(|codes| codes as f32);
        match self {
            Self::Float => FakeQuantizer::IDENTITY,
            Self::MinMax { .. } => {
                let [low, high] = range;
                let step = (high - low) / above;
                let zero = (-low / step).round_ties_even().clamp(0.0, above);
                let grid = Grid { offset: -(zero * step), step, top: above as u32 };
                FakeQuantizer::fixed(grid, range)
            }
            Self::Pact { .. } => {
                let step = scale / above;
                let grid = Grid { offset: -(below * step), step, top: (below + above) as u32 };
                let (low, slope) = if is_signed { (-scale, -1.0) } else { (0.0, 0.0) };
                FakeQuantizer { grid: Some(grid), low, high: scale, slopes: [slope, 0.0, 1.0] }
            }
            Self::Lsq { .. } => {
                let top = (below + above) as u32;
                let grid = Grid { offset: -(below * scale), step: scale, top };
                let gain = (len as f32 * above).sqrt().recip();
                FakeQuantizer {
                    grid: Some(grid),
                    low: -(below * scale),
                    high: above * scale,
                    slopes: [-below * gain, gain, above * gain],
                }
            }
        }
    }
}

impl fmt::Display for ActivationQuantizer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MinMax { bits } => write!(formatter, "min_max:{bits}"),
            Self::Pact { bits } => write!(formatter, "pact:{bits}"),
            Self::Lsq { bits } => write!(formatter, "lsq:{bits}"),
            Self::Float => formatter.write_str("float"),
        }
    }
}

impl FromStr for ActivationQuantizer {
    type Err = Error;

    /// Reads what [`Display`](fmt::Display) writes, as in `min_max:8`.
    fn from_str(text: &str) -> Result<Self> {
        let refuse = || Error::ModelOption {
            option: "activations".to_owned(),
            value: format!("`{text}`"),
            expected: "`min_max:BITS`, `pact:BITS`, `lsq:BITS` or `float`".to_owned(),
        };
        if text == "float" {
            return Ok(Self::Float);
        }
        let (kind, bits) = text.split_once(':').ok_or_else(refuse)?;
        let bits: u32 = bits.parse().map_err(|_| refuse())?;
        let quantizer = match kind {
            "min_max" => Self::MinMax { bits },
            "pact" => Self::Pact { bits },
            "lsq" => Self::Lsq { bits },
            _ => return Err(refuse()),
        };
        quantizer.check(false)?;
        Ok(quantizer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(quantizer: &str, is_signed: bool, range: [f32; 2], scale: f32) -> Vec<f32> {
        let quantizer: ActivationQuantizer = quantizer.parse().unwrap();
        let grid = quantizer.with_scale(is_signed, range, scale, 1).grid.unwrap();
        (0..=grid.top).map(|code| grid.level(code)).collect()
    }

    /// Of the paper's figures and ours: with zero among them, to the bit.
    #[test]
    fn levels_are_those_of_each_quantizer() {
        assert_eq!(levels("min_max:2", false, [0.0, 3.0], 0.0), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(levels("min_max:2", true, [-1.0, 2.0], 0.0), [-1.0, 0.0, 1.0, 2.0]);
        assert_eq!(levels("min_max:1", true, [-1.0, 3.0], 0.0), [0.0, 4.0]);
        assert_eq!(levels("pact:2", false, [0.0, 9.0], 6.0), [0.0, 2.0, 4.0, 6.0]);
        assert_eq!(levels("pact:2", true, [-9.0, 9.0], 6.0), [-6.0, 0.0, 6.0]);
        assert_eq!(levels("lsq:2", false, [0.0, 9.0], 0.5), [0.0, 0.5, 1.0, 1.5]);
        assert_eq!(levels("lsq:2", true, [-9.0, 9.0], 0.5), [-1.0, -0.5, 0.0, 0.5]);
        for range in [[-0.3, 1.7], [-2.9, 0.1], [0.0, 1e-6], [-7.0, 0.0]] {
            for bits in 1..=8 {
                let levels = levels(&format!("min_max:{bits}"), true, range, 0.0);
                assert_eq!(levels.len(), 1 << bits);
                assert!(levels.contains(&0.0), "{bits} bits of {range:?}: {levels:?}");
            }
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for text in ["min_max", "min_max:0", "pact:9", "lsq:-1", "sawb:2", "float:2", ""] {
            assert!(text.parse::<ActivationQuantizer>().is_err(), "{text}");
        }
        for text in ["min_max:8", "pact:1", "lsq:4", "float"] {
            assert_eq!(text.parse::<ActivationQuantizer>().unwrap().to_string(), text);
        }
        assert!(ActivationQuantizer::Pact { bits: 1 }.check(true).is_err());
        assert!(ActivationQuantizer::MinMax { bits: 1 }.check(true).is_ok());
    }
}
