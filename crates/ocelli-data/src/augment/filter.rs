//! Filters that mix neighbouring pixels.

use super::blend::blend;
use crate::Image;
use ocelli_random::ChaCha8Rng;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// Away from (factor above 1) or towards a smoothed version of the image
/// (`ImageEnhance.Sharpness` of Pillow).
pub fn sharpness(image: &mut Image, factor: f32) {
    let smooth = smooth(image);
    for (value, smooth) in image.pixels.iter_mut().zip(smooth) {
        *value = blend(smooth, *value, factor);
    }
}

/// Pillow's `SMOOTH`: the 3×3 mean with the centre counted five times; the border stays.
fn smooth(image: &Image) -> Vec<u8> {
    let channels = usize::from(image.channels);
    let stride = image.width as usize * channels;
    let mut output = image.pixels.clone();
    if image.width < 3 || image.height < 3 {
        return output;
    }
    for row in 1..image.height as usize - 1 {
        let inner = row * stride + channels..(row + 1) * stride - channels;
        for (at, value) in inner.clone().zip(&mut output[inner]) {
            let sum = |centre: usize| {
                [centre - channels, centre, centre + channels]
                    .map(|at| u32::from(image.pixels[at]))
                    .iter()
                    .sum::<u32>()
            };
            let total = sum(at - stride) + sum(at) + sum(at + stride);
            let weighted = total + 4 * u32::from(image.pixels[at]);
            *value = ((2 * weighted + 13) / 26) as u8;
        }
    }
    output
}

/// Gaussian blur with a random width, as SimCLR and torchvision define it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GaussianBlur {
    /// How often an image is blurred.
    pub probability: f32,
    /// The range of the standard deviation in pixels.
    pub sigma: [f32; 2],
    /// The width of the kernel as a fraction of the image's; made odd.
    pub kernel: f32,
}

impl Default for GaussianBlur {
    /// SimCLR: half the images, 0.1…2 pixels, a kernel of a tenth of the image.
    fn default() -> Self {
        Self { probability: 0.5, sigma: [0.1, 2.0], kernel: 0.1 }
    }
}

impl GaussianBlur {
    pub(crate) fn apply(&self, image: &mut Image, random: &mut ChaCha8Rng) {
        if random.random::<f32>() >= self.probability {
            return;
        }
        let sigma = random.random_range(self.sigma[0]..=self.sigma[1]);
        let width = (self.kernel * image.width as f32) as u32 / 2 * 2 + 1;
        gaussian_blur(image, sigma, width);
    }
}

/// Blurs with a Gaussian of `sigma` pixels, cut to `kernel` (odd) pixels; the border is mirrored.
pub fn gaussian_blur(image: &mut Image, sigma: f32, kernel: u32) {
    let radius = kernel as usize / 2;
    if radius == 0 || sigma <= 0.0 {
        return;
    }
    let weight = |at: usize| (-0.5 * ((at as f32 - radius as f32) / sigma).powi(2)).exp();
    let mut weights: Vec<f32> = (0..=2 * radius).map(weight).collect();
    let sum: f32 = weights.iter().sum();
    for weight in &mut weights {
        *weight /= sum;
    }

    let channels = usize::from(image.channels);
    let (width, height) = (image.width as usize, image.height as usize);
    let stride = width * channels;
    let mirrored = |at: usize, len: usize| mirror(at as isize - radius as isize, len);

    let mut across = vec![0.0; image.pixels.len()];
    let mut padded = vec![0.0; (width + 2 * radius) * channels];
    for (sums, row) in across.chunks_exact_mut(stride).zip(image.pixels.chunks_exact(stride)) {
        for (at, pixel) in padded.chunks_exact_mut(channels).enumerate() {
            let from = &row[mirrored(at, width) * channels..];
            for (value, byte) in pixel.iter_mut().zip(from) {
                *value = f32::from(*byte);
            }
        }
        for (offset, weight) in weights.iter().enumerate() {
            add_product(sums, *weight, &padded[offset * channels..]);
        }
    }
    let mut sums = vec![0.0; stride];
    for (row, output) in image.pixels.chunks_exact_mut(stride).enumerate() {
        sums.fill(0.0);
        for (offset, weight) in weights.iter().enumerate() {
            let from = mirrored(row + offset, height);
            add_product(&mut sums, *weight, &across[from * stride..][..stride]);
        }
        for (output, sum) in output.iter_mut().zip(&sums) {
            *output = sum.round() as u8;
        }
    }
}

fn add_product(sums: &mut [f32], weight: f32, values: &[f32]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += weight * value;
    }
}

/// The position inside `0..len` that `at` is the mirror image of; the border itself is not
/// repeated.
pub(super) fn mirror(at: isize, len: usize) -> usize {
    let period = (2 * len as isize - 2).max(1);
    let at = at.rem_euclid(period) as usize;
    if at < len { at } else { period as usize - at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_border_is_mirrored_without_repeating_it() {
        let mirrored: Vec<_> = (-4..8).map(|at| mirror(at, 4)).collect();
        assert_eq!(mirrored, [2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1]);
        assert_eq!(mirror(-5, 1), 0);
    }

    #[test]
    fn blurring_keeps_a_flat_image_and_spreads_a_point() {
        let mut flat = Image { width: 9, height: 7, channels: 3, pixels: vec![77; 189] };
        gaussian_blur(&mut flat, 1.5, 5);
        assert_eq!(flat.pixels, [77; 189]);

        let mut point = Image { width: 5, height: 5, channels: 1, pixels: vec![0; 25] };
        point.pixels[12] = 255;
        gaussian_blur(&mut point, 1.0, 3);
        // torchvision 0.29: v2.functional.gaussian_blur(…, [3, 3], [1.0, 1.0])
        assert_eq!(point.pixels[11..14], [32, 52, 32]);
        assert_eq!(point.pixels[6..9], [19, 32, 19]);
        assert_eq!(point.pixels[10], 0);
    }
}
