//! From one picture to the numbers that a model sees.

mod config;
mod draw;
mod eval;
mod frame;
mod normalise;
#[cfg(test)]
mod tests;
mod train;

pub use config::{CropMode, EvalConfig, InputConfig, TrainConfig, TrainCrop};
pub use eval::EvalTransform;
pub use train::TrainTransform;

use crate::{Image, Payload, Result};
use fast_image_resize::Resizer;
use ocelli_random::ChaCha8Rng;

/// Turns a picture into normalised numbers, written where the batch wants them.
///
/// A transform has no state of its own that changes: what it does depends on the picture and the
/// random stream alone.
pub trait Transform: Send + Sync {
    /// `[channels, height, width]` of what is written.
    fn shape(&self) -> [usize; 3];

    /// Decodes and transforms `picture` into `output`, which has as many numbers as
    /// [`shape`](Self::shape) says and holds arbitrary ones before.
    ///
    /// # Errors
    /// When the picture cannot be decoded.
    fn apply(
        &self,
        picture: &Payload,
        random: &mut ChaCha8Rng,
        scratch: &mut Scratch,
        output: &mut [f32],
    ) -> Result<()>;
}

/// Buffers of one worker that live from picture to picture.
#[derive(Debug)]
pub struct Scratch {
    resizer: Resizer,
    /// The picture at input size.
    canvas: Image,
    /// A resized picture that does not fill the canvas.
    part: Vec<u8>,
}

impl Default for Scratch {
    fn default() -> Self {
        let canvas = Image { width: 0, height: 0, channels: 3, pixels: Vec::new() };
        Self { resizer: Resizer::new(), canvas, part: Vec::new() }
    }
}
