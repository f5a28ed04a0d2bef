//! The image that is attacked: noise of whose class the network is certain, so that no evolution
//! reaches its aim and ends before the others do.

use anyhow::Context;
use ocelli::data::{Image, Payload, Record, Source};
use ocelli::methods::one_pixel::{Candidates, Classifier, argmax};
use ocelli::random::{Permutation, Seed};
use std::fs;
use std::path::Path;

/// How many images of noise are looked at.
const LOOKED_AT: u64 = 16;

/// How many candidates warm a classifier up.
const WARM_UP: usize = 32;

/// The image, as a dataset of one.
#[derive(Clone, Debug)]
pub(super) struct Certain {
    image: Image,
    classes: Vec<String>,
    /// The class that the network gives to it.
    pub(super) label: u32,
    /// The probability of every class.
    pub(super) probabilities: Vec<f64>,
}

impl Certain {
    /// The image of the largest probability among several.
    ///
    /// # Errors
    /// When the model fails.
    pub(super) fn among_noise(
        classifier: &mut dyn Classifier,
        seed: u64,
    ) -> ocelli::methods::Result<Self> {
        let shape = classifier.shape();
        let mut best = Self::new(classifier, noise(shape, seed, 0))?;
        for number in 1..LOOKED_AT {
            let next = Self::new(classifier, noise(shape, seed, number))?;
            if next.probability() > best.probability() {
                best = next;
            }
        }
        Ok(best)
    }

    fn new(classifier: &mut dyn Classifier, image: Image) -> ocelli::methods::Result<Self> {
        let classes: Vec<String> = (0..classifier.classes()).map(|it| it.to_string()).collect();
        let mut itself = Candidates::new(classifier.shape()[0]);
        itself.push(&[]);
        let mut probabilities = vec![0.0; classes.len()];
        classifier.begin(&image)?.probabilities(&itself, &mut probabilities)?;
        let label = argmax(&probabilities) as u32;
        Ok(Self { image, classes, label, probabilities })
    }

    fn probability(&self) -> f64 {
        self.probabilities[self.label as usize]
    }

    /// Evaluates some candidates, so that the buffers of `classifier` are there.
    ///
    /// # Errors
    /// When the model fails.
    pub(super) fn warm_up(&self, classifier: &mut dyn Classifier) -> ocelli::methods::Result<()> {
        let [channels, ..] = classifier.shape();
        let mut candidates = Candidates::new(channels);
        (0..WARM_UP).for_each(|_| candidates.push(&[]));
        let mut probabilities = vec![0.0; WARM_UP * classifier.classes()];
        classifier.begin(&self.image)?.probabilities(&candidates, &mut probabilities)
    }

    /// Writes the bytes of its pixels, row by row.
    ///
    /// # Errors
    /// When they cannot be written.
    #[expect(clippy::disallowed_methods, reason = "into a temporary folder")]
    pub(super) fn save(&self, path: &Path) -> anyhow::Result<()> {
        fs::write(path, &self.image.pixels).with_context(|| path.display().to_string())
    }
}

impl Source for Certain {
    fn len(&self) -> u64 {
        1
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn read(&self, index: u64) -> ocelli::data::Result<Record> {
        if index > 0 {
            return Err(ocelli::data::Error::OutOfBounds { index, len: 1 });
        }
        Ok(Record {
            name: "noise".to_owned(),
            label: Some(self.label),
            others: Vec::new(),
            payload: Payload::Pixels(self.image.clone()),
        })
    }
}

/// Image `number` of those that a seed gives: every byte is as frequent.
fn noise([channels, height, width]: [usize; 3], seed: u64, number: u64) -> Image {
    let count = (channels * height * width) as u64;
    let order = Permutation::new(Seed(seed), number, count);
    let pixels = (0..count).filter_map(|index| order.get(index)).map(|value| value as u8).collect();
    Image { width: width as u32, height: height as u32, channels: channels as u8, pixels }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocelli::methods::one_pixel::BlackBox;

    #[test]
    fn the_network_is_surest_of_the_image_that_is_chosen() {
        // Light or dark, by the first value alone.
        let by_first = |images: &[f32], count: usize| {
            let of = |image: &[f32]| image[0] / 255.0;
            Ok(images
                .chunks(images.len() / count)
                .flat_map(|image| [of(image), 1.0 - of(image)])
                .collect())
        };
        let mut model = BlackBox::new(2, [3, 8, 8], by_first);
        let chosen = Certain::among_noise(&mut model, 5).unwrap();
        let sure = |image: &Image| {
            let light = f64::from(image.pixels[0]) / 255.0;
            light.max(1.0 - light)
        };
        let most = (0..LOOKED_AT).map(|it| sure(&noise([3, 8, 8], 5, it))).fold(0.0, f64::max);
        assert!((chosen.probability() - most).abs() < 1e-6 && most > 0.8);
        assert_eq!(chosen.label, u32::from(chosen.image.pixels[0] < 128));
        assert_eq!(chosen.classes().len(), 2);
        assert!(chosen.read(0).is_ok() && chosen.read(1).is_err());
        chosen.warm_up(&mut model).unwrap();
    }

    #[test]
    fn noise_has_every_byte_as_often() {
        let image = noise([3, 16, 16], 0, 0);
        let mut counts = [0; 256];
        image.pixels.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
        assert_eq!(counts, [3; 256]);
        assert_ne!(image, noise([3, 16, 16], 0, 1));
    }
}
