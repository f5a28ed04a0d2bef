//! Models that are nothing but a function.

use super::{Candidates, Classifier, Session, batch_size};
use crate::{Error, Result};
use ocelli_data::Image;

/// Any model, as a function from batches of images to probabilities. What it is attacked on may be of any
/// size and number of channels ([`Pictures::as_they_are`](crate::one_pixel::Pictures::as_they_are)).
///
/// ```
/// use ocelli_methods::one_pixel::{BlackBox, Candidates, Classifier};
///
/// // Grey images of two pixels, light or dark by their mean.
/// let light = |images: &[f32], count: usize| {
///     let of = |image: &[f32]| (image[0] + image[1]) / 510.0;
///     Ok(images.chunks(images.len() / count).flat_map(|image| [1.0 - of(image), of(image)]).collect())
/// };
/// let mut model = BlackBox::new(2, [1, 1, 2], light);
/// let image = ocelli_data::Image { width: 2, height: 1, channels: 1, pixels: vec![255, 255] };
/// let mut itself = Candidates::new(1);
/// itself.push(&[]);
/// let mut probabilities = [0.0; 2];
/// model.begin(&image)?.probabilities(&itself, &mut probabilities)?;
/// assert_eq!(probabilities, [0.0, 1.0]);
/// # Ok::<(), ocelli_methods::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct BlackBox<F> {
    classes: usize,
    shape: [usize; 3],
    model: F,
}

impl<F: FnMut(&[f32], usize) -> Result<Vec<f32>>> BlackBox<F> {
    /// A model of `classes` classes for images of `shape`, `[channels, height, width]`.
    ///
    /// # Shapes
    /// - `model` takes `[count, height, width, channels]`, values 0 to 255, and the count
    /// - and gives `[count, classes]`, the probabilities
    pub fn new(classes: usize, shape: [usize; 3], model: F) -> Self {
        Self { classes, shape, model }
    }
}

impl<F: FnMut(&[f32], usize) -> Result<Vec<f32>>> Classifier for BlackBox<F> {
    fn classes(&self) -> usize {
        self.classes
    }

    fn shape(&self) -> [usize; 3] {
        self.shape
    }

    fn begin<'a>(&'a mut self, image: &'a Image) -> Result<Box<dyn Session + 'a>> {
        Ok(Box::new(BlackBoxSession { model: self, image }))
    }
}

struct BlackBoxSession<'a, F> {
    model: &'a mut BlackBox<F>,
    image: &'a Image,
}

impl<F: FnMut(&[f32], usize) -> Result<Vec<f32>>> Session for BlackBoxSession<'_, F> {
    fn probabilities(&mut self, candidates: &Candidates, probabilities: &mut [f64]) -> Result<()> {
        let base: Vec<f32> = self.image.pixels.iter().map(|byte| f32::from(*byte)).collect();
        let (width, channels) = (self.image.width as usize, usize::from(self.image.channels));
        let batch = batch_size(base.len());
        let rows = probabilities.chunks_mut(batch * self.model.classes);
        for (index, rows) in rows.enumerate() {
            let first = index * batch;
            let count = (candidates.len() - first).min(batch);
            let mut images = base.repeat(count);
            for (candidate, image) in images.chunks_exact_mut(base.len()).enumerate() {
                for ([x, y], values) in candidates.changes(first + candidate) {
                    let at = (y as usize * width + x as usize) * channels;
                    image[at..at + channels].copy_from_slice(values);
                }
            }
            let found = (self.model.model)(&images, count)?;
            if found.len() != rows.len() {
                let (found, expected) = (found.len(), rows.len());
                return Err(Error::Probabilities { found, expected });
            }
            rows.iter_mut().zip(found).for_each(|(to, from)| *to = f64::from(from));
        }
        Ok(())
    }
}
