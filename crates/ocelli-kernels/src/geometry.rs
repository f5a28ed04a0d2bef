//! Where the taps of a sliding window fall.

/// A window on one axis of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How many taps.
    pub kernel: usize,
    /// The step from one place of the window to the next.
    pub stride: usize,
    /// The distance of taps.
    pub dilation: usize,
    /// How many zeros stand before the image. Those after it follow from the output's size.
    pub before: usize,
}

/// A sliding window with the sizes that it maps to each other, on one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// The window.
    pub window: Window,
    /// Pixels of the input.
    pub input: usize,
    /// Pixels of the output.
    pub output: usize,
}

/// The sizes of a convolution or pooling over a batch of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// How many images.
    pub batch: usize,
    /// Height.
    pub rows: Axis,
    /// Width.
    pub columns: Axis,
}

impl Axis {
    /// The pixel of the input that tap `tap` of output `output` falls on, if it is not padding.
    pub fn source(self, output: usize, tap: usize) -> Option<usize> {
        let window = self.window;
        (output * window.stride + tap * window.dilation)
            .checked_sub(window.before)
            .filter(|source| *source < self.input)
    }

    /// The output whose tap `tap` falls on pixel `input` of the input, if there is one.
    pub fn target(self, input: usize, tap: usize) -> Option<usize> {
        let window = self.window;
        let from = (input + window.before).checked_sub(tap * window.dilation)?;
        let output = from / window.stride;
        (from.is_multiple_of(window.stride) && output < self.output).then_some(output)
    }
}

impl Geometry {
    /// How many pixels the inputs have.
    pub fn input_pixels(self) -> usize {
        self.batch * self.rows.input * self.columns.input
    }

    /// How many pixels the outputs have.
    pub fn output_pixels(self) -> usize {
        self.batch * self.rows.output * self.columns.output
    }

    /// How many taps the window has.
    pub fn taps(self) -> usize {
        self.rows.window.kernel * self.columns.window.kernel
    }

    /// Whether the window is one pixel that visits every pixel once.
    pub fn is_pointwise(self) -> bool {
        let trivial = |axis: Axis| {
            axis.window.kernel == 1
                && axis.window.stride == 1
                && axis.window.before == 0
                && axis.input == axis.output
        };
        trivial(self.rows) && trivial(self.columns)
    }
}
