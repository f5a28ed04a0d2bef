//! What the components of a file mean, and how they become grey or RGB.
//!
//! The arithmetic is that of libjpeg and, for CMYK, of Pillow: whole numbers, with the same
//! rounding.

use super::frame::Frame;
use super::reader::Markers;

/// What the components of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Model {
    Grey,
    YCbCr,
    Rgb,
    /// Inverted, as Adobe writes it.
    Cmyk,
    /// CMYK of which the first three are stored as YCbCr.
    Ycck,
}

impl Model {
    /// The rules of libjpeg: JFIF has one colour space, then the Adobe marker decides, then the
    /// names of the components.
    pub(super) fn new(frame: &Frame, markers: &Markers<'_>) -> Self {
        let ids: Vec<u8> = frame.components.iter().map(|component| component.id).collect();
        match (ids.len(), markers.adobe_transform) {
            (1, _) => Self::Grey,
            (4, None | Some(0)) => Self::Cmyk,
            (4, Some(_)) => Self::Ycck,
            _ if markers.is_jfif => Self::YCbCr,
            (_, Some(0)) => Self::Rgb,
            (_, None) if ids == b"RGB" => Self::Rgb,
            _ => Self::YCbCr,
        }
    }

    /// Mixes one row of samples into RGB pixels. Rows may be longer than the picture is wide.
    #[inline(always)]
    pub(super) fn mix(self, rows: &[&[u8]], pixels: &mut [[u8; 3]]) {
        match (self, rows) {
            (Self::YCbCr, [luma, blue, red]) => {
                let samples = luma.iter().zip(*blue).zip(*red);
                for (pixel, ((luma, blue), red)) in pixels.iter_mut().zip(samples) {
                    *pixel = rgb_of_ycbcr(*luma, *blue, *red);
                }
            }
            (Self::Rgb, [red, green, blue]) => {
                let samples = red.iter().zip(*green).zip(*blue);
                for (pixel, ((red, green), blue)) in pixels.iter_mut().zip(samples) {
                    *pixel = [*red, *green, *blue];
                }
            }
            (Self::Cmyk | Self::Ycck, [first, second, third, black]) => {
                let samples = first.iter().zip(*second).zip(*third).zip(*black);
                for (pixel, (((first, second), third), black)) in pixels.iter_mut().zip(samples) {
                    let mut inks = [*first, *second, *third];
                    if self == Self::Ycck {
                        inks = rgb_of_ycbcr(inks[0], inks[1], inks[2]).map(|value| 255 - value);
                    }
                    *pixel = inks.map(|ink| darkened(ink, *black));
                }
            }
            (_, [grey, ..]) => {
                for (pixel, grey) in pixels.iter_mut().zip(*grey) {
                    *pixel = [*grey; 3];
                }
            }
            (_, []) => {}
        }
    }
}

/// JFIF (T.871), in 16-bit fractions.
#[inline(always)]
fn rgb_of_ycbcr(luma: u8, blue: u8, red: u8) -> [u8; 3] {
    const HALF: i32 = 1 << 15;
    /// 1.402, 0.714 14, 0.344 14 and 1.772 times 2¹⁶.
    const RED_OF_RED: i32 = 91_881;
    const GREEN_OF_RED: i32 = 46_802;
    const GREEN_OF_BLUE: i32 = 22_554;
    const BLUE_OF_BLUE: i32 = 116_130;
    let (luma, blue, red) = (i32::from(luma), i32::from(blue) - 128, i32::from(red) - 128);
    [
        luma + ((RED_OF_RED * red + HALF) >> 16),
        luma + ((HALF - GREEN_OF_BLUE * blue - GREEN_OF_RED * red) >> 16),
        luma + ((BLUE_OF_BLUE * blue + HALF) >> 16),
    ]
    .map(|value| value.clamp(0, 255) as u8)
}

/// What is left of white under an ink and black, both stored inverted.
#[inline(always)]
fn darkened(ink: u8, black: u8) -> u8 {
    let black = u32::from(black);
    let product = u32::from(255 - ink) * black + 128;
    (black - (((product >> 8) + product) >> 8).min(black)) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_those_of_jfif() {
        // Red, green and blue at full strength, grey, and a colour outside the cube.
        let mixed = [(76, 85, 255), (150, 44, 21), (29, 255, 107), (128, 128, 128), (255, 255, 0)]
            .map(|(luma, blue, red)| rgb_of_ycbcr(luma, blue, red));
        assert_eq!(mixed, [[254, 0, 0], [0, 255, 1], [0, 0, 254], [128; 3], [76, 255, 255]]);
    }

    #[test]
    fn inks_darken_white() {
        assert_eq!(darkened(255, 255), 255);
        assert_eq!(darkened(0, 255), 0);
        assert_eq!(darkened(255, 0), 0);
        assert_eq!(darkened(128, 200), 100);
    }
}
