//! Random erasing (Zhong et al., AAAI 2020, arXiv 1708.04896).

use ocelli_random::ChaCha8Rng;
use rand::RngExt;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

/// Replaces a random rectangle of the normalised image.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RandomErasing {
    /// How often an image is touched.
    pub probability: f32,
    /// The range of the rectangle's area, as a fraction of the image's.
    pub area: [f32; 2],
    /// The range of its height divided by its width.
    pub ratio: [f32; 2],
    /// What it is filled with.
    pub fill: EraseFill,
}

/// What an erased rectangle is filled with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EraseFill {
    /// Zeros after normalisation, that is the mean colour.
    #[default]
    Zero,
    /// A standard normal number for each value.
    Noise,
}

impl Default for RandomErasing {
    /// torchvision's: half the images, 2–33 % of the area, ratio 0.3–3.3, zeros.
    fn default() -> Self {
        Self { probability: 0.5, area: [0.02, 0.33], ratio: [0.3, 3.3], fill: EraseFill::Zero }
    }
}

impl RandomErasing {
    /// # Shapes
    /// - `image`: `[channels, height, width]`
    pub(crate) fn apply(
        &self,
        image: &mut [f32],
        (height, width): (usize, usize),
        random: &mut ChaCha8Rng,
    ) {
        if random.random::<f32>() >= self.probability {
            return;
        }
        let Some((rows, columns)) = self.draw(height, width, random) else { return };
        for plane in image.chunks_exact_mut(height * width) {
            for row in plane.chunks_exact_mut(width).skip(rows.start).take(rows.len()) {
                match self.fill {
                    EraseFill::Zero => row[columns.clone()].fill(0.0),
                    EraseFill::Noise => {
                        row[columns.clone()].fill_with(|| random.sample(StandardNormal));
                    }
                }
            }
        }
    }

    fn draw(
        &self,
        height: usize,
        width: usize,
        random: &mut ChaCha8Rng,
    ) -> Option<(std::ops::Range<usize>, std::ops::Range<usize>)> {
        for _ in 0..10 {
            let area = random.random_range(self.area[0]..=self.area[1]) * (height * width) as f32;
            let ratio = random.random_range(self.ratio[0].ln()..=self.ratio[1].ln()).exp();
            let rows = (area * ratio).sqrt().round() as usize;
            let columns = (area / ratio).sqrt().round() as usize;
            if rows < height && columns < width {
                let top = random.random_range(0..=height - rows);
                let left = random.random_range(0..=width - columns);
                return Some((top..top + rows, left..left + columns));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocelli_random::{Purpose, Seed};

    #[test]
    fn the_rectangle_is_as_large_as_asked_for_in_every_channel() {
        let erasing =
            RandomErasing { probability: 1.0, area: [0.1, 0.3], ..RandomErasing::default() };
        for position in 0..50 {
            let mut image = vec![1.0_f32; 3 * 32 * 40];
            let mut random = Seed(2).stream(Purpose::AUGMENT, 0, position);
            erasing.apply(&mut image, (32, 40), &mut random);
            let erased: Vec<usize> = image
                .chunks(32 * 40)
                .map(|plane| plane.iter().filter(|value| **value == 0.0).count())
                .collect();
            let share = erased[0] as f32 / (32.0 * 40.0);
            assert!((0.08..0.33).contains(&share), "{share}");
            assert_eq!(erased, [erased[0]; 3]);
        }
    }

    #[test]
    fn noise_is_finite_and_repeatable() {
        let erasing =
            RandomErasing { probability: 1.0, fill: EraseFill::Noise, ..RandomErasing::default() };
        let erased = || {
            let mut image = vec![1.0_f32; 24 * 24];
            erasing.apply(&mut image, (24, 24), &mut Seed(2).stream(Purpose::AUGMENT, 0, 9));
            image
        };
        assert_eq!(erased(), erased());
        assert!(erased().iter().all(|value| value.is_finite()));
        assert!(erased().iter().any(|value| *value != 1.0));
    }
}
