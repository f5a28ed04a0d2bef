//! What an attack asks of a model: probabilities, and gradients where it may see inside.

mod black_box;
mod candidates;
mod compiled;
mod delta;
mod dense;
mod gradient;
mod inference;
mod normalised;

pub use black_box::BlackBox;
pub use candidates::Candidates;
pub use compiled::Compiled;
pub use delta::Delta;
pub use dense::Dense;
pub use inference::Inference;

use crate::{Error, Result};
use ocelli_data::Image;

/// A model that is attacked.
pub trait Classifier {
    /// How many classes it tells apart.
    fn classes(&self) -> usize;

    /// `[channels, height, width]` of the images that it takes.
    fn shape(&self) -> [usize; 3];

    /// Begins with an image, around which candidates will be asked for.
    ///
    /// # Errors
    /// When it takes no such image.
    fn begin<'a>(&'a mut self, image: &'a Image) -> Result<Box<dyn Session + 'a>>;
}

/// A model that looks at one image and changes of it.
pub trait Session {
    /// The probability of each class for each candidate. One without changes is the image itself.
    ///
    /// The probabilities of a candidate do not depend on those beside it.
    ///
    /// # Shapes
    /// - `probabilities`: `[candidates, classes]`
    ///
    /// # Errors
    /// When the model fails.
    fn probabilities(&mut self, candidates: &Candidates, probabilities: &mut [f64]) -> Result<()>;

    /// How the cross-entropy of `class` changes with each value of the image, 0 to 255, up to a positive
    /// factor.
    ///
    /// # Shapes
    /// - result: `[height, width, channels]`
    ///
    /// # Errors
    /// [`Error::NoGradient`] where the model is not known from inside.
    fn gradient(&mut self, class: u32) -> Result<Vec<f32>> {
        let _ = class;
        Err(Error::NoGradient)
    }
}

/// How many images of so many elements are computed at once: enough to keep all threads busy, few enough
/// to stay below about 64 MiB.
fn batch_size(elements: usize) -> usize {
    const ELEMENTS: usize = 16 * 1024 * 1024;
    const MOST: usize = 1024;
    (ELEMENTS / elements.max(1)).clamp(1, MOST)
}
