//! A length of training, in epochs or in steps.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};

/// A length of training. In a recipe a bare number counts epochs (`2.4`), and text names its unit
/// (`"1533 steps"`, `"5 epochs"`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TrainingLength {
    /// So many passes over the training set; fractions are allowed.
    Epochs(f64),
    /// So many updates of the weights.
    Steps(u64),
}

impl TrainingLength {
    /// The length in steps, not rounded.
    pub fn steps(self, steps_per_epoch: f64) -> f64 {
        match self {
            Self::Epochs(epochs) => epochs * steps_per_epoch,
            Self::Steps(steps) => steps as f64,
        }
    }

    /// Whether it is a length: finite and not below zero.
    pub(crate) fn is_valid(self) -> bool {
        match self {
            Self::Epochs(epochs) => epochs.is_finite() && epochs >= 0.0,
            Self::Steps(_) => true,
        }
    }
}

impl fmt::Display for TrainingLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Epochs(epochs) => write!(f, "{epochs} epochs"),
            Self::Steps(steps) => write!(f, "{steps} steps"),
        }
    }
}

/// The text is not a length of training.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a length of training, expected as in `5 epochs` or `1500 steps`")]
pub struct ParseTrainingLengthError(String);

impl FromStr for TrainingLength {
    type Err = ParseTrainingLengthError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || ParseTrainingLengthError(text.to_owned());
        let (number, unit) = text.trim().split_once(' ').ok_or_else(malformed)?;
        match unit.trim() {
            "epoch" | "epochs" => number.parse().map(Self::Epochs).map_err(|_| malformed()),
            "step" | "steps" => number.parse().map(Self::Steps).map_err(|_| malformed()),
            _ => Err(malformed()),
        }
    }
}

impl Serialize for TrainingLength {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Epochs(epochs) => serializer.serialize_f64(*epochs),
            Self::Steps(_) => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for TrainingLength {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SpanVisitor)
    }
}

struct SpanVisitor;

impl de::Visitor<'_> for SpanVisitor {
    type Value = TrainingLength;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of epochs, or text as in \"1500 steps\"")
    }

    fn visit_i64<E: de::Error>(self, epochs: i64) -> Result<TrainingLength, E> {
        Ok(TrainingLength::Epochs(epochs as f64))
    }

    fn visit_f64<E: de::Error>(self, epochs: f64) -> Result<TrainingLength, E> {
        Ok(TrainingLength::Epochs(epochs))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<TrainingLength, E> {
        text.parse().map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_units_are_read_and_written() {
        assert_eq!("2.4 epochs".parse(), Ok(TrainingLength::Epochs(2.4)));
        assert_eq!("1 step".parse(), Ok(TrainingLength::Steps(1)));
        for text in ["", "5", "5 days", "-1 steps", "x epochs", "1.5 steps"] {
            assert!(text.parse::<TrainingLength>().is_err(), "{text}");
        }
        assert_eq!(TrainingLength::Epochs(2.5).steps(100.0), 250.0);
        assert_eq!(TrainingLength::Steps(7).steps(100.0), 7.0);
        assert_eq!(TrainingLength::Steps(7).to_string(), "7 steps");
    }
}
