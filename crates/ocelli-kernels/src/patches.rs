//! What windows see of an image at some rectangles of their outputs.
//!
//! When only some pixels of an image change, only a rectangle of each layer's output does. To
//! compute it, a layer wants the pixels that its window sees there, padding included: a *patch*.
//! Patches of many rectangles, of different sizes, stand one after another, so that one product
//! does them all.

use crate::geometry::{Geometry, Window};

/// The patches of some rectangles of outputs.
#[derive(Clone, Copy, Debug)]
pub struct Patches<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) channels: usize,
    pub(crate) windows: [Window; 2],
    pub(crate) outputs: &'a [[usize; 2]],
}

/// One patch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patch {
    /// Its first number.
    pub(crate) start: usize,
    /// From one line of pixels to the next.
    pub(crate) line: usize,
    /// The number of its first output.
    pub(crate) first_output: usize,
    /// Lines of outputs, and outputs per line.
    pub(crate) outputs: [usize; 2],
}

/// Height and width of the patch for a rectangle of `outputs` lines and columns.
///
/// # Panics
/// When the window has no taps, or they are larger than any number.
pub fn patch_size(geometry: Geometry, outputs: [usize; 2]) -> [usize; 2] {
    size([geometry.rows.window, geometry.columns.window], outputs)
}

fn size(windows: [Window; 2], outputs: [usize; 2]) -> [usize; 2] {
    std::array::from_fn(|axis| match outputs[axis] {
        0 => 0,
        count => {
            let reach = windows[axis].reach(count);
            assert!(reach.is_some(), "sizes of patches: {count} of {:?}", windows[axis]);
            reach.unwrap_or_default()
        }
    })
}

/// How many pixels rectangles have together; `None` beyond `usize`.
fn sum_of_areas(mut rectangles: impl Iterator<Item = [usize; 2]>) -> Option<usize> {
    rectangles.try_fold(0_usize, |sum, [height, width]| sum.checked_add(height.checked_mul(width)?))
}

impl<'a> Patches<'a> {
    /// Patches for the windows of a layer.
    ///
    /// # Shapes
    /// - `outputs`: lines and columns of each rectangle
    /// - `data`: for each rectangle `[height, width, channels]`, height and width being its
    ///   [`patch_size`]
    ///
    /// # Panics
    /// When the length of `data` is another, or the window has no taps or no step.
    pub fn new(
        geometry: Geometry,
        channels: usize,
        outputs: &'a [[usize; 2]],
        data: &'a [f32],
    ) -> Self {
        geometry.check(channels, 1);
        let windows = [geometry.rows.window, geometry.columns.window];
        // With a step of a pixel at least there are no more outputs than pixels.
        let pixels = sum_of_areas(outputs.iter().map(|outputs| size(windows, *outputs)));
        let elements = pixels.and_then(|pixels| pixels.checked_mul(channels));
        assert!(elements.is_some(), "sizes of patches: more elements than there can be");
        assert_eq!(Some(data.len()), elements, "length of the patches");
        Self { data, channels, windows, outputs }
    }

    /// How many outputs all rectangles have together.
    pub fn output_pixels(&self) -> usize {
        self.outputs.iter().map(|[lines, columns]| lines * columns).sum()
    }

    /// The patches one after another.
    pub(crate) fn iter(self) -> impl Iterator<Item = Patch> + 'a {
        let (mut start, mut first_output) = (0, 0);
        self.outputs.iter().map(move |outputs| {
            let [height, width] = size(self.windows, *outputs);
            let line = width * self.channels;
            let patch = Patch { start, line, first_output, outputs: *outputs };
            start += height * line;
            first_output += outputs[0] * outputs[1];
            patch
        })
    }

    /// The window of each output.
    #[inline(always)]
    pub(crate) fn windows(self) -> impl Iterator<Item = PatchWindow> + 'a {
        let [down, across] = self.windows;
        let column_distance = across.dilation * self.channels;
        self.iter().flat_map(move |Patch { start, line, outputs: [lines, columns], .. }| {
            (0..lines * columns).map(move |output| PatchWindow {
                start: start
                    + output / columns * down.stride * line
                    + output % columns * across.stride * self.channels,
                line_distance: down.dilation * line,
                column_distance,
                taps: [down.kernel, across.kernel],
            })
        })
    }
}

/// Where the taps of one output stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PatchWindow {
    /// The first number of the first tap.
    pub(crate) start: usize,
    /// From one line of taps to the next.
    pub(crate) line_distance: usize,
    /// From one tap of a line to the next.
    pub(crate) column_distance: usize,
    taps: [usize; 2],
}

impl PatchWindow {
    /// The first number of each tap.
    #[inline(always)]
    pub(crate) fn taps(self) -> impl Iterator<Item = usize> {
        let [lines, columns] = self.taps;
        (0..lines).flat_map(move |line| {
            let start = self.start + line * self.line_distance;
            (0..columns).map(move |column| start + column * self.column_distance)
        })
    }
}

#[cfg(test)]
mod tests;
