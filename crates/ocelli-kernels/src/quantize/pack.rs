//! Codes of few bits without gaps between them.
//!
//! The first code is in the least significant bits of the first byte: of two bits, codes `a, b, c, d` are
//! the byte `a | b << 2 | c << 4 | d << 6`, the order of ONNX Runtime. A code of three bits that begins in
//! the last bits of a byte ends in the first ones of the next. What the last byte does not need is zero.

use std::fmt;

/// How many codes are packed together: whatever their bits, they end with a byte.
const GROUP: usize = 8;

/// How many bits a packed code takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CodeBits {
    /// Two levels.
    One,
    /// Four levels.
    Two,
    /// Eight levels.
    Three,
    /// Sixteen levels.
    Four,
    /// 256 levels.
    Eight,
}

impl CodeBits {
    /// All of them, the fewest bits first.
    pub const ALL: [Self; 5] = [Self::One, Self::Two, Self::Three, Self::Four, Self::Eight];

    /// The fewest bits in which codes of `bits` bits are packed: five to seven take eight. `None` outside
    /// one to eight.
    pub fn for_bits(bits: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|width| bits > 0 && width.bits() >= bits)
    }

    /// The number of bits.
    pub fn bits(self) -> u32 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Three => 3,
            Self::Four => 4,
            Self::Eight => 8,
        }
    }

    /// The largest code.
    pub fn top(self) -> u8 {
        u8::MAX >> (u8::BITS - self.bits())
    }

    /// How many bytes so many codes take: ⌈count · bits / 8⌉.
    pub fn bytes(self, count: usize) -> usize {
        let bits = self.bits() as usize;
        count / GROUP * bits + (count % GROUP * bits).div_ceil(8)
    }
}

/// Why codes could not be packed or unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackError {
    /// There are too few or too many bytes for the codes.
    Length {
        /// Bytes that the codes take.
        expected: usize,
        /// Bytes that there are.
        actual: usize,
    },
    /// A code needs more bits than there are.
    Code {
        /// Which code.
        index: usize,
        /// The code.
        code: u8,
        /// The largest one.
        top: u8,
    },
    /// Bits behind the last code are not zero.
    Rest,
}

impl fmt::Display for PackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { expected, actual } => {
                write!(f, "{actual} bytes, expected {expected} for the codes")
            }
            Self::Code { index, code, top } => {
                write!(f, "code {index} is {code}, expected at most {top}")
            }
            Self::Rest => f.write_str("bits behind the last code are not zero"),
        }
    }
}

impl std::error::Error for PackError {}

/// Packs codes.
///
/// # Shapes
/// - `packed`: [`CodeBits::bytes`] of as many codes as there are
///
/// # Errors
/// When `packed` has another length, or a code is larger than [`CodeBits::top`].
pub fn pack(codes: &[u8], bits: CodeBits, packed: &mut [u8]) -> Result<(), PackError> {
    check_length(codes, bits, packed)?;
    let top = bits.top();
    if codes.iter().fold(0, |largest, code| largest.max(*code)) > top {
        let too_large = codes.iter().enumerate().find(|(_, code)| **code > top);
        return too_large
            .map_or(Ok(()), |(index, code)| Err(PackError::Code { index, code: *code, top }));
    }
    match bits {
        CodeBits::One => pack_groups::<1>(codes, packed),
        CodeBits::Two => pack_groups::<2>(codes, packed),
        CodeBits::Three => pack_groups::<3>(codes, packed),
        CodeBits::Four => pack_groups::<4>(codes, packed),
        CodeBits::Eight => packed.copy_from_slice(codes),
    }
    Ok(())
}

/// The reverse of [`pack`].
///
/// # Shapes
/// - `packed`: [`CodeBits::bytes`] of as many codes as there is room for
///
/// # Errors
/// When `packed` has another length, or ends with bits that [`pack`] would not write.
pub fn unpack(packed: &[u8], bits: CodeBits, codes: &mut [u8]) -> Result<(), PackError> {
    check_length(codes, bits, packed)?;
    let used = codes.len() % GROUP * bits.bits() as usize % 8;
    if used > 0 && packed.last().is_some_and(|last| last >> used != 0) {
        return Err(PackError::Rest);
    }
    match bits {
        CodeBits::One => unpack_groups::<1>(packed, codes),
        CodeBits::Two => unpack_groups::<2>(packed, codes),
        CodeBits::Three => unpack_groups::<3>(packed, codes),
        CodeBits::Four => unpack_groups::<4>(packed, codes),
        CodeBits::Eight => codes.copy_from_slice(packed),
    }
    Ok(())
}

fn check_length(codes: &[u8], bits: CodeBits, packed: &[u8]) -> Result<(), PackError> {
    let (expected, actual) = (bits.bytes(codes.len()), packed.len());
    if expected == actual { Ok(()) } else { Err(PackError::Length { expected, actual }) }
}

/// Eight codes of `BITS` bits are `BITS` bytes: whole groups have neither carries nor branches.
fn pack_groups<const BITS: usize>(codes: &[u8], packed: &mut [u8]) {
    for (codes, packed) in codes.chunks(GROUP).zip(packed.chunks_mut(BITS)) {
        let joined = codes
            .iter()
            .enumerate()
            .fold(0_u32, |joined, (index, code)| joined | u32::from(*code) << (index * BITS));
        packed.copy_from_slice(&joined.to_le_bytes()[..packed.len()]);
    }
}

fn unpack_groups<const BITS: usize>(packed: &[u8], codes: &mut [u8]) {
    let mask = (1_u32 << BITS) - 1;
    for (packed, codes) in packed.chunks(BITS).zip(codes.chunks_mut(GROUP)) {
        let joined = packed.iter().rev().fold(0_u32, |joined, byte| joined << 8 | u32::from(*byte));
        for (index, code) in codes.iter_mut().enumerate() {
            // The mask leaves at most four bits.
            *code = (joined >> (index * BITS) & mask) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, bit by bit.
    fn bit_by_bit(codes: &[u8], bits: CodeBits) -> Vec<u8> {
        let bits = bits.bits() as usize;
        let mut packed = vec![0; (codes.len() * bits).div_ceil(8)];
        for at in 0..codes.len() * bits {
            packed[at / 8] |= (codes[at / bits] >> (at % bits) & 1) << (at % 8);
        }
        packed
    }

    proptest! {
        #![proptest_config(ocelli_testkit::cases(256))]
        #[test]
        fn packed_codes_are_their_bits_and_come_back(
            codes in prop::collection::vec(any::<u8>(), 0..70), which in 0_usize..5,
        ) {
            let bits = CodeBits::ALL[which];
            let codes: Vec<u8> = codes.iter().map(|code| code & bits.top()).collect();
            let mut packed = vec![0xff; bits.bytes(codes.len())];
            pack(&codes, bits, &mut packed).unwrap();
            prop_assert_eq!(&packed, &bit_by_bit(&codes, bits));
            let mut back = vec![0xff; codes.len()];
            unpack(&packed, bits, &mut back).unwrap();
            prop_assert_eq!(back, codes);
        }

        #[test]
        fn one_byte_more_or_less_is_an_error(count in 0_usize..70, which in 0_usize..5) {
            let bits = CodeBits::ALL[which];
            let (mut codes, expected) = (vec![0; count], bits.bytes(count));
            for actual in [expected + 1, expected.wrapping_sub(1)] {
                let mut packed = vec![0; if actual > expected + 1 { 9 } else { actual }];
                let refused = Err(PackError::Length { expected, actual: packed.len() });
                prop_assert_eq!(pack(&codes, bits, &mut packed), refused);
                prop_assert_eq!(unpack(&packed, bits, &mut codes), refused);
            }
        }
    }

    #[test]
    fn the_first_code_is_least_significant() {
        let mut two = [0];
        pack(&[1, 2, 3, 0], CodeBits::Two, &mut two).unwrap();
        assert_eq!(two, [0b00_11_10_01]);
        let mut three = [0; 2];
        pack(&[0b001, 0b010, 0b101], CodeBits::Three, &mut three).unwrap();
        assert_eq!(three, [0b01_010_001, 0b1], "the third code is in both bytes");
    }

    #[test]
    fn five_to_seven_bits_take_eight() {
        let packed = |bits| CodeBits::for_bits(bits).map(CodeBits::bits);
        let expected = [1, 2, 3, 4, 8, 8, 8, 8].map(Some);
        assert_eq!([1, 2, 3, 4, 5, 6, 7, 8].map(packed), expected);
        assert_eq!([0, 9, u32::MAX].map(packed), [None; 3]);
        assert_eq!(CodeBits::Three.bytes(usize::MAX), usize::MAX / 8 * 3 + 3);
    }

    #[test]
    fn codes_and_bits_that_do_not_belong_are_errors() {
        let refused = pack(&[3, 4], CodeBits::Two, &mut [0]);
        assert_eq!(refused, Err(PackError::Code { index: 1, code: 4, top: 3 }));
        assert_eq!(refused.unwrap_err().to_string(), "code 1 is 4, expected at most 3");
        assert_eq!(unpack(&[0b1_0000], CodeBits::Two, &mut [0; 2]), Err(PackError::Rest));
        assert_eq!(unpack(&[0, 0b10], CodeBits::Three, &mut [0; 3]), Err(PackError::Rest));
    }
}
