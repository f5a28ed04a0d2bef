//! Functions of one value on the kernels of the CPU, without parameters.
//!
//! Plans of training, of inference and of candidates that differ in few pixels all run them through
//! this one trait.

use ocelli_kernels::{Geometry, Patches, Rows, RowsMut, Write};
use std::fmt::Debug;

/// A function of one value, channels last. Its settings are those of a single image; how many there
/// are is told by the rows, or by `batch`.
pub(crate) trait UnaryKernel: Debug + Send + Sync {
    /// What a profile calls it.
    fn label(&self) -> &'static str;

    /// y = f(x)
    fn forward(&self, batch: usize, x: Rows<'_>, y: RowsMut<'_>);

    /// Writes or adds the gradient of `x`.
    fn backward(&self, batch: usize, taped: Taped<'_>, dx: RowsMut<'_>, write: Write);

    /// How a change of input pixels spreads to the result.
    fn spread(&self) -> Spread<'_> {
        Spread::Pixels
    }

    /// What the arithmetic for an image takes, where a dense multiply-add takes one, for so many
    /// elements of the input and of the result.
    fn effort(&self, inputs: f64, outputs: f64) -> f64;
}

/// What a backward pass may read.
#[derive(Clone, Copy)]
pub(crate) struct Taped<'a> {
    pub(crate) x: Rows<'a>,
    pub(crate) y: Rows<'a>,
    pub(crate) dy: Rows<'a>,
}

/// How a change of pixels spreads, and how the changed pixels of the result are computed.
#[derive(Clone, Copy)]
pub(crate) enum Spread<'a> {
    /// Each pixel depends on its own alone: [`UnaryKernel::forward`] takes any pixels.
    Pixels,
    /// To the windows that see it.
    Windows(&'a dyn WindowKernel),
    /// To the one pixel that there is.
    Image(&'a dyn ImageKernel),
    /// Where plans do not follow: the whole result is computed anew.
    Everywhere,
}

/// A kernel that slides a window.
pub(crate) trait WindowKernel {
    fn geometry(&self) -> Geometry;

    /// What stands for pixels beyond the image.
    fn outside(&self) -> f32 {
        0.0
    }

    /// Computes the results of patches of the input; `positions` are row and column of each.
    fn patches(
        &self,
        patches: &Patches<'_>,
        positions: &mut dyn Iterator<Item = [usize; 2]>,
        y: RowsMut<'_>,
    );
}

/// A kernel whose result, of one pixel, depends on the whole image.
pub(crate) trait ImageKernel {
    /// Computes the result for an image that differs in some pixels from one whose result is `old`.
    fn update(&self, image: &dyn Changed, old: &[f32], y: &mut [f32]);
}

/// A value that differs from a base image's in some pixels.
pub(crate) trait Changed {
    fn pixels(&self) -> usize;
    /// Pixels in a line.
    fn width(&self) -> usize;
    /// Calls `visit` for each changed pixel, once for all channels or once for each of several runs
    /// of them.
    fn for_each(&self, visit: &mut dyn FnMut(ChangedPixel<'_>));
}

/// Some neighbouring channels of a changed pixel.
pub(crate) struct ChangedPixel<'a> {
    pub(crate) row: usize,
    pub(crate) column: usize,
    pub(crate) first_channel: usize,
    pub(crate) old: &'a [f32],
    pub(crate) new: &'a [f32],
}

/// What one element takes, where a dense multiply-add in the cache takes one. Measured with AVX-512;
/// within a factor of two is enough.
pub(crate) mod effort {
    /// An element that is read, changed and written.
    pub(crate) const SINGLE: f64 = 8.0;
    /// An element that is put elsewhere.
    pub(crate) const SCATTERED: f64 = 64.0;
    /// An element whose neighbours are summed and raised to a power.
    pub(crate) const RESPONSE: f64 = 240.0;
    /// A tap of a pooling.
    pub(crate) const POOLING: f64 = 16.0;
}
