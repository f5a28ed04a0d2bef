//! Element types of stored tensors, and their conversion from and to `f32`.

use half::{bf16, f16};
use serde::Serialize;
use std::fmt;

/// The type of a stored tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum DType {
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    I16,
    I8,
    U8,
    Bool,
}

impl DType {
    /// Bytes per element.
    pub fn size(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::BF16 | Self::I16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
        }
    }

    /// Whether the elements are floating-point numbers.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F64 | Self::F32 | Self::F16 | Self::BF16)
    }

    /// Decodes little-endian elements; a rest shorter than one element is left out.
    pub(crate) fn decode(self, bytes: &[u8]) -> Vec<f32> {
        fn each<const N: usize>(bytes: &[u8], convert: impl Fn([u8; N]) -> f32) -> Vec<f32> {
            bytes.as_chunks::<N>().0.iter().map(|chunk| convert(*chunk)).collect()
        }
        match self {
            Self::F64 => each(bytes, |b| f64::from_le_bytes(b) as f32),
            Self::F32 => each(bytes, f32::from_le_bytes),
            Self::F16 => each(bytes, |b| f16::from_le_bytes(b).to_f32()),
            Self::BF16 => each(bytes, |b| bf16::from_le_bytes(b).to_f32()),
            Self::I64 => each(bytes, |b| i64::from_le_bytes(b) as f32),
            Self::I32 => each(bytes, |b| i32::from_le_bytes(b) as f32),
            Self::I16 => each(bytes, |b| f32::from(i16::from_le_bytes(b))),
            Self::I8 => each(bytes, |b| f32::from(i8::from_le_bytes(b))),
            Self::U8 => each(bytes, |[b]| f32::from(b)),
            Self::Bool => each(bytes, |[b]| f32::from(u8::from(b != 0))),
        }
    }

    /// Encodes values as little-endian elements, rounding to the nearest.
    pub(crate) fn encode(self, values: &[f32]) -> Vec<u8> {
        fn each<const N: usize>(values: &[f32], convert: impl Fn(f32) -> [u8; N]) -> Vec<u8> {
            values.iter().flat_map(|value| convert(*value)).collect()
        }
        match self {
            Self::F64 => each(values, |v| f64::from(v).to_le_bytes()),
            Self::F32 => each(values, f32::to_le_bytes),
            Self::F16 => each(values, |v| f16::from_f32(v).to_le_bytes()),
            Self::BF16 => each(values, |v| bf16::from_f32(v).to_le_bytes()),
            Self::I64 => each(values, |v| (v.round() as i64).to_le_bytes()),
            Self::I32 => each(values, |v| (v.round() as i32).to_le_bytes()),
            Self::I16 => each(values, |v| (v.round() as i16).to_le_bytes()),
            Self::I8 => each(values, |v| (v.round() as i8).to_le_bytes()),
            Self::U8 => each(values, |v| [v.round() as u8]),
            Self::Bool => each(values, |v| [u8::from(v != 0.0)]),
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::F64 => "f64",
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::BF16 => "bf16",
            Self::I64 => "i64",
            Self::I32 => "i32",
            Self::I16 => "i16",
            Self::I8 => "i8",
            Self::U8 => "u8",
            Self::Bool => "bool",
        };
        formatter.write_str(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [DType; 10] = [
        DType::F64,
        DType::F32,
        DType::F16,
        DType::BF16,
        DType::I64,
        DType::I32,
        DType::I16,
        DType::I8,
        DType::U8,
        DType::Bool,
    ];

    #[test]
    fn values_that_every_type_has_survive_a_round_trip() {
        for dtype in ALL {
            let bytes = dtype.encode(&[0.0, 1.0]);
            assert_eq!(bytes.len(), 2 * dtype.size(), "{dtype}");
            assert_eq!(dtype.decode(&bytes), [0.0, 1.0], "{dtype}");
        }
    }

    #[test]
    fn half_precision_rounds_to_the_nearest_value() {
        // bf16 keeps 8 significant bits, f16 11.
        assert_eq!(DType::BF16.decode(&DType::BF16.encode(&[1.003])), [1.0]);
        assert_eq!(DType::F16.decode(&DType::F16.encode(&[1.0003])), [1.0]);
        assert_eq!(DType::BF16.decode(&DType::BF16.encode(&[1.006])), [1.007_812_5]);
        assert_eq!(DType::F16.decode(&DType::F16.encode(&[-65504.0])), [-65504.0]);
    }

    #[test]
    fn counters_beyond_24_bits_lose_less_than_one_in_ten_million() {
        let counter = 1_234_567_890_123_i64;
        let [read] = DType::I64.decode(&counter.to_le_bytes())[..] else { panic!("one value") };
        assert!((f64::from(read) / counter as f64 - 1.0).abs() < 1e-7);
    }
}
