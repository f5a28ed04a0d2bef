//! The products of a block of image rows.

#![expect(unsafe_code, reason = "the inner loops run on checked-once pointers")]

use crate::gemm::{AcrossRows, Tile, tiles};
use crate::geometry::Geometry;
use crate::rows::Rows;
use crate::simd::{Kernel, Simd};
use std::ops::Range;

/// From the first to the last column that any window touches, padding included.
pub(super) fn padded_width(geometry: Geometry) -> usize {
    let window = geometry.columns.window;
    (geometry.columns.output - 1) * window.stride + (window.kernel - 1) * window.dilation + 1
}

/// Rows of x no further apart than this, in elements, may be read in place: rows a power of two apart
/// would meet in few sets of the first cache.
const NEAR: usize = 64;

/// Adds to `sums` the products of one image's output rows `outputs`.
pub(super) struct Block<'a> {
    pub(super) geometry: Geometry,
    /// One image, `[input pixels, channels]`.
    pub(super) x: Rows<'a>,
    /// The image rows `outputs`, `[pixels, out channels]`.
    pub(super) dy: Rows<'a>,
    pub(super) outputs: Range<usize>,
    /// The image rows of x that the windows touch.
    pub(super) inputs: Range<usize>,
    /// Room for them, `[rows, padded width, channels]`.
    pub(super) packed: &'a mut [f32],
    /// `[out channels, taps, channels]`
    pub(super) sums: &'a mut [f32],
}

impl Kernel for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let Geometry { rows, columns, .. } = self.geometry;
        let (channels, width) = (self.x.channels(), padded_width(self.geometry));
        let (taps, out_channels) = (self.geometry.taps(), self.dy.channels());
        assert_eq!(self.dy.count(), self.outputs.len() * columns.output, "pixels of a block");
        assert_eq!(self.packed.len(), self.inputs.len() * width * channels, "room for a block");
        assert_eq!(self.sums.len(), out_channels * taps * channels, "sums of a block");
        // Where no taps need to stand side by side, x can stay where it is.
        let window = columns.window;
        let in_place = window.kernel == 1
            && window.before == 0
            && width <= columns.input
            && self.x.stride() <= NEAR;
        let (x, x_pixel, x_line) = if in_place {
            let first = self.inputs.start * columns.input;
            let from = self.x.range(first, self.inputs.len() * columns.input).as_ptr();
            (from, self.x.stride(), columns.input * self.x.stride())
        } else {
            self.pack(simd);
            (self.packed.as_ptr(), channels, width * channels)
        };

        let run = if columns.window.dilation == 1 { columns.window.kernel } else { 1 };
        for tap_row in 0..rows.window.kernel {
            let inside = |output: &usize| rows.source(*output, tap_row).is_some();
            let Some(first) = self.outputs.clone().find(inside) else { continue };
            let lines = (first..self.outputs.end).take_while(inside).count();
            let Some(source) = rows.source(first, tap_row) else { continue };
            let line = (source - self.inputs.start) * x_line;
            let dy = (first - self.outputs.start) * columns.output * self.dy.stride();
            for tap in (0..columns.window.kernel).step_by(run) {
                let start = line + tap * columns.window.dilation * x_pixel;
                let sum = (tap_row * columns.window.kernel + tap) * channels;
                for column in (0..run * channels).step_by(2 * S::LANES) {
                    // C is dw, A dy turned round, B the windows of x; a run is an image row.
                    let tile = Tile {
                        depth: columns.output,
                        a: self.dy.as_ptr().wrapping_add(dy),
                        a_stride: self.dy.stride(),
                        runs: lines,
                        a_run: columns.output * self.dy.stride(),
                        b: x.wrapping_add(start + column),
                        b_step: columns.window.stride * x_pixel,
                        b_run: rows.window.stride * x_line,
                        c: self.sums.as_mut_ptr().wrapping_add(sum + column),
                        c_row: taps * channels,
                        accumulate: true,
                    };
                    // SAFETY: `lines` rows of dy from `first` on are in the block, their windows'
                    // rows in `inputs`, and their windows' columns within the padded width; the
                    // sums were checked above.
                    unsafe {
                        tiles::<S, AcrossRows>(simd, &tile, out_channels, run * channels - column);
                    }
                }
            }
        }
    }
}

impl Block<'_> {
    /// Copies the input's rows, zeros where they are padded.
    #[inline(always)]
    fn pack<S: Simd>(&mut self, simd: S) {
        let columns = self.geometry.columns;
        let (channels, stride) = (self.x.channels(), self.x.stride());
        let width = padded_width(self.geometry);
        let first = columns.window.before.min(width);
        let count = columns.input.min(width - first);
        for (row, packed) in self.inputs.clone().zip(self.packed.chunks_exact_mut(width * channels))
        {
            let (before, rest) = packed.split_at_mut(first * channels);
            let (inside, after) = rest.split_at_mut(count * channels);
            before.fill(0.0);
            after.fill(0.0);
            let from = self.x.range(row * columns.input, count);
            assert_eq!(from.count(), count, "pixels of a row");
            if let Some(values) = from.dense_range(0, count) {
                inside.copy_from_slice(values);
                continue;
            }
            let (from, to) = (from.as_ptr(), inside.as_mut_ptr());
            for pixel in 0..count {
                for channel in (0..channels).step_by(S::LANES) {
                    let part = simd.part(channels - channel);
                    // SAFETY: `from` has `count` rows of `channels`, and `inside` is as long.
                    unsafe {
                        let value = simd.load_part(from.add(pixel * stride + channel), part);
                        simd.store_part(to.add(pixel * channels + channel), part, value);
                    }
                }
            }
        }
    }
}
