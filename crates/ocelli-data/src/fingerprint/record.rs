//! Stamps as one text, 16 hexadecimal digits a sample: compact, and one line of a JSON file.

use super::stamp::Stamp;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};
use std::fmt::Write;

const DIGITS: usize = 16;

pub(super) fn serialize<S: Serializer>(stamps: &[Stamp], to: S) -> Result<S::Ok, S::Error> {
    let mut text = String::with_capacity(DIGITS * stamps.len());
    for stamp in stamps {
        write!(text, "{:08x}{:08x}", stamp.name, stamp.whole).map_err(serde::ser::Error::custom)?;
    }
    to.serialize_str(&text)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Stamp>, D::Error> {
    let text = String::deserialize(from)?;
    let (stamps, rest) = text.as_bytes().as_chunks::<DIGITS>();
    if !rest.is_empty() {
        return Err(D::Error::custom("stamps that are no multiple of 16 digits"));
    }
    let stamp = |digits: &[u8; DIGITS]| {
        let number = std::str::from_utf8(digits).ok()?;
        let number = u64::from_str_radix(number, 16).ok()?;
        Some(Stamp { name: (number >> 32) as u32, whole: number as u32 })
    };
    let stamps: Option<_> = stamps.iter().map(stamp).collect();
    stamps.ok_or_else(|| D::Error::custom("stamps that are not hexadecimal"))
}
