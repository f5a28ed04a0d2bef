//! From bytes to normalised values.

#![expect(
    clippy::inline_always,
    reason = "only what is inlined is compiled for the vector instructions of the processor"
)]

use super::colours::{Rounded, rgb};
use pulp::{Arch, Simd, WithSimd};

/// For each channel what to multiply a byte with, and what to add then.
pub(crate) type ScaleAndOffset = [(f32, f32); 3];

/// Writes the pixels of an image (or planes of luma and chroma) as planes of
/// `byte · scale + offset`.
///
/// # Shapes
/// - `output`: `[channels, height, width]`
pub(crate) struct Normalise<'a> {
    pub(crate) input: Input<'a>,
    pub(crate) scale_and_offset: ScaleAndOffset,
    pub(crate) output: &'a mut [f32],
}

/// The bytes to normalise.
pub(crate) enum Input<'a> {
    /// `[height, width]`
    Grey(&'a [u8]),
    /// `[height, width, 3]`
    Colour(&'a [u8]),
    /// `[height, width]` each: luma, blue chroma, red chroma.
    Planes([&'a [u8]; 3]),
}

impl Normalise<'_> {
    pub(crate) fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for Normalise<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        match self.input {
            Input::Grey(pixels) => {
                let (scale, offset) = self.scale_and_offset[0];
                for (output, value) in self.output.iter_mut().zip(pixels) {
                    *output = f32::from(*value) * scale + offset;
                }
            }
            Input::Colour(pixels) => {
                let pixels = pixels.as_chunks::<3>().0;
                let planes = self.output.chunks_exact_mut(pixels.len().max(1));
                for (channel, (plane, (scale, offset))) in
                    planes.zip(self.scale_and_offset).enumerate()
                {
                    for (output, pixel) in plane.iter_mut().zip(pixels) {
                        *output = f32::from(pixel[channel]) * scale + offset;
                    }
                }
            }
            Input::Planes(planes) => mix_and_normalise(planes, self.scale_and_offset, self.output),
        }
    }
}

/// What mixing the colours into bytes and normalising those would give.
#[inline(always)]
fn mix_and_normalise(
    [luma, blue, red]: [&[u8]; 3],
    scale_and_offset: ScaleAndOffset,
    output: &mut [f32],
) {
    let Some((reds, rest)) = output.split_at_mut_checked(luma.len()) else { return };
    let Some((greens, blues)) = rest.split_at_mut_checked(luma.len()) else { return };
    let bytes = luma.iter().zip(blue).zip(red);
    let outputs = reds.iter_mut().zip(greens).zip(blues);
    for (((luma, blue), red), outputs) in bytes.zip(outputs) {
        let mixed: [Rounded; 3] = rgb(*luma, *blue, *red);
        let [r, g, b] = scale_and_offset;
        *outputs.0.0 = mixed[0].to_f32() * r.0 + r.1;
        *outputs.0.1 = mixed[1].to_f32() * g.0 + g.1;
        *outputs.1 = mixed[2].to_f32() * b.0 + b.1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::colours::mix_colours;
    use super::*;

    fn normalised(input: Input<'_>, scale_and_offset: ScaleAndOffset, len: usize) -> Vec<f32> {
        let mut output = vec![f32::NAN; len];
        Normalise { input, scale_and_offset, output: &mut output }.run();
        output
    }

    #[test]
    fn pixels_become_planes() {
        let pixels: Vec<u8> = (1..=12).collect();
        let scale_and_offset = [(1.0, 0.0), (2.0, 0.0), (1.0, 0.5)];
        let output = normalised(Input::Colour(&pixels), scale_and_offset, 12);
        assert_eq!(output, [1.0, 4.0, 7.0, 10.0, 4.0, 10.0, 16.0, 22.0, 3.5, 6.5, 9.5, 12.5]);
    }

    #[test]
    fn grey_pixels_become_one_plane() {
        let output = normalised(Input::Grey(&[0, 100, 255]), [(0.01, -1.0); 3], 3);
        assert!(output.iter().zip([-1.0, 0.0, 1.55]).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn planes_give_the_same_numbers_as_the_pixels_mixed_from_them() {
        let plane = |step: usize| (0..4096).map(|at| (at * step % 256) as u8).collect::<Vec<u8>>();
        let (luma, chroma) = (plane(7), [plane(13), plane(101)]);
        let scale_and_offset = [(0.017, -2.1), (0.018, -2.0), (0.0175, -1.8)];
        let mut pixels = Vec::new();
        mix_colours(&luma, &chroma, &mut pixels);
        let planes = Input::Planes([&luma, &chroma[0], &chroma[1]]);
        assert_eq!(
            normalised(planes, scale_and_offset, 3 * 4096),
            normalised(Input::Colour(&pixels), scale_and_offset, 3 * 4096)
        );
    }
}
