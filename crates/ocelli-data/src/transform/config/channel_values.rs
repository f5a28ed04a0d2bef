//! Fields that hold a number for all channels, or one for each.

use serde::de::{Deserializer, SeqAccess, Visitor};
use std::fmt;

/// Reads a number as a list of one.
pub(super) fn one_or_several<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<f32>, D::Error> {
    source.deserialize_any(ChannelValues)
}

struct ChannelValues;

impl<'de> Visitor<'de> for ChannelValues {
    type Value = Vec<f32>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number or a list of numbers")
    }

    fn visit_f64<E>(self, number: f64) -> Result<Vec<f32>, E> {
        Ok(vec![number as f32])
    }

    fn visit_i64<E>(self, number: i64) -> Result<Vec<f32>, E> {
        Ok(vec![number as f32])
    }

    fn visit_u64<E>(self, number: u64) -> Result<Vec<f32>, E> {
        Ok(vec![number as f32])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<f32>, A::Error> {
        let mut values = Vec::new();
        while let Some(number) = items.next_element()? {
            values.push(number);
        }
        Ok(values)
    }
}
