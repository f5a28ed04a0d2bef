//! Random crops.

use super::filter::mirror;
use crate::{Image, Region};
use ocelli_random::ChaCha8Rng;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// A crop of random area and aspect ratio, which is then stretched to the input size
/// (`RandomResizedCrop` of torchvision; "Inception crop").
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RandomResizedCrop {
    /// The range of the crop's area, as a fraction of the image's.
    pub scale: [f64; 2],
    /// The range of its width divided by its height.
    pub ratio: [f64; 2],
}

impl Default for RandomResizedCrop {
    /// 8–100 % of the area, 3:4 to 4:3.
    fn default() -> Self {
        Self { scale: [0.08, 1.0], ratio: [3.0 / 4.0, 4.0 / 3.0] }
    }
}

impl RandomResizedCrop {
    /// A crop of an image of this size: the first of ten draws that fits, else the largest centre
    /// crop whose ratio is in range.
    pub fn draw(&self, width: u32, height: u32, random: &mut ChaCha8Rng) -> Region {
        let area = f64::from(width) * f64::from(height);
        let [narrowest, widest] = self.ratio;
        for _ in 0..10 {
            let target = area * random.random_range(self.scale[0]..=self.scale[1]);
            let ratio = random.random_range(narrowest.ln()..=widest.ln()).exp();
            let crop_width = (target * ratio).sqrt().round_ties_even() as u32;
            let crop_height = (target / ratio).sqrt().round_ties_even() as u32;
            if (1..=width).contains(&crop_width) && (1..=height).contains(&crop_height) {
                let top = random.random_range(0..=height - crop_height);
                let left = random.random_range(0..=width - crop_width);
                return Region { left, top, width: crop_width, height: crop_height };
            }
        }
        let ratio = f64::from(width) / f64::from(height.max(1));
        let (mut crop_width, mut crop_height) = (width, height);
        if ratio < narrowest {
            crop_height = ((f64::from(width) / narrowest).round_ties_even() as u32).min(height);
        } else if ratio > widest {
            crop_width = ((f64::from(height) * widest).round_ties_even() as u32).min(width);
        }
        Region {
            left: (width - crop_width) / 2,
            top: (height - crop_height) / 2,
            width: crop_width,
            height: crop_height,
        }
    }
}

/// What lies around an image that is padded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// Black.
    #[default]
    Constant,
    /// The image, mirrored at its border.
    Reflect,
}

/// Pads by some pixels and cuts out the old size at a random position, as is usual for images of
/// 28 or 32 pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PadCrop {
    /// Pixels on every side.
    pub pixels: u32,
    /// What they show.
    pub mode: Padding,
}

impl Default for PadCrop {
    /// Four black pixels (He et al. 2016 for CIFAR).
    fn default() -> Self {
        Self { pixels: 4, mode: Padding::Constant }
    }
}

impl PadCrop {
    pub(crate) fn apply(self, image: &mut Image, random: &mut ChaCha8Rng) {
        let right = i64::from(random.random_range(0..=2 * self.pixels)) - i64::from(self.pixels);
        let down = i64::from(random.random_range(0..=2 * self.pixels)) - i64::from(self.pixels);
        shift(image, right as isize, down as isize, self.mode);
    }
}

/// Every pixel comes from `right` pixels further right and `down` pixels further down.
fn shift(image: &mut Image, right: isize, down: isize, mode: Padding) {
    let channels = usize::from(image.channels);
    let (width, height) = (image.width as usize, image.height as usize);
    let source = |at: isize, len: usize| match mode {
        Padding::Reflect => Some(mirror(at, len)),
        Padding::Constant => usize::try_from(at).ok().filter(|at| *at < len),
    };
    let mut output = vec![0; image.pixels.len()];
    for (row, target) in output.chunks_exact_mut((width * channels).max(1)).enumerate() {
        let Some(from_row) = source(row as isize + down, height) else { continue };
        let from_row = &image.pixels[from_row * width * channels..][..width * channels];
        for (column, pixel) in target.chunks_exact_mut(channels).enumerate() {
            let Some(from) = source(column as isize + right, width) else { continue };
            pixel.copy_from_slice(&from_row[from * channels..][..channels]);
        }
    }
    image.pixels = output;
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocelli_random::{Purpose, Seed};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ocelli_testkit::cases(256))]
        #[test]
        fn crops_lie_inside_the_image(
            width in 1_u32..700,
            height in 1_u32..700,
            position: u64,
            smallest in 0.01_f64..1.0,
        ) {
            let mut random = Seed(0).stream(Purpose::AUGMENT, 0, position);
            let crop = RandomResizedCrop { scale: [smallest, 1.0], ..RandomResizedCrop::default() };
            let region = crop.draw(width, height, &mut random);
            prop_assert!(region.width > 0 && region.height > 0);
            prop_assert!(region.left + region.width <= width);
            prop_assert!(region.top + region.height <= height);
        }
    }

    #[test]
    fn crop_areas_cover_their_range_evenly() {
        let mut random = Seed(0).stream(Purpose::AUGMENT, 0, 0);
        let shares: Vec<f64> = (0..2000)
            .map(|_| RandomResizedCrop::default().draw(400, 400, &mut random))
            .map(|region| f64::from(region.width * region.height) / 160_000.0)
            .collect();
        let mean = shares.iter().sum::<f64>() / 2000.0;
        // Large crops with extreme ratios do not fit and are drawn again.
        assert!((0.45..0.54).contains(&mean), "{mean}");
        assert!(shares.iter().all(|share| (0.078..=1.0).contains(share)));
    }

    /// The largest distance between the distribution of `values` and the uniform one on 0 to 1
    /// (Kolmogorov and Smirnov).
    fn distance_from_uniform(mut values: Vec<f64>) -> f64 {
        values.sort_by(f64::total_cmp);
        let count = values.len() as f64;
        let steps = values.iter().enumerate();
        let distance = |(at, value): (usize, &f64)| {
            (value - at as f64 / count).max((at + 1) as f64 / count - value)
        };
        steps.map(distance).fold(0.0, f64::max)
    }

    /// On an image that is large enough for whole pixels not to matter, and with areas of which every
    /// one fits at once.
    #[test]
    fn areas_ratios_and_places_of_crops_follow_their_laws() {
        type Value<'a> = &'a dyn Fn(&Region) -> f64;
        const SIDE: u32 = 20_000;
        let crop = RandomResizedCrop { scale: [0.1, 0.5], ..RandomResizedCrop::default() };
        let mut random = Seed(0).stream(Purpose::AUGMENT, 0, 0);
        let regions: Vec<Region> = (0..4000).map(|_| crop.draw(SIDE, SIDE, &mut random)).collect();
        let size = |region: &Region| (f64::from(region.width), f64::from(region.height));
        let area = |region: &Region| {
            let (width, height) = size(region);
            (width * height / f64::from(SIDE).powi(2) - 0.1) / 0.4
        };
        let ratio = |region: &Region| {
            let (width, height) = size(region);
            let [low, high] = crop.ratio.map(f64::ln);
            ((width / height).ln() - low) / (high - low)
        };
        let left = |region: &Region| f64::from(region.left) / f64::from(SIDE - region.width);
        let top = |region: &Region| f64::from(region.top) / f64::from(SIDE - region.height);
        let laws: [(&str, Value<'_>); 4] =
            [("area", &area), ("logarithm of the ratio", &ratio), ("left", &left), ("top", &top)];
        for (name, value) in laws {
            let distance = distance_from_uniform(regions.iter().map(value).collect());
            // Uniform values are further away once in a thousand seeds.
            assert!(distance < 1.95 / 4000.0_f64.sqrt(), "{name}: {distance}");
        }
    }

    #[test]
    fn an_image_that_no_crop_fits_gives_its_centre() {
        let mut random = Seed(0).stream(Purpose::AUGMENT, 0, 0);
        let crop = RandomResizedCrop { scale: [1.0, 1.0], ratio: [0.5, 2.0] };
        let region = crop.draw(1000, 100, &mut random);
        assert_eq!(region, Region { left: 400, top: 0, width: 200, height: 100 });
    }

    #[test]
    fn shifting_pads_with_black_or_with_the_mirror_image() {
        let image = Image { width: 4, height: 1, channels: 1, pixels: vec![1, 2, 3, 4] };
        for (mode, right, expected) in [
            (Padding::Constant, 2, [3, 4, 0, 0]),
            (Padding::Constant, -1, [0, 1, 2, 3]),
            (Padding::Reflect, 2, [3, 4, 3, 2]),
            (Padding::Reflect, -2, [3, 2, 1, 2]),
        ] {
            let mut shifted = image.clone();
            shift(&mut shifted, right, 0, mode);
            assert_eq!(shifted.pixels, expected, "{mode:?} {right}");
        }
    }
}
