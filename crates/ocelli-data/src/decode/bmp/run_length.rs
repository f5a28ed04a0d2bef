//! Run-length encoded indices of 8 or 4 bits.

use super::super::input::Input;
use super::refusal::{bad, cut};
use crate::Result;

/// The indices of all pixels, in the order in which rows are stored. `length` is the length of the
/// file.
pub(super) fn unpack(
    data: &[u8],
    (width, height): (usize, usize),
    bits: u16,
    length: usize,
) -> Result<Vec<u8>> {
    let mut indices = vec![0; width * height];
    let (mut x, mut y) = (0, 0);
    let mut input = Input(data);
    let half = |byte: u8, at: usize| if at.is_multiple_of(2) { byte >> 4 } else { byte & 15 };
    let sample = |byte: u8, at: usize| if bits == 4 { half(byte, at) } else { byte };
    // Some programs leave out the end mark, and the end of the last row.
    while y < height && (y + 1 < height || x < width) {
        let [count, value] = input.array().ok_or_else(|| cut(length))?;
        // Like Pillow, what is too much for a row is dropped.
        let mut put = |y: usize, x: usize, index: u8| {
            if x < width {
                indices[y * width + x] = index;
            }
        };
        match (count, value) {
            (0, 0) => (x, y) = (0, y + 1),
            (0, 1) => return Err(bad("the data ends before the last pixel")),
            (0, 2) => {
                let [right, up] = input.array().ok_or_else(|| cut(length))?;
                x += usize::from(right);
                y += usize::from(up);
            }
            (0, count) => {
                let count = usize::from(count);
                let bytes = if bits == 4 { count.div_ceil(2) } else { count };
                let literal = input.take(bytes).ok_or_else(|| cut(length))?;
                // Literal runs are filled up to two bytes; the last may lack that.
                input.take(bytes % 2);
                for at in 0..count {
                    put(y, x + at, sample(literal[if bits == 4 { at / 2 } else { at }], at));
                }
                x += count;
            }
            (count, value) => {
                for at in 0..usize::from(count) {
                    put(y, x + at, sample(value, at));
                }
                x += usize::from(count);
            }
        }
    }
    Ok(indices)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpack(data: &[u8], bits: u16) -> Result<Vec<u8>> {
        super::unpack(data, (4, 2), bits, 99)
    }

    #[test]
    fn runs_literals_and_moves_are_followed() {
        let whole = [1, 1, 1, 2, 3, 4, 5, 5];
        assert_eq!(unpack(&[3, 1, 1, 2, 0, 0, 1, 3, 1, 4, 2, 5, 0, 1], 8).unwrap(), whole);
        assert_eq!(unpack(&[3, 1, 1, 2, 0, 0, 0, 4, 3, 4, 5, 5], 8).unwrap(), whole);
        let message = unpack(&[3, 1, 1, 2, 0, 0, 0, 1], 8).unwrap_err().to_string();
        assert_eq!(message, "BMP file: the data ends before the last pixel");
        let moved = unpack(&[0, 3, 1, 2, 3, 0, 0, 2, 0, 1, 1, 9], 8).unwrap();
        assert_eq!(moved, [1, 2, 3, 0, 0, 0, 0, 9]);
        let nibbles = unpack(&[3, 0x12, 0, 0, 0, 3, 0x34, 0x50, 1, 0x60, 0, 1], 4).unwrap();
        assert_eq!(nibbles, [1, 2, 1, 0, 3, 4, 5, 6]);
    }

    #[test]
    fn runs_stay_in_their_row_and_cuts_are_told() {
        assert_eq!(unpack(&[9, 1, 0, 0, 9, 2], 8).unwrap(), [1, 1, 1, 1, 2, 2, 2, 2]);
        for data in [&[4][..], &[4, 1], &[4, 1, 0, 0, 0, 4, 1, 2, 3], &[0, 2, 1]] {
            let message = unpack(data, 8).unwrap_err().to_string();
            assert_eq!(message, "BMP file cut off after 99 bytes: pixels are missing");
        }
    }
}
