//! The one EXIF field that matters for pixels: the orientation.
//!
//! Format: EXIF 2.3, 4.6.4 (tag 274) on top of TIFF 6.0, section 2.

use crate::Image;

const ORIENTATION_TAG: u16 = 274;
const SHORT: u16 = 3;

/// How to turn the stored image to see it upright: EXIF's numbers 1 to 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Orientation(u8);

impl Orientation {
    pub(super) const UPRIGHT: Self = Self(1);

    /// The orientation of this number; one that does not exist means upright.
    pub(super) fn from_number(number: u64) -> Self {
        if (1..=8).contains(&number) { Self(number as u8) } else { Self::UPRIGHT }
    }

    /// Whether width and height are swapped.
    pub(super) fn is_turned(self) -> bool {
        self.0 >= 5
    }

    /// Reads it from a TIFF structure. Anything odd means upright: EXIF data is often damaged,
    /// and pixels do not depend on it.
    pub(super) fn from_tiff(tiff: &[u8]) -> Self {
        read_orientation(tiff).map_or(Self::UPRIGHT, |value| Self::from_number(value.into()))
    }

    /// The image as it should be seen.
    pub(super) fn apply(self, image: Image) -> Image {
        if self == Self::UPRIGHT {
            return image;
        }
        let (width, height) = (image.width as usize, image.height as usize);
        let channels = usize::from(image.channels);
        let swapped = self.is_turned();
        let (new_width, new_height) = if swapped { (height, width) } else { (width, height) };
        let mut pixels = Vec::with_capacity(image.pixels.len());
        for y in 0..new_height {
            for x in 0..new_width {
                let (from_x, from_y) = match self.0 {
                    2 => (width - 1 - x, y),
                    3 => (width - 1 - x, height - 1 - y),
                    4 => (x, height - 1 - y),
                    5 => (y, x),
                    6 => (y, height - 1 - x),
                    7 => (width - 1 - y, height - 1 - x),
                    _ => (width - 1 - y, x),
                };
                let start = (from_y * width + from_x) * channels;
                pixels.extend_from_slice(&image.pixels[start..start + channels]);
            }
        }
        Image { width: new_width as u32, height: new_height as u32, pixels, ..image }
    }
}

fn read_orientation(tiff: &[u8]) -> Option<u16> {
    let big_endian = match tiff.get(..4)? {
        b"MM\0*" => true,
        b"II*\0" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    };
    let long = |at: usize| {
        let bytes = tiff.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    };
    let directory = usize::try_from(long(4)?).ok().filter(|at| *at < tiff.len())?;
    let entries = usize::from(short(directory)?);
    (0..entries)
        .map(|entry| directory + 2 + 12 * entry)
        .find(|at| short(*at) == Some(ORIENTATION_TAG) && short(at + 2) == Some(SHORT))
        .and_then(|at| short(at + 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A TIFF structure with one entry.
    fn tiff(tag: u16, value: u16) -> Vec<u8> {
        let mut bytes = b"MM\0*\0\0\0\x08\0\x01".to_vec();
        for part in [tag, SHORT, 0, 1, value, 0] {
            bytes.extend(part.to_be_bytes());
        }
        bytes
    }

    #[test]
    fn the_orientation_is_found() {
        assert_eq!(Orientation::from_tiff(&tiff(ORIENTATION_TAG, 6)), Orientation(6));
        let little = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x03\0\0\0";
        assert_eq!(Orientation::from_tiff(little), Orientation(3));
    }

    #[test]
    fn odd_exif_data_means_upright() {
        assert_eq!(Orientation::from_tiff(&tiff(ORIENTATION_TAG, 9)), Orientation::UPRIGHT);
        assert_eq!(Orientation::from_tiff(&tiff(271, 6)), Orientation::UPRIGHT);
        assert_eq!(Orientation::from_tiff(b"MM\0*\xff\xff\xff\xff"), Orientation::UPRIGHT);
        let whole = tiff(ORIENTATION_TAG, 6);
        for len in 0..whole.len() - 3 {
            assert_eq!(Orientation::from_tiff(&whole[..len]), Orientation::UPRIGHT);
        }
    }

    #[test]
    fn every_orientation_turns_as_the_standard_says() {
        // The letter L in 2 × 3 pixels, as it should be seen; and as a camera stores it so that
        // the orientation makes it upright again (Pillow 13: ImageOps.exif_transpose).
        let upright = Image { width: 2, height: 3, channels: 1, pixels: vec![1, 0, 2, 0, 3, 4] };
        let stored: [(u8, u32, [u8; 6]); 8] = [
            (1, 2, [1, 0, 2, 0, 3, 4]),
            (2, 2, [0, 1, 0, 2, 4, 3]),
            (3, 2, [4, 3, 0, 2, 0, 1]),
            (4, 2, [3, 4, 2, 0, 1, 0]),
            (5, 3, [1, 2, 3, 0, 0, 4]),
            (6, 3, [0, 0, 4, 1, 2, 3]),
            (7, 3, [4, 0, 0, 3, 2, 1]),
            (8, 3, [3, 2, 1, 4, 0, 0]),
        ];
        for (orientation, width, pixels) in stored {
            let image = Image { width, height: 6 / width, channels: 1, pixels: pixels.to_vec() };
            assert_eq!(Orientation(orientation).apply(image), upright, "orientation {orientation}");
        }
    }
}
