//! Windows that slide over images.

use super::shape::Shape;
use crate::{Error, Result};
use ocelli_kernels::{Axis, Geometry};

/// How an image is extended with zeros before a window slides over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// The same number of zeros on both sides: rows, columns.
    Symmetric([usize; 2]),
    /// TensorFlow's 'SAME': as many zeros as make the result ⌈size / stride⌉, the odd one after.
    Same,
}

impl Padding {
    /// Zeros before and after an axis (0 rows, 1 columns) of `size`.
    ///
    /// # Panics
    /// When the window has no taps or no step.
    pub fn amounts(self, axis: usize, size: usize, window: Window) -> (usize, usize) {
        match self {
            Self::Symmetric(padding) => (padding[axis], padding[axis]),
            Self::Same => {
                let steps = size.div_ceil(window.stride).saturating_sub(1);
                let total = (steps * window.stride + window.extent()).saturating_sub(size);
                (total / 2, total - total / 2)
            }
        }
    }
}

/// A window on one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How many taps.
    pub kernel: usize,
    /// The step.
    pub stride: usize,
    /// The distance of taps.
    pub dilation: usize,
}

impl Window {
    /// From the first tap to the last, both included.
    ///
    /// # Panics
    /// When there are no taps.
    pub fn extent(self) -> usize {
        self.dilation * (self.kernel - 1) + 1
    }
}

/// A pooling window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Height and width of the window.
    pub kernel: [usize; 2],
    /// The step in rows and columns.
    pub stride: [usize; 2],
    /// Symmetric padding in rows and columns; padding never is the maximum and counts in no mean.
    pub padding: [usize; 2],
}

impl Pool {
    /// The window on an axis (0 rows, 1 columns).
    pub fn window(&self, axis: usize) -> Window {
        Window { kernel: self.kernel[axis], stride: self.stride[axis], dilation: 1 }
    }

    pub(super) fn output_shape(self, layer: &str, input: Shape) -> Result<Shape> {
        let windows = [self.window(0), self.window(1)];
        slide(layer, input, Padding::Symmetric(self.padding), windows, input.channels)
    }

    pub(crate) fn geometry(self, shapes: [Shape; 2]) -> Geometry {
        let windows = [self.window(0), self.window(1)];
        geometry(1, shapes, Padding::Symmetric(self.padding), windows)
    }
}

/// The shape of what a window makes of an image.
pub(super) fn slide(
    layer: &str,
    input: Shape,
    padding: Padding,
    windows: [Window; 2],
    channels: usize,
) -> Result<Shape> {
    let is_empty = |window: &Window| [window.kernel, window.stride, window.dilation].contains(&0);
    if windows.iter().any(is_empty) {
        return Err(input.refuse(layer, "its kernel, stride or dilation is zero"));
    }
    let axis = |axis: usize, size: usize| -> Result<usize, Error> {
        let (before, after) = padding.amounts(axis, size, windows[axis]);
        let room = (before + size + after).checked_sub(windows[axis].extent());
        room.filter(|_| size > 0).map(|room| room / windows[axis].stride + 1).ok_or_else(|| {
            input.refuse(layer, format!("its window spans {} pixels", windows[axis].extent()))
        })
    };
    Ok(Shape { channels, height: axis(0, input.height)?, width: axis(1, input.width)? })
}

/// How a window slides from images of one shape to images of another.
pub(crate) fn geometry(
    batch: usize,
    [input, output]: [Shape; 2],
    padding: Padding,
    windows: [Window; 2],
) -> Geometry {
    let axis = |axis: usize, input: usize, output: usize| {
        let Window { kernel, stride, dilation } = windows[axis];
        let (before, _) = padding.amounts(axis, input, windows[axis]);
        Axis { window: ocelli_kernels::Window { kernel, stride, dilation, before }, input, output }
    };
    Geometry {
        batch,
        rows: axis(0, input.height, output.height),
        columns: axis(1, input.width, output.width),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_padding_puts_the_odd_zero_after() {
        let window = Window { kernel: 3, stride: 2, dilation: 1 };
        assert_eq!(Padding::Same.amounts(0, 224, window), (0, 1));
        assert_eq!(Padding::Same.amounts(0, 225, window), (1, 1));
        let window = Window { stride: 1, ..window };
        assert_eq!(Padding::Same.amounts(0, 7, window), (1, 1));
    }

    #[test]
    fn a_window_that_does_not_fit_is_refused_by_name() {
        let input = Shape { channels: 4, height: 2, width: 9 };
        let pool = Pool { kernel: [3, 3], stride: [1, 1], padding: [0, 0] };
        let message = pool.output_shape("pool", input).map_err(|e| e.to_string());
        assert_eq!(
            message,
            Err("layer `pool` cannot take an input of shape [4, 2, 9]: its window spans 3 pixels"
                .to_owned())
        );
    }
}
