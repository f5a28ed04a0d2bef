//! Floating-point numbers in JSON that read back as themselves.
//!
//! Rust writes enough digits, but the JSON reader may miss the last bit. Text is read by Rust's
//! own parser, which does not.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A number that is stored as text.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Exact(pub f64);

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ocelli_testkit::cases(256))]
        #[test]
        fn every_number_reads_back_as_itself(bits: u64) {
            let number = f64::from_bits(bits);
            prop_assume!(!number.is_nan());
            let text = serde_json::to_string(&Exact(number)).unwrap();
            prop_assert_eq!(serde_json::from_str::<Exact>(&text).unwrap(), Exact(number));
        }
    }
}
