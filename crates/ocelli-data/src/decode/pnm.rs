//! PNM: <https://netpbm.sourceforge.net/doc/pnm.html>, and its parts PBM, PGM and PPM.
//!
//! Samples are scaled so that the file's largest value becomes 255, to the nearest number, as
//! Pillow scales those of PPM.

use super::exif::Orientation;
use super::{DecodeOptions, Format};
use crate::{Error, Image, Result};

/// No number in a file has more digits.
const LONGEST_NUMBER: usize = 10;

struct Header<'a> {
    /// `P1` to `P6` as 1 to 6.
    kind: u8,
    width: u32,
    height: u32,
    /// The value of white.
    largest: u32,
    /// Everything after the header.
    data: &'a [u8],
}

impl Header<'_> {
    fn channels(&self) -> u8 {
        if matches!(self.kind, 3 | 6) { 3 } else { 1 }
    }
}

pub(super) fn decode(bytes: &[u8], options: &DecodeOptions) -> Result<(Image, Orientation)> {
    let header = read_header(bytes)?;
    let Header { width, height, .. } = header;
    options.limits.check_pixels(width, height)?;
    let count = width as usize * height as usize * usize::from(header.channels());
    let scale = |value: u32| {
        let share = f64::from(value.min(header.largest)) / f64::from(header.largest);
        (share * 255.0).round_ties_even() as u8
    };
    let pixels = match header.kind {
        1 => bits_as_text(&header, count, bytes.len())?,
        2 | 3 => numbers_as_text(&header, count, bytes.len())?.into_iter().map(scale).collect(),
        4 => packed_bits(&header, bytes.len())?,
        _ if header.largest < 256 => {
            let table: Vec<u8> = (0..256).map(scale).collect();
            let samples = first(header.data, count, bytes.len())?;
            samples.iter().map(|sample| table[usize::from(*sample)]).collect()
        }
        _ => {
            let samples = first(header.data, 2 * count, bytes.len())?.as_chunks().0;
            samples.iter().map(|sample| scale(u16::from_be_bytes(*sample).into())).collect()
        }
    };
    Ok((Image { width, height, channels: header.channels(), pixels }, Orientation::UPRIGHT))
}

pub(super) fn dimensions(bytes: &[u8]) -> Result<(u32, u32)> {
    read_header(bytes).map(|header| (header.width, header.height))
}

fn read_header(bytes: &[u8]) -> Result<Header<'_>> {
    let (magic, data) = bytes.split_at_checked(2).ok_or_else(|| cut(bytes.len()))?;
    let kind = magic[1].wrapping_sub(b'0');
    let mut words = Words { rest: data, length: bytes.len() };
    let (width, height) = (words.header_number()?, words.header_number()?);
    if width == 0 || height == 0 {
        return Err(bad("the image has no pixels"));
    }
    let largest = if matches!(kind, 1 | 4) { 1 } else { words.header_number()? };
    if !(1..=65_535).contains(&largest) {
        return Err(bad(format!("its largest value is {largest}, expected 1 to 65535")));
    }
    Ok(Header { kind, width, height, largest, data: words.rest })
}

/// Numbers between spaces and comments.
struct Words<'a> {
    rest: &'a [u8],
    /// The length of the file.
    length: usize,
}

impl Words<'_> {
    /// The next number of the header, with the one space after it.
    fn header_number(&mut self) -> Result<u32> {
        let number = self.number()?;
        let [_, rest @ ..] = self.rest else { return Err(cut(self.length)) };
        self.rest = rest;
        Ok(number)
    }

    fn number(&mut self) -> Result<u32> {
        self.skip();
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, rest) = self.rest.split_at(digits);
        let is_delimited =
            rest.first().is_none_or(|next| next.is_ascii_whitespace() || *next == b'#');
        self.rest = rest;
        if number.is_empty() && rest.is_empty() {
            return Err(cut(self.length));
        }
        if number.is_empty() || !is_delimited || digits > LONGEST_NUMBER {
            let at = self.length - rest.len() - digits;
            return Err(bad(format!("no number at byte {at}")));
        }
        Ok(number.iter().fold(0_u32, |sum, digit| {
            sum.saturating_mul(10).saturating_add(u32::from(digit - b'0'))
        }))
    }

    /// Passes over spaces and comments.
    fn skip(&mut self) {
        while let [first, rest @ ..] = self.rest {
            match first {
                b'#' => {
                    let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
                    self.rest = &rest[end.unwrap_or(rest.len())..];
                }
                byte if byte.is_ascii_whitespace() || *byte == 0x0b => self.rest = rest,
                _ => return,
            }
        }
    }
}

/// Plain PBM: digits, between which spaces may be left out; 1 is black.
fn bits_as_text(header: &Header<'_>, count: usize, length: usize) -> Result<Vec<u8>> {
    let mut words = Words { rest: header.data, length };
    // Each takes at least a byte of the file.
    let mut pixels = Vec::with_capacity(count.min(header.data.len()));
    while pixels.len() < count {
        words.skip();
        match words.rest {
            [b'0', rest @ ..] => (pixels.push(255), words.rest = rest).1,
            [b'1', rest @ ..] => (pixels.push(0), words.rest = rest).1,
            [] => return Err(cut(length)),
            [..] => {
                let at = length - words.rest.len();
                return Err(bad(format!("neither 0 nor 1 at byte {at}")));
            }
        }
    }
    Ok(pixels)
}

/// Plain PGM and PPM.
fn numbers_as_text(header: &Header<'_>, count: usize, length: usize) -> Result<Vec<u32>> {
    let mut words = Words { rest: header.data, length };
    let mut samples = Vec::with_capacity(count.min(header.data.len()));
    while samples.len() < count {
        let sample = words.number()?;
        if sample > header.largest {
            let largest = header.largest;
            return Err(bad(format!("a sample is {sample}, over the largest value {largest}")));
        }
        samples.push(sample);
    }
    Ok(samples)
}

/// Raw PBM: eight pixels a byte, the left one in the high bit, and rows of whole bytes.
fn packed_bits(header: &Header<'_>, length: usize) -> Result<Vec<u8>> {
    let (width, height) = (header.width as usize, header.height as usize);
    let stride = width.div_ceil(8);
    let rows = first(header.data, stride * height, length)?;
    let bit = |row: &[u8], x: usize| if row[x / 8] >> (7 - x % 8) & 1 == 1 { 0 } else { 255 };
    Ok(rows.chunks_exact(stride).flat_map(|row| (0..width).map(move |x| bit(row, x))).collect())
}

/// The first `count` bytes.
fn first(data: &[u8], count: usize, length: usize) -> Result<&[u8]> {
    data.get(..count).ok_or_else(|| cut(length))
}

fn bad(reason: impl Into<String>) -> Error {
    Format::Pnm.bad(reason)
}

fn cut(length: usize) -> Error {
    Format::Pnm.cut(length, "samples are missing")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixels(file: &[u8]) -> Vec<u8> {
        decode(file, &DecodeOptions::default()).unwrap().0.pixels
    }

    fn refusal(file: &[u8]) -> String {
        decode(file, &DecodeOptions::default()).unwrap_err().to_string()
    }

    #[test]
    fn comments_and_spaces_are_passed_over() {
        let expected = [0, 128, 255];
        assert_eq!(pixels(b"P2 # grey\n#\n3 1\r\n255\n0 128 255"), expected);
        assert_eq!(pixels(b"P2\n3\t1 255\n0#zero\n128\n#end\n\n255#"), expected);
        assert_eq!(pixels(b"P5 3 1 255\n\0\x80\xff"), expected);
        assert_eq!(pixels(b"P1 3 2 101\n0 1 0"), [0, 255, 0, 255, 0, 255]);
        assert_eq!(pixels(b"P4\n3 2\n\xbf\x40"), [0, 255, 0, 255, 0, 255]);
    }

    #[test]
    fn samples_are_scaled_by_the_largest_value() {
        // Pillow 13: Image.open(…) of the same as PPM, where it scales.
        assert_eq!(pixels(b"P2 4 1 15 0 1 7 15"), [0, 17, 119, 255]);
        assert_eq!(pixels(b"P5 3 1 100\n\0\x32\x64"), [0, 128, 255]);
        assert_eq!(pixels(b"P5 1 1 100\n\xc8"), [255], "over the largest value");
        assert_eq!(pixels(b"P6 1 1 65535\n\x00\x80\x00\x81\xff\xff"), [0, 1, 255]);
        assert_eq!(pixels(b"P5 2 1 1023\n\x02\x00\x03\xff"), [128, 255]);
    }

    #[test]
    fn what_is_no_image_is_told() {
        assert_eq!(refusal(b"P5 0 3 255\n"), "PNM file: the image has no pixels");
        assert_eq!(refusal(b"P5 3 3 -1\n"), "PNM file: no number at byte 7");
        assert_eq!(refusal(b"P2 1 1 9 12"), "PNM file: a sample is 12, over the largest value 9");
        assert_eq!(refusal(b"P1 2 1 12"), "PNM file: neither 0 nor 1 at byte 8");
        assert!(refusal(b"P5 1 1 65536\n00").contains("65536, expected 1 to 65535"));
        assert!(refusal(b"P6 99999999999 1 255\n").contains("no number"));
        assert!(refusal(b"P6 2 2 255\n1234567890a").contains("cut off after 22 bytes"));
    }
}
