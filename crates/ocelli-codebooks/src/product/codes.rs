//! Codes, packed: each takes its bits, least significant first, and rows begin at a byte.

use super::ProductQuantizer;
use crate::{Error, Result};

/// The codes of some rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codes {
    bytes: Vec<u8>,
    bytes_per_row: usize,
    checksum: String,
}

impl Codes {
    /// Codes that were made before, `[count, bytes_per_row]`, with the checksum of their codebooks.
    ///
    /// # Errors
    /// [`Error::Shape`] when the bytes are no whole number of rows.
    pub fn new(bytes: Vec<u8>, bytes_per_row: usize, checksum: String) -> Result<Self> {
        let whole = bytes_per_row > 0 && bytes.len().is_multiple_of(bytes_per_row);
        if !whole {
            let (what, found) = ("bytes of codes", bytes.len());
            return Err(Error::Shape { what, found, expected: bytes_per_row });
        }
        Ok(Self { bytes, bytes_per_row, checksum })
    }

    /// How many rows there are.
    pub fn count(&self) -> usize {
        self.bytes.len() / self.bytes_per_row
    }

    /// How many bytes a row takes.
    pub fn bytes_per_row(&self) -> usize {
        self.bytes_per_row
    }

    /// All codes, packed.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The checksum of the codebooks that made them.
    pub fn checksum(&self) -> &str {
        &self.checksum
    }

    pub(super) fn check(&self, quantizer: &ProductQuantizer) -> Result<()> {
        if self.checksum != quantizer.checksum() {
            return Err(Error::OtherCodebooks {
                codes: self.checksum.clone(),
                codebooks: quantizer.checksum().to_owned(),
            });
        }
        let (found, expected) = (self.bytes_per_row, quantizer.bytes_per_row());
        if found != expected {
            return Err(Error::Shape { what: "bytes of a row's codes", found, expected });
        }
        Ok(())
    }
}

/// Puts a code of `bits` bits at `position` of a row that was 0.
pub(super) fn put(row: &mut [u8], position: usize, bits: u32, code: u32) {
    let first = position * bits as usize;
    let mut shifted = u64::from(code) << (first % 8);
    for byte in &mut row[first / 8..(first + bits as usize).div_ceil(8)] {
        *byte |= shifted as u8;
        shifted >>= 8;
    }
}

/// The code at `position` of a row.
pub(super) fn get(row: &[u8], position: usize, bits: u32) -> usize {
    let first = position * bits as usize;
    let bytes = &row[first / 8..(first + bits as usize).div_ceil(8)];
    let all = bytes.iter().rev().fold(0_u64, |all, byte| all << 8 | u64::from(*byte));
    (all >> (first % 8)) as usize & ((1 << bits) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ocelli_testkit::cases(200))]

        #[test]
        fn codes_come_back(bits in 2_u32..17, codes in prop::collection::vec(0_u32..65_536, 1..40)) {
            let mut row = vec![0; (codes.len() * bits as usize).div_ceil(8)];
            let codes: Vec<u32> = codes.into_iter().map(|code| code & ((1 << bits) - 1)).collect();
            for (position, code) in codes.iter().enumerate() {
                put(&mut row, position, bits, *code);
            }
            for (position, code) in codes.iter().enumerate() {
                prop_assert_eq!(get(&row, position, bits), *code as usize);
            }
        }
    }

    #[test]
    fn the_least_significant_bits_come_first() {
        let mut row = [0; 2];
        [0b101, 0b011, 0b110, 0b001]
            .iter()
            .enumerate()
            .for_each(|(at, code)| put(&mut row, at, 3, *code));
        assert_eq!(row, [0b1001_1101, 0b0000_0011]);
        let mut row = [0; 4];
        put(&mut row, 0, 16, 0x1234);
        put(&mut row, 1, 16, 0xabcd);
        assert_eq!(row, [0x34, 0x12, 0xcd, 0xab]);
    }
}
