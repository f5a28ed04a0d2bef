//! From one picture to the values that a model sees.

mod colours;
mod config;
mod draw;
mod eval;
mod frame;
mod normalise;
mod planes;
#[cfg(test)]
mod tests;
mod train;

pub use config::{EvalConfig, InputConfig, TrainConfig, TrainCrop};
pub use eval::EvalTransform;
pub use train::TrainTransform;

use crate::augment::flip_horizontal;
use crate::decode::PlaneDecoder;
use crate::{Image, Payload, Result};
use colours::mix_colours;
use fast_image_resize::Resizer;
use normalise::{Input, Normalise, ScaleAndOffset};
use ocelli_random::ChaCha8Rng;
use planes::PlaneResizer;

/// Turns a picture into normalised values, written where the batch wants them.
///
/// A transform has no state of its own that changes: what it does depends on the picture and the
/// random stream alone.
pub trait Transform: Send + Sync {
    /// `[channels, height, width]` of what is written.
    fn shape(&self) -> [usize; 3];

    /// The pixels of `picture`, so that several views can be made of it without decoding it for each.
    /// [`apply`](Self::apply) may draw encoded pictures in other ways, so that its result differs a
    /// little.
    ///
    /// # Errors
    /// When the picture cannot be decoded.
    fn decode(&self, picture: Payload) -> Result<Payload>;

    /// Decodes and transforms `picture` into `output`, which has as many elements as
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
    decoder: PlaneDecoder,
    resizer: Resizer,
    planes: PlaneResizer,
    /// The picture at input size, if it is not in `planes`.
    canvas: Image,
    /// A resized picture that does not fill the canvas.
    part: Vec<u8>,
    drawn: Drawn,
}

/// Where the picture is that was drawn last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drawn {
    /// On the canvas.
    Pixels,
    /// In planes of luma and chroma, still to be mixed.
    Planes,
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            decoder: PlaneDecoder::default(),
            resizer: Resizer::new(),
            planes: PlaneResizer::default(),
            canvas: Image { width: 0, height: 0, channels: 3, pixels: Vec::new() },
            part: Vec::new(),
            drawn: Drawn::Pixels,
        }
    }
}

impl Scratch {
    /// The picture as pixels, which can be changed.
    fn pixels(&mut self) -> &mut Image {
        if self.drawn == Drawn::Planes {
            let [luma, chroma @ ..] = &self.planes.resized;
            mix_colours(luma, chroma, &mut self.canvas.pixels);
            self.drawn = Drawn::Pixels;
        }
        &mut self.canvas
    }

    /// Writes the picture, mirrored if `flip` says so.
    ///
    /// # Shapes
    /// - `output`: `[channels, height, width]`
    fn write(&mut self, scale_and_offset: ScaleAndOffset, flip: bool, output: &mut [f32]) {
        let width = (self.canvas.width as usize).max(1);
        let input = match (self.drawn, self.canvas.channels) {
            (Drawn::Planes, _) => {
                if flip {
                    let rows = self.planes.resized.iter_mut();
                    rows.flat_map(|plane| plane.chunks_exact_mut(width)).for_each(<[u8]>::reverse);
                }
                let [luma, blue, red] = &self.planes.resized;
                Input::Planes([luma, blue, red])
            }
            (Drawn::Pixels, channels) => {
                if flip {
                    flip_horizontal(&mut self.canvas);
                }
                let pixels = &self.canvas.pixels;
                if channels == 1 { Input::Grey(pixels) } else { Input::Colour(pixels) }
            }
        };
        Normalise { input, scale_and_offset, output }.run();
    }
}
