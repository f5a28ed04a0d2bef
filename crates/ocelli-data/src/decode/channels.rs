//! Between grey and colour.

use crate::Image;

/// How many channels a decoded image has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Channels {
    /// One: grey. Colours become their luma (ITU-R BT.601).
    Grey,
    /// Three: red, green, blue. Grey is repeated.
    #[default]
    Rgb,
    /// One for files that are grey, three for others.
    AsStored,
}

impl Channels {
    /// How many, where that does not depend on the file.
    pub(crate) fn count(self) -> Option<u8> {
        match self {
            Self::Grey => Some(1),
            Self::Rgb => Some(3),
            Self::AsStored => None,
        }
    }

    /// The image with these channels.
    pub fn convert(self, image: Image) -> Image {
        let pixels = match (self, image.channels) {
            (Self::Grey, 3) => {
                image.pixels.as_chunks().0.iter().map(|pixel| luma(*pixel)).collect()
            }
            (Self::Rgb, 1) => image.pixels.iter().flat_map(|grey| [*grey; 3]).collect(),
            _ => return image,
        };
        Image { channels: if self == Self::Grey { 1 } else { 3 }, pixels, ..image }
    }
}

/// 0.299 R + 0.587 G + 0.114 B, with Pillow's 16-bit weights and rounding.
pub(crate) fn luma([red, green, blue]: [u8; 3]) -> u8 {
    let sum = 19_595 * u32::from(red) + 38_470 * u32::from(green) + 7_471 * u32::from(blue);
    ((sum + 0x8000) >> 16) as u8
}

/// Removes every `stride`-th byte: the alpha of grey (2) or of colour (4).
pub(super) fn drop_alpha(pixels: &mut Vec<u8>, stride: usize) {
    let kept = stride - 1;
    let count = pixels.len() / stride;
    for at in 1..count {
        pixels.copy_within(at * stride..at * stride + kept, at * kept);
    }
    pixels.truncate(count * kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(channels: u8, pixels: &[u8]) -> Image {
        Image { width: 2, height: 1, channels, pixels: pixels.to_vec() }
    }

    #[test]
    fn colours_become_their_luma() {
        // Pillow 13: Image.new("RGB", …).convert("L")
        let grey = Channels::Grey.convert(image(3, &[255, 0, 0, 10, 200, 30]));
        assert_eq!(grey, image(1, &[76, 124]));
    }

    #[test]
    fn grey_is_repeated() {
        let rgb = Channels::Rgb.convert(image(1, &[7, 9]));
        assert_eq!(rgb, image(3, &[7, 7, 7, 9, 9, 9]));
        let grey = image(1, &[7, 9]);
        assert_eq!(Channels::AsStored.convert(grey.clone()), grey);
    }

    #[test]
    fn alpha_is_dropped() {
        let mut pixels = vec![1, 2, 3, 255, 4, 5, 6, 0];
        drop_alpha(&mut pixels, 4);
        assert_eq!(pixels, [1, 2, 3, 4, 5, 6]);
        drop_alpha(&mut pixels, 2);
        assert_eq!(pixels, [1, 3, 5]);
    }
}
