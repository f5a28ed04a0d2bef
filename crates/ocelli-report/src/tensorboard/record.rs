//! TFRecord framing: `length: u64`, masked CRC of the length, `data`, masked CRC of the data, all
//! little-endian.

use std::io::{self, Read, Write};

/// A scalar event takes under 200 bytes; anything far longer is not ours.
const MAX_RECORD_BYTES: u64 = 1 << 20;
const MASK_DELTA: u32 = 0xa282_ead8;

/// The checksum of TFRecord: a CRC-32C, rotated and shifted so that a record which itself holds
/// checksums does not look valid by accident.
fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(MASK_DELTA)
}

/// Writes `data` as one record.
pub(super) fn write(out: &mut impl Write, data: &[u8]) -> io::Result<()> {
    let length = (data.len() as u64).to_le_bytes();
    out.write_all(&length)?;
    out.write_all(&masked_crc(&length).to_le_bytes())?;
    out.write_all(data)?;
    out.write_all(&masked_crc(data).to_le_bytes())
}

/// Why the bytes at the reader's position are not a record.
pub(super) enum BadRecord {
    /// The file ends inside a record, as after a crash.
    Torn,
    /// A checksum or the length does not fit.
    Damaged(&'static str),
    /// The file could not be read.
    Io(io::Error),
}

impl From<io::Error> for BadRecord {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Torn,
            _ => Self::Io(error),
        }
    }
}

/// Reads the next record, or `None` at a clean end.
pub(super) fn read(input: &mut impl Read) -> Result<Option<Vec<u8>>, BadRecord> {
    let mut head = Vec::with_capacity(12);
    input.by_ref().take(12).read_to_end(&mut head)?;
    let (length, crc) = match (head.first_chunk::<8>(), head.last_chunk::<4>()) {
        _ if head.is_empty() => return Ok(None),
        (Some(length), Some(crc)) if head.len() == 12 => (length, u32::from_le_bytes(*crc)),
        _ => return Err(BadRecord::Torn),
    };
    if masked_crc(length) != crc {
        return Err(BadRecord::Damaged("the checksum of the length does not fit"));
    }
    let length = u64::from_le_bytes(*length);
    if length > MAX_RECORD_BYTES {
        return Err(BadRecord::Damaged("longer than any scalar event"));
    }
    let mut data = vec![0; length as usize];
    let mut crc = [0; 4];
    input.read_exact(&mut data)?;
    input.read_exact(&mut crc)?;
    if masked_crc(&data) != u32::from_le_bytes(crc) {
        return Err(BadRecord::Damaged("the checksum of the data does not fit"));
    }
    Ok(Some(data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_published_test_vector() {
        // RFC 3720 B.4: the CRC-32C of 32 zero bytes is 0x8a9136aa, before the mask.
        assert_eq!(masked_crc(&[0; 32]), 0x0fd7_fffa);
    }

    #[test]
    fn a_record_is_read_as_written_and_any_flipped_bit_is_seen() {
        let mut file = Vec::new();
        write(&mut file, b"ocelli").unwrap();
        assert!(matches!(read(&mut file.as_slice()), Ok(Some(data)) if data == b"ocelli"));
        assert!(matches!(read(&mut [].as_slice()), Ok(None)));
        for byte in 0..file.len() {
            let mut damaged = file.clone();
            damaged[byte] ^= 1;
            assert!(read(&mut damaged.as_slice()).is_err(), "byte {byte}");
        }
    }

    #[test]
    fn a_record_cut_anywhere_is_torn() {
        let mut file = Vec::new();
        write(&mut file, b"ocelli").unwrap();
        for length in 1..file.len() {
            assert!(matches!(read(&mut &file[..length]), Err(BadRecord::Torn)), "{length} bytes");
        }
    }
}
