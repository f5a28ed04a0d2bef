//! Where the taps of a sliding window fall.

/// A window on one axis of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How many taps.
    pub kernel: usize,
    /// The step from one position of the window to the next.
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

impl Window {
    /// From the first to the last pixel that the window meets at `positions` positions, both included;
    /// `None` for no positions, for a window without taps, and beyond `usize`.
    pub(crate) fn reach(self, positions: usize) -> Option<usize> {
        let positions = positions.checked_sub(1)?.checked_mul(self.stride)?;
        let taps = self.kernel.checked_sub(1)?.checked_mul(self.dilation)?;
        positions.checked_add(taps)?.checked_add(1)
    }
}

impl Axis {
    /// More pixels than any sum of positions, steps and paddings comes to; `None` beyond `usize`.
    fn bound(self) -> Option<usize> {
        let reach = self.window.reach(self.output.checked_add(1)?)?;
        reach.checked_add(self.input)?.checked_add(self.window.before)
    }

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

    /// Refuses what no layer has, so that nothing which kernels compute from the sizes wraps around:
    /// windows without taps or steps, and sizes whose products are beyond `usize`.
    ///
    /// # Panics
    /// When the sizes are such.
    pub(crate) fn check(self, in_channels: usize, out_channels: usize) {
        let fits = self.has_products(in_channels, out_channels);
        assert!(fits, "sizes of a layer: {self:?}, {in_channels} to {out_channels} channels");
    }

    fn has_products(self, in_channels: usize, out_channels: usize) -> bool {
        let Self { batch, rows, columns } = self;
        let (Some(height), Some(width)) = (rows.bound(), columns.bound()) else { return false };
        let most = in_channels.max(out_channels);
        let products = [
            [most, batch, rows.input, columns.input],
            [most, batch, rows.output, columns.output],
            [most, 1, height, width],
            [in_channels, out_channels, rows.window.kernel, columns.window.kernel],
        ];
        // A factor of zero must not hide that others are too large.
        let fits = |factors: [usize; 4]| {
            factors.iter().try_fold(1_usize, |all, factor| all.checked_mul((*factor).max(1)))
        };
        let steps = rows.window.stride.min(columns.window.stride);
        steps > 0 && products.into_iter().all(|factors| fits(factors).is_some())
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
