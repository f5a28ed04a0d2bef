//! Depthwise convolutions: each channel has a kernel of its own.
//!
//! ```text
//! y[p, c] = Σ_t  w[c, t] · x[source(p, t), c]               forward
//! dx[q, c] = Σ_t  w[c, t] · dy[target(q, t), c]             data gradient
//! dw[c, t] = Σ_p  dy[p, c] · x[source(p, t), c]             weight gradient
//! ```
//!
//! Channels are the vector axis. The first two lines are one and the same sum with another table
//! of which pixel meets which tap ([`taps`]), so one kernel serves both, for any stride, dilation
//! and padding. Up to eight neighbouring pixels share each load of a weight.

mod patches;
mod slide;
mod taps;
mod weight;

use crate::blocks::{for_each_block, sum_blocks};
use crate::elementwise::Write;
use crate::finish::Finish;
use crate::geometry::Geometry;
use crate::norm::Statistics;
use crate::rows::{Rows, RowsMut};
use crate::scratch::with_scratch;
use crate::simd::dispatch;
use slide::Slide;
use taps::Table;
use weight::SumProducts;

/// The sizes of a depthwise convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depthwise {
    /// How the window slides.
    pub geometry: Geometry,
    /// Channels of input and output.
    pub channels: usize,
}

/// The weight of a depthwise convolution in the order in which the kernel reads it.
#[derive(Clone, Debug)]
pub struct PackedDepthwise {
    /// For one image.
    layer: Depthwise,
    /// `[taps, channels]`
    weight: Vec<f32>,
    rows: Table,
    columns: Table,
}

/// How many elements of the output a block holds at least.
const BLOCK_VALUES: usize = 16 * 1024;

impl Depthwise {
    /// Kernels stand as `[channels, taps]` in memory; vectors want `[taps, channels]`.
    fn with_taps_first<R>(self, weight: &[f32], use_it: impl FnOnce(&[f32]) -> R) -> R {
        let taps = self.geometry.taps();
        assert_eq!(weight.len(), self.channels * taps, "length of a depthwise weight");
        with_scratch(weight.len(), |ordered| {
            for (channel, kernel) in weight.chunks_exact(taps).enumerate() {
                for (tap, value) in kernel.iter().enumerate() {
                    ordered[tap * self.channels + channel] = *value;
                }
            }
            use_it(ordered)
        })
    }

    /// The same for a single image: what a packed weight is made for, whatever the batch.
    fn of_one_image(self) -> Self {
        Self { geometry: Geometry { batch: 1, ..self.geometry }, ..self }
    }

    /// Refuses a weight whose order or positions of taps are those of another layer.
    fn check_packed(self, packed: &PackedDepthwise) {
        assert_eq!(packed.layer, self.of_one_image(), "layer of a packed depthwise weight");
    }

    fn check(self, x: (usize, usize), y: (usize, usize)) {
        self.geometry.check(self.channels, 1);
        let input = (self.geometry.input_pixels(), self.channels);
        assert_eq!(x, input, "input of a depthwise convolution");
        let output = (self.geometry.output_pixels(), self.channels);
        assert_eq!(y, output, "output of a depthwise convolution");
    }

    /// Computes `y`, and the statistics of its channels if wanted.
    ///
    /// # Shapes
    /// - `x`: `[input pixels, channels]`, `weight`: `[channels, taps]`
    /// - `y`: `[output pixels, channels]`
    ///
    /// # Panics
    /// When a shape differs from these, or the window has no taps or no step.
    pub fn forward(
        self,
        x: Rows<'_>,
        weight: &[f32],
        y: RowsMut<'_>,
        statistics: Option<&mut Statistics>,
    ) {
        self.check((x.count(), x.channels()), (y.count(), y.channels()));
        let rows = Table::of_outputs(self.geometry.rows);
        let columns = Table::of_outputs(self.geometry.columns);
        self.slide(x, weight, [&rows, &columns], y, Write::Replace, statistics);
    }

    /// Arranges a weight and the positions of its taps for [`infer`](Self::infer), once for all.
    ///
    /// # Shapes
    /// - `weight`: `[channels, taps]`
    ///
    /// # Panics
    /// When the length differs, or the window has no taps or no step.
    pub fn pack(self, weight: &[f32]) -> PackedDepthwise {
        self.geometry.check(self.channels, 1);
        PackedDepthwise {
            layer: self.of_one_image(),
            weight: self.with_taps_first(weight, <[f32]>::to_vec),
            rows: Table::of_outputs(self.geometry.rows),
            columns: Table::of_outputs(self.geometry.columns),
        }
    }

    /// Computes `y`, bias, residual and activation included.
    ///
    /// # Shapes
    /// - `x`: `[input pixels, channels]`
    /// - `y`: `[output pixels, channels]`
    ///
    /// # Panics
    /// When a shape differs from these, or the weight was packed for another layer; another number
    /// of images is no other layer.
    pub fn infer(self, x: Rows<'_>, packed: &PackedDepthwise, finish: &Finish<'_>, y: RowsMut<'_>) {
        self.check((x.count(), x.channels()), (y.count(), y.channels()));
        finish.check(y.count(), y.channels());
        self.check_packed(packed);
        let PackedDepthwise { weight, rows, columns, .. } = packed;
        let width = self.geometry.columns.output;
        let lines = lines_per_block(width * self.channels);
        for_each_block(y, lines * width, None, |first, mut y| {
            dispatch(Slide {
                from: x,
                weight,
                rows,
                columns,
                to: y.reborrow(),
                first_line: first / width,
                accumulate: false,
            });
            finish.apply(first, y);
        });
    }

    /// Computes the gradient of the input, or adds it to `dx`.
    ///
    /// # Shapes
    /// As for [`forward`](Self::forward), with `dy` for `y` and `dx` for `x`.
    ///
    /// # Panics
    /// When a shape differs.
    pub fn data_gradient(self, dy: Rows<'_>, weight: &[f32], dx: RowsMut<'_>, write: Write) {
        self.check((dx.count(), dx.channels()), (dy.count(), dy.channels()));
        let rows = Table::of_inputs(self.geometry.rows);
        let columns = Table::of_inputs(self.geometry.columns);
        self.slide(dy, weight, [&rows, &columns], dx, write, None);
    }

    fn slide(
        self,
        from: Rows<'_>,
        weight: &[f32],
        [rows, columns]: [&Table; 2],
        to: RowsMut<'_>,
        write: Write,
        statistics: Option<&mut Statistics>,
    ) {
        let width = columns.targets();
        let lines = lines_per_block(width * self.channels);
        self.with_taps_first(weight, |weight| {
            for_each_block(to, lines * width, statistics, |first, to| {
                let first_line = first / width;
                dispatch(Slide {
                    from,
                    weight,
                    rows,
                    columns,
                    to,
                    first_line,
                    accumulate: write == Write::Add,
                });
            });
        });
    }

    /// Computes the gradient of the weight.
    ///
    /// # Shapes
    /// As for [`forward`](Self::forward), with `dy` for `y` and `dweight` for `weight`.
    ///
    /// # Panics
    /// When a shape differs.
    pub fn weight_gradient(self, x: Rows<'_>, dy: Rows<'_>, dweight: &mut [f32]) {
        self.check((x.count(), x.channels()), (dy.count(), dy.channels()));
        let (taps, channels) = (self.geometry.taps(), self.channels);
        assert_eq!(dweight.len(), channels * taps, "length of a depthwise weight");
        let rows = Table::of_outputs(self.geometry.rows);
        let columns = Table::of_outputs(self.geometry.columns);
        let lines = self.geometry.batch * rows.targets();
        let block = lines_per_sum(lines, rows.targets(), columns.targets() * channels);
        let sums = sum_blocks(lines, block, taps * channels, |lines, sums| {
            let (rows, columns) = (&rows, &columns);
            dispatch(SumProducts { x, dy, rows, columns, lines, sums });
        });
        for (channel, kernel) in dweight.chunks_exact_mut(taps).enumerate() {
            for (tap, value) in kernel.iter_mut().enumerate() {
                *value = sums[tap * channels + channel] as f32;
            }
        }
    }
}

/// Image rows per block, for rows of `values` elements. It depends on the problem alone.
fn lines_per_block(values: usize) -> usize {
    BLOCK_VALUES.div_ceil(values.max(1))
}

/// Image rows whose products are summed into one partial sum, of `lines` rows of `values` elements; whole
/// images of `height` rows if they are small.
fn lines_per_sum(lines: usize, height: usize, values: usize) -> usize {
    /// How many partial sums at most.
    const PARTIAL_SUMS: usize = 64;
    /// Elements of a small image.
    const SMALL: usize = 128 * 1024;
    let block = lines_per_block(values).max(lines.div_ceil(PARTIAL_SUMS));
    if height * values > SMALL {
        return block;
    }
    (4 * block).min(lines.div_ceil(8)).max(block).next_multiple_of(height.max(1))
}

#[cfg(test)]
mod tests;
