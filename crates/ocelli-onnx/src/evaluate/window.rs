//! Windows that slide over an axis.

use super::settings::Settings;
use crate::Result;
use std::ops::Range;

/// A window on one axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct AxisWindow {
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) dilation: usize,
    before: usize,
    input: usize,
    pub(super) output: usize,
}

impl AxisWindow {
    /// The windows in rows and columns of an operation on maps of `size`.
    pub(super) fn pair(settings: Settings<'_>, size: [usize; 2]) -> Result<[Self; 2]> {
        let kernel = settings.ints::<2>("kernel_shape")?;
        let stride = settings.ints::<2>("strides")?;
        let pads = settings.ints::<4>("pads")?;
        let dilation = settings.list("dilations").unwrap_or_else(|| vec![1, 1]);
        let axis = |axis: usize| -> Result<Self> {
            let (before, after) = (pads[axis], pads[axis + 2]);
            let (kernel, stride, dilation) = (kernel[axis], stride[axis], dilation[axis]);
            let extent = dilation * kernel.saturating_sub(1) + 1;
            let room = (before + size[axis] + after).checked_sub(extent);
            let room = room.filter(|_| stride > 0 && kernel > 0);
            let output = room.map(|room| room / stride + 1);
            let output = output.ok_or_else(|| settings.wrong("its window does not fit"))?;
            Ok(Self { kernel, stride, dilation, before, input: size[axis], output })
        };
        Ok([axis(0)?, axis(1)?])
    }

    /// The outputs for which a tap lies on the input.
    pub(super) fn outputs(&self, tap: usize) -> Range<usize> {
        let shift = tap * self.dilation;
        let first = self.before.saturating_sub(shift).div_ceil(self.stride);
        let end = (self.input + self.before).saturating_sub(shift).div_ceil(self.stride);
        first..end.clamp(first, self.output.max(first))
    }

    /// The input under a tap of an output that [`outputs`](Self::outputs) holds.
    pub(super) fn source(&self, output: usize, tap: usize) -> usize {
        output * self.stride + tap * self.dilation - self.before
    }
}
