//! Colour jitter.

use super::{brightness, contrast, hue, saturation};
use crate::Image;
use ocelli_random::ChaCha8Rng;
use rand::RngExt;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

/// Random brightness, contrast, saturation and hue, in random order (torchvision's
/// `ColorJitter`, with the probability of SimCLR).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ColourJitter {
    /// How often an image is changed.
    pub probability: f32,
    /// The factor is drawn from `1 − brightness … 1 + brightness`, at least 0.
    pub brightness: f32,
    /// As for brightness.
    pub contrast: f32,
    /// As for brightness.
    pub saturation: f32,
    /// The hue is turned by up to this part of the circle, 0…0.5.
    pub hue: f32,
}

impl Default for ColourJitter {
    /// The usual 0.4 for all but the hue, on every image.
    fn default() -> Self {
        Self { probability: 1.0, brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.0 }
    }
}

impl ColourJitter {
    /// SimCLR's jitter of strength `s` (Chen et al. 2020, arXiv 2002.05709, appendix A): brightness,
    /// contrast and saturation 0.8 s and hue 0.2 s, on four of five images.
    pub fn of_strength(s: f32) -> Self {
        let (level, hue) = (0.8 * s, 0.2 * s);
        Self { probability: 0.8, brightness: level, contrast: level, saturation: level, hue }
    }

    pub(crate) fn apply(&self, image: &mut Image, random: &mut ChaCha8Rng) {
        if random.random::<f32>() >= self.probability {
            return;
        }
        let mut order = [0, 1, 2, 3];
        order.shuffle(random);
        for operation in order {
            match operation {
                0 => jitter(self.brightness, random, |factor| brightness(image, factor)),
                1 => jitter(self.contrast, random, |factor| contrast(image, factor)),
                2 => jitter(self.saturation, random, |factor| saturation(image, factor)),
                _ if self.hue > 0.0 => hue(image, random.random_range(-self.hue..=self.hue)),
                _ => {}
            }
        }
    }
}

fn jitter(strength: f32, random: &mut ChaCha8Rng, apply: impl FnOnce(f32)) {
    if strength > 0.0 {
        apply(random.random_range((1.0 - strength).max(0.0)..=1.0 + strength));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{mean_difference, test_pattern};
    use ocelli_random::{Purpose, Seed};

    #[test]
    fn jitter_is_repeatable_and_different_from_sample_to_sample() {
        let jittered = |position| {
            let mut image = test_pattern(16, 16, 3);
            let config = ColourJitter { hue: 0.1, ..ColourJitter::default() };
            config.apply(&mut image, &mut Seed(1).stream(Purpose::AUGMENT, 0, position));
            image.pixels
        };
        assert_eq!(jittered(0), jittered(0));
        assert!(mean_difference(&jittered(0), &jittered(1)) > 1.0);
    }

    #[test]
    fn the_jitter_of_simclr_changes_four_of_five_images_by_its_strength() {
        let jitter = ColourJitter::of_strength(0.5);
        assert_eq!((jitter.brightness, jitter.contrast, jitter.saturation), (0.4, 0.4, 0.4));
        assert_eq!((jitter.hue, jitter.probability), (0.1, 0.8));
        let is_changed = |position: &u64| {
            let mut image = test_pattern(4, 4, 3);
            jitter.apply(&mut image, &mut Seed(1).stream(Purpose::AUGMENT, 0, *position));
            image != test_pattern(4, 4, 3)
        };
        let changed = (0..2000).filter(is_changed).count();
        // Five standard deviations of a binomial with p = 0.8.
        assert!(changed.abs_diff(1600) < 90, "{changed}");
    }

    #[test]
    fn factors_lie_in_their_range_and_operations_come_in_every_order() {
        // White stays below 1 + brightness; what is left of 200 shows the factor.
        let only = ColourJitter {
            brightness: 0.2,
            contrast: 0.0,
            saturation: 0.0,
            ..ColourJitter::default()
        };
        let levels: Vec<u8> = (0..500)
            .map(|position| {
                let mut image = Image { width: 1, height: 1, channels: 1, pixels: vec![200] };
                only.apply(&mut image, &mut Seed(3).stream(Purpose::AUGMENT, 0, position));
                image.pixels[0]
            })
            .collect();
        let (low, high) = (levels.iter().min().unwrap(), levels.iter().max().unwrap());
        assert!((160..165).contains(low) && (236..=240).contains(high), "{low} {high}");
        let mut orders = std::collections::BTreeSet::new();
        for position in 0..500 {
            let mut random = Seed(3).stream(Purpose::AUGMENT, 0, position);
            let _: f32 = random.random();
            let mut order = [0, 1, 2, 3];
            order.shuffle(&mut random);
            orders.insert(order);
        }
        assert_eq!(orders.len(), 24);
    }

    #[test]
    fn strength_zero_changes_nothing() {
        let config = ColourJitter {
            probability: 1.0,
            brightness: 0.0,
            contrast: 0.0,
            saturation: 0.0,
            hue: 0.0,
        };
        let mut image = test_pattern(16, 16, 3);
        config.apply(&mut image, &mut Seed(1).stream(Purpose::AUGMENT, 0, 0));
        assert_eq!(image, test_pattern(16, 16, 3));
    }
}
