//! Codes times a gate for each channel, as of squeeze-and-excitation.

#![expect(unsafe_code, reason = "the inner loop runs on checked-once pointers")]

use super::ByteGrid;
use super::simd::{InstructionSet, Integer, Kernel};
use super::threads::{for_each_task, shares_wanted};
use crate::rows::{Rows, RowsMut};

/// The codes of values times the gates of their image's channels.
///
/// # Shapes
/// - `x`, `y`: `[images · pixels, channels]`
/// - `gates`: `[images, channels]`
///
/// # Panics
/// When the shapes do not fit.
pub fn scale_codes(
    x: (Rows<'_, u8>, ByteGrid),
    gates: (Rows<'_, u8>, ByteGrid),
    y: (RowsMut<'_, u8>, ByteGrid),
) {
    scale_codes_with(InstructionSet::fastest(), x, gates, y);
}

pub(super) fn scale_codes_with(
    set: InstructionSet,
    (x, x_grid): (Rows<'_, u8>, ByteGrid),
    (gates, gate_grid): (Rows<'_, u8>, ByteGrid),
    (y, grid): (RowsMut<'_, u8>, ByteGrid),
) {
    /// What a code costs, in products.
    const EFFORT: usize = 16;
    let (count, channels, images) = (y.count(), y.channels(), gates.count());
    assert_eq!((x.count(), x.channels()), (count, channels), "shape of what is gated");
    assert_eq!(gates.channels(), channels, "channels of gates");
    assert!(count.is_multiple_of(images.max(1)), "{count} pixels of {images} images");
    let pixels = count.checked_div(images).unwrap_or_default();
    let unit = f64::from(x_grid.step()) * f64::from(gate_grid.step()) / f64::from(grid.step());
    let ends: Vec<usize> = (1..=images).map(|image| image * pixels).collect();
    let effort = count * channels * EFFORT;
    let tasks: Vec<_> = y.split_rows(&ends).into_iter().enumerate().collect();
    let is_shared = shares_wanted(effort) > 1;
    for_each_task(tasks, if is_shared { effort } else { 0 }, |(image, y)| {
        let gate = |code: &u8| i32::from(*code) - i32::from(gate_grid.zero());
        let factors = gates.row(image).iter().map(|code| (unit * f64::from(gate(code))) as f32);
        let factors: Vec<f32> = factors.collect();
        let x = x.range(image * pixels, pixels);
        set.dispatch(Gate { x, zero: x_grid.zero(), factors: &factors, grid, y });
    });
}

struct Gate<'a> {
    x: Rows<'a, u8>,
    zero: u8,
    /// One for each channel.
    factors: &'a [f32],
    grid: ByteGrid,
    y: RowsMut<'a, u8>,
}

impl Kernel for Gate<'_> {
    #[inline(always)]
    fn run<S: Integer>(mut self, simd: S) {
        let (x_zero, zero) = (simd.splat(self.zero.into()), simd.splat(self.grid.zero().into()));
        let (low, top) = (simd.splat(0.0), simd.splat(self.grid.top().into()));
        let (from, to) = (self.x.as_ptr(), self.y.as_mut_ptr());
        let (x_stride, y_stride) = (self.x.stride(), self.y.stride());
        let channels = self.factors.len();
        for row in 0..self.y.count() {
            for channel in (0..channels).step_by(S::LANES) {
                let count = (channels - channel).min(S::LANES);
                // SAFETY: input and output were found to have the row and the channels, of which each has
                // a factor.
                unsafe {
                    let codes = simd.bytes(from.add(row * x_stride + channel), count);
                    let value = simd.sub(simd.to_floats(codes), x_zero);
                    let factor = simd.floats(self.factors.as_ptr().add(channel), count);
                    let value = simd.add(simd.mul(value, factor), zero);
                    let code = simd.round(simd.clamp(value, low, top));
                    simd.store_bytes(to.add(row * y_stride + channel), code, count);
                }
            }
        }
    }
}
