//! Values while a file runs.

use crate::proto::TensorProto;
use crate::{Error, Result};

/// Elements in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Values {
    pub(super) shape: Vec<usize>,
    pub(super) elements: Elements,
}

/// Elements of one type.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Elements {
    F32(Vec<f32>),
    I64(Vec<i64>),
    /// Bytes and integers of 32 bits, which are only dequantized.
    Codes(Vec<i32>),
}

impl Values {
    pub(super) fn floats(elements: Vec<f32>, shape: &[usize]) -> Result<Self> {
        let length: usize = shape.iter().product();
        if elements.len() != length {
            let reason = format!("{} elements of {shape:?}", elements.len());
            return Err(Error::malformed("a value", reason));
        }
        Ok(Self { shape: shape.to_vec(), elements: Elements::F32(elements) })
    }

    /// A constant of a file.
    pub(super) fn from_proto(tensor: &TensorProto) -> Result<Self> {
        let shape: Vec<usize> = tensor.dims.iter().map(|dim| *dim as usize).collect();
        let bytes = &tensor.raw_data;
        let elements = match tensor.data_type {
            TensorProto::FLOAT => {
                let (words, _) = bytes.as_chunks::<4>();
                Elements::F32(words.iter().map(|word| f32::from_le_bytes(*word)).collect())
            }
            TensorProto::INT64 => {
                let (words, _) = bytes.as_chunks::<8>();
                Elements::I64(words.iter().map(|word| i64::from_le_bytes(*word)).collect())
            }
            TensorProto::UINT8 => {
                Elements::Codes(bytes.iter().map(|byte| i32::from(*byte)).collect())
            }
            TensorProto::INT8 => {
                let codes = bytes.iter().map(|byte| i32::from(byte.cast_signed()));
                Elements::Codes(codes.collect())
            }
            TensorProto::INT32 => {
                let (words, _) = bytes.as_chunks::<4>();
                Elements::Codes(words.iter().map(|word| i32::from_le_bytes(*word)).collect())
            }
            other => return Err(Error::malformed(&tensor.name, format!("data type {other}"))),
        };
        let values = Self { shape, elements };
        let width = match tensor.data_type {
            TensorProto::INT64 => 8,
            TensorProto::UINT8 | TensorProto::INT8 => 1,
            _ => 4,
        };
        if values.shape.iter().product::<usize>() * width != bytes.len() {
            let reason = format!("{} bytes of {:?}", bytes.len(), values.shape);
            return Err(Error::malformed(&tensor.name, reason));
        }
        Ok(values)
    }

    pub(super) fn as_floats(&self, at: &str) -> Result<&[f32]> {
        match &self.elements {
            Elements::F32(elements) => Ok(elements),
            _ => Err(Error::malformed(at, "whole numbers, expected floats")),
        }
    }

    pub(super) fn as_codes(&self, at: &str) -> Result<&[i32]> {
        match &self.elements {
            Elements::Codes(elements) => Ok(elements),
            _ => Err(Error::malformed(at, "other elements, expected codes")),
        }
    }

    pub(super) fn as_integers(&self, at: &str) -> Result<&[i64]> {
        match &self.elements {
            Elements::I64(elements) => Ok(elements),
            _ => Err(Error::malformed(at, "other elements, expected positions")),
        }
    }

    pub(super) fn into_floats(self, at: &str) -> Result<Vec<f32>> {
        match self.elements {
            Elements::F32(elements) => Ok(elements),
            _ => Err(Error::malformed(at, "whole numbers, expected floats")),
        }
    }

    /// Batch, channels, height and width.
    pub(super) fn as_map(&self, at: &str) -> Result<[usize; 4]> {
        let shape = <[usize; 4]>::try_from(self.shape.as_slice());
        shape.map_err(|_| Error::malformed(at, format!("{:?}, expected four axes", self.shape)))
    }
}
