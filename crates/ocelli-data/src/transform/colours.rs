//! From luma and chroma to red, green and blue.

#![expect(
    clippy::inline_always,
    reason = "only what is inlined is compiled for the vector instructions of the processor"
)]

use pulp::{Arch, Simd, WithSimd};

/// Mixes three planes of equal length into RGB pixels, which replace `output` (JFIF, T.871).
pub(crate) fn mix_colours(luma: &[u8], [blue, red]: &[Vec<u8>; 2], output: &mut Vec<u8>) {
    output.resize(3 * luma.len(), 0);
    Arch::new().dispatch(Mixing { luma, blue, red, pixels: output.as_chunks_mut().0 });
}

struct Mixing<'a> {
    luma: &'a [u8],
    blue: &'a [u8],
    red: &'a [u8],
    pixels: &'a mut [[u8; 3]],
}

impl WithSimd for Mixing<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let planes = self.luma.iter().zip(self.blue).zip(self.red);
        for (pixel, ((luma, blue), red)) in self.pixels.iter_mut().zip(planes) {
            let [r, g, b] = rgb(*luma, *blue, *red);
            *pixel = [r.to_byte(), g.to_byte(), b.to_byte()];
        }
    }
}

/// Grey pixels as RGB pixels, which replace `output`.
pub(crate) fn repeat_grey(luma: &[u8], output: &mut Vec<u8>) {
    output.clear();
    output.extend(luma.iter().flat_map(|grey| [*grey; 3]));
}

/// A whole number from 0 to 255.
#[derive(Clone, Copy)]
pub(crate) struct Rounded(f32);

impl Rounded {
    /// Above 2²³ a float has no fraction: adding it rounds, and leaves the integer in the low
    /// bits.
    const INTEGER: f32 = 8_388_608.0;

    #[inline(always)]
    fn new(value: f32) -> Self {
        Self(value.clamp(0.0, 255.0) + Self::INTEGER)
    }

    #[inline(always)]
    pub(crate) fn to_byte(self) -> u8 {
        self.0.to_bits() as u8
    }

    #[inline(always)]
    pub(crate) fn to_f32(self) -> f32 {
        self.0 - Self::INTEGER
    }
}

/// Red, green and blue of one pixel.
#[inline(always)]
pub(crate) fn rgb(luma: u8, blue: u8, red: u8) -> [Rounded; 3] {
    let (luma, blue, red) = (f32::from(luma), f32::from(blue) - 128.0, f32::from(red) - 128.0);
    [
        Rounded::new(luma + 1.402 * red),
        Rounded::new(luma - 0.344_136_3 * blue - 0.714_136_3 * red),
        Rounded::new(luma + 1.772 * blue),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_those_of_jfif() {
        let mut pixels = Vec::new();
        let chroma = [vec![128, 85, 44, 255], vec![128, 255, 21, 107]];
        mix_colours(&[128, 76, 150, 29], &chroma, &mut pixels);
        let expected: [u8; 12] = [128, 128, 128, 254, 0, 0, 0, 255, 1, 0, 0, 254];
        assert_eq!(pixels, expected);
    }
}
