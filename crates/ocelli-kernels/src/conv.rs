//! Convolutions that mix all channels, pointwise or with a larger kernel.
//!
//! ```text
//! y[p, o] = Σ_t Σ_i  w[o, i, t] · x[source(p, t), i]        forward
//! dx[q, i] = Σ_(p, t): source(p, t) = q  Σ_o  w[o, i, t] · dy[p, o]    data gradient
//! dw[o, i, t] = Σ_p  dy[p, o] · x[source(p, t), i]          weight gradient
//! ```
//!
//! p and q are pixels, t taps of the kernel. Each line is a matrix product whose left factor has the
//! inputs of all taps side by side. For a pointwise kernel that is the input itself; along lines of
//! an image it can be read from the input too (`lines`); else the inputs of a block of pixels are
//! gathered into a small matrix that stays in the cache (`gather`). Where tiles of outputs take fewer
//! products than their sums, they are computed so (`winograd`).

mod data;
mod gather;
mod lines;
mod patches;
mod shares;
mod sizes;
mod weight;
mod winograd;

pub use sizes::Conv;

use crate::blocks::{for_each_block, rows_per_block};
use crate::elementwise::Write;
use crate::finish::Finish;
use crate::gemm::{Panels, multiply, pack_panels, pack_transposed, packed_len};
use crate::geometry::Geometry;
use crate::norm::Statistics;
use crate::rows::{Rows, RowsMut};
use crate::scratch::with_scratch;
use data::DataGradient;
use gather::{gather, scatter_add};
use winograd::{KernelOrder, Winograd};

/// The weight of a convolution in the order in which products read it.
#[derive(Clone, Debug)]
pub struct PackedWeight {
    /// What decides the order, `[out_channels, in_channels, kernel height, kernel width]`.
    shape: [usize; 4],
    /// One column per output channel, if anything reads them.
    panels: Option<Vec<f32>>,
    /// The kernels for whole images where those are computed by [`Winograd`]'s method.
    transformed: Option<Vec<f32>>,
}

impl PackedWeight {
    /// How many elements [`Conv::infer`] reads of it.
    pub fn elements(&self) -> usize {
        self.transformed.as_ref().or(self.panels.as_ref()).map_or(0, Vec::len)
    }
}

/// Pixels that share each visit of the packed weights at least, where there are many.
const SHARING: usize = 48;

impl Conv {
    /// A matrix product over `rows` vectors: a linear layer.
    pub fn linear(rows: usize, in_channels: usize, out_channels: usize) -> Self {
        let window = crate::Window { kernel: 1, stride: 1, dilation: 1, before: 0 };
        let axis = crate::Axis { window, input: 1, output: 1 };
        let geometry = Geometry { batch: rows, rows: axis, columns: axis };
        Self { geometry, in_channels, out_channels }
    }

    /// The products that one number of the output sums.
    fn depth(self) -> usize {
        self.geometry.taps() * self.in_channels
    }

    /// The weights' order in memory is `[out, in, taps]`; kernels want `[out, taps, in]`.
    fn with_taps_first<R>(self, weight: &[f32], use_it: impl FnOnce(Rows<'_>) -> R) -> R {
        let (taps, depth) = (self.geometry.taps(), self.depth());
        assert_eq!(weight.len(), self.out_channels * depth, "length of a convolution's weight");
        if taps == 1 {
            return use_it(Rows::strided(weight, self.out_channels, depth, depth));
        }
        with_scratch(weight.len(), |ordered| {
            for (to, from) in
                ordered.chunks_exact_mut(depth.max(1)).zip(weight.chunks_exact(depth.max(1)))
            {
                for (index, value) in from.iter().enumerate() {
                    to[index % taps * self.in_channels + index / taps] = *value;
                }
            }
            use_it(Rows::strided(ordered, self.out_channels, depth, depth))
        })
    }

    /// `[out_channels, in_channels, kernel height, kernel width]`
    fn weight_shape(self) -> [usize; 4] {
        let Geometry { rows, columns, .. } = self.geometry;
        [self.out_channels, self.in_channels, rows.window.kernel, columns.window.kernel]
    }

    /// A packed weight as the factor of a product.
    fn panels(self, packed: &PackedWeight) -> Panels<'_> {
        assert!(packed.panels.is_some(), "a weight that was packed for whole images alone");
        let data = packed.panels.as_deref().unwrap_or_default();
        Panels::new(data, self.depth(), self.out_channels)
    }

    fn check_packed(self, packed: &PackedWeight) {
        assert_eq!(packed.shape, self.weight_shape(), "layer of a packed weight");
    }

    fn check_sizes(self) {
        self.geometry.check(self.in_channels, self.out_channels);
    }

    fn check(self, x: (usize, usize), y: (usize, usize)) {
        self.check_sizes();
        assert_eq!(x, (self.geometry.input_pixels(), self.in_channels), "input of a convolution");
        let expected = (self.geometry.output_pixels(), self.out_channels);
        assert_eq!(y, expected, "output of a convolution");
    }

    /// Computes `y`, and the statistics of its channels if wanted.
    ///
    /// # Shapes
    /// - `x`: `[input pixels, in_channels]`
    /// - `weight`: `[out_channels, in_channels, taps]`, `bias`: `[out_channels]`
    /// - `y`: `[output pixels, out_channels]`
    ///
    /// # Panics
    /// When a shape differs from these, or the window has no taps or no step.
    pub fn forward(
        self,
        x: Rows<'_>,
        weight: &[f32],
        bias: Option<&[f32]>,
        y: RowsMut<'_>,
        statistics: Option<&mut Statistics>,
    ) {
        self.check_sizes();
        let finish = Finish { bias, ..Finish::default() };
        if let Some(winograd) = Winograd::new(self) {
            return with_scratch(winograd.kernels_len(), |kernels| {
                winograd.transform(weight, KernelOrder::Plain, kernels);
                winograd.run(x, kernels, &finish, y, statistics, Write::Replace);
            });
        }
        with_scratch(packed_len(self.depth(), self.out_channels), |packed| {
            let panels = self.with_taps_first(weight, |w| pack_transposed(w, packed));
            self.run(x, panels, &finish, y, statistics);
        });
    }

    /// What [`infer`](Self::infer) takes for an image, as a number of multiply-adds: those of the sums, or
    /// less where there is a shorter way to them.
    pub fn cost(self) -> f64 {
        Winograd::for_inference(self).map_or(self.cost_of_sums(), Winograd::cost)
    }

    /// Multiply-adds of an image.
    fn cost_of_sums(self) -> f64 {
        let Geometry { rows, columns, .. } = self.geometry;
        let sizes = [
            rows.output,
            columns.output,
            self.geometry.taps(),
            self.in_channels,
            self.out_channels,
        ];
        sizes.map(|size| size as f64).iter().product()
    }

    /// Arranges a weight for [`infer`](Self::infer) on images of this size, in any number.
    ///
    /// # Shapes
    /// - `weight`: `[out_channels, in_channels, taps]`
    ///
    /// # Panics
    /// When the length differs, or the window has no taps or no step.
    pub fn pack(self, weight: &[f32]) -> PackedWeight {
        self.check_sizes();
        let transformed = Winograd::for_inference(self).map(|winograd| {
            let mut kernels = vec![0.0; winograd.kernels_len()];
            winograd.transform(weight, KernelOrder::Plain, &mut kernels);
            kernels
        });
        let panels = transformed.is_none().then(|| self.pack_panels(weight));
        PackedWeight { shape: self.weight_shape(), panels, transformed }
    }

    /// The same for [`infer_patches`](Self::infer_patches) as well.
    ///
    /// # Panics
    /// As for [`pack`](Self::pack).
    pub fn pack_for_patches(self, weight: &[f32]) -> PackedWeight {
        let packed = self.pack(weight);
        let panels = packed.panels.or_else(|| Some(self.pack_panels(weight)));
        PackedWeight { panels, ..packed }
    }

    fn pack_panels(self, weight: &[f32]) -> Vec<f32> {
        let mut panels = vec![0.0; packed_len(self.depth(), self.out_channels)];
        self.with_taps_first(weight, |w| {
            pack_transposed(w, &mut panels);
        });
        panels
    }

    /// Computes `y`, bias, residual and activation included.
    ///
    /// # Shapes
    /// - `x`: `[input pixels, in_channels]`
    /// - `y`: `[output pixels, out_channels]`
    ///
    /// # Panics
    /// When a shape differs from these, or the weight was packed for other channels, another window or
    /// images of another size.
    pub fn infer(self, x: Rows<'_>, weight: &PackedWeight, finish: &Finish<'_>, y: RowsMut<'_>) {
        self.check_sizes();
        self.check_packed(weight);
        let winograd = Winograd::for_inference(self);
        if let (Some(winograd), Some(kernels)) = (winograd, &weight.transformed) {
            return winograd.run(x, kernels, finish, y, None, Write::Replace);
        }
        self.run(x, self.panels(weight), finish, y, None);
    }

    fn run(
        self,
        x: Rows<'_>,
        weight: Panels<'_>,
        finish: &Finish<'_>,
        y: RowsMut<'_>,
        statistics: Option<&mut Statistics>,
    ) {
        self.check((x.count(), x.channels()), (y.count(), y.channels()));
        finish.check(y.count(), y.channels());
        if self.goes_along_lines() {
            let width = self.geometry.columns.output;
            let block = self.lines_per_block() * width;
            return for_each_block(y, block, statistics, |first, mut y| {
                self.multiply_lines(x, weight, first / width, y.reborrow(), Write::Replace);
                finish.apply(first, y);
            });
        }
        if self.shares_out_channels() {
            return self.run_by_channels(x, weight, finish, y, statistics);
        }
        let block = self.rows_per_block();
        for_each_block(y, block, statistics, |first, mut y| {
            self.with_gathered(x, first, y.count(), |a| multiply(a, weight, y.reborrow(), false));
            finish.apply(first, y);
        });
    }

    /// Pixels per block, in whole tiles. A single image makes some blocks, for a few threads.
    fn rows_per_block(self) -> usize {
        const BLOCKS: usize = 12;
        const FEWEST: usize = 24;
        let share = self.geometry.output_pixels().div_ceil(BLOCKS).next_multiple_of(12);
        let block = rows_per_block(self.depth().max(self.out_channels)).max(SHARING);
        block.min(share.max(FEWEST))
    }

    /// Hands on the inputs of all taps of `count` pixels from `first` on, `[pixels, taps · in]`.
    fn with_gathered(self, x: Rows<'_>, first: usize, count: usize, use_it: impl FnOnce(Rows<'_>)) {
        let count = count.min(self.geometry.output_pixels() - first);
        if self.geometry.is_pointwise() {
            return use_it(x.range(first, count));
        }
        with_scratch(count * self.depth(), |gathered| {
            gather(self.geometry, x, first, gathered);
            use_it(Rows::strided(gathered, count, self.depth(), self.depth()));
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
        assert_eq!(weight.len(), self.out_channels * self.depth(), "length of a weight");
        let by_phases = (!self.geometry.is_pointwise()).then(|| DataGradient::new(self)).flatten();
        if let Some(gradient) = by_phases {
            return gradient.run(dy, weight, dx, write);
        }
        let (depth, columns) = (self.out_channels, self.depth());
        with_scratch(packed_len(depth, columns), |packed| {
            let panels = self.with_taps_first(weight, |w| {
                pack_panels(depth, columns, packed, |columns, panel| {
                    for row in 0..depth {
                        panel.row_mut(row).copy_from_slice(&w.row(row)[columns.clone()]);
                    }
                })
            });
            if self.geometry.is_pointwise() {
                let block = rows_per_block(depth.max(columns)).max(SHARING);
                for_each_block(dx, block, None, |first, dx| {
                    multiply(dy.range(first, dx.count()), panels, dx, write == Write::Add);
                });
            } else {
                let pixels = self.geometry.input_pixels() / self.geometry.batch.max(1);
                for_each_block(dx, pixels, None, |first, mut dx| {
                    if write == Write::Replace {
                        (0..dx.count()).for_each(|row| dx.row_mut(row).fill(0.0));
                    }
                    self.scatter_image(dy, panels, first / pixels, dx);
                });
            }
        });
    }

    fn scatter_image(self, dy: Rows<'_>, w: Panels<'_>, image: usize, mut dx: RowsMut<'_>) {
        let pixels = self.geometry.rows.output * self.geometry.columns.output;
        let block = rows_per_block(self.depth());
        with_scratch(block * self.depth(), |products| {
            for from in (0..pixels).step_by(block) {
                let count = block.min(pixels - from);
                let products = &mut products[..count * self.depth()];
                let dy = dy.range(image * pixels + from, count);
                let to = RowsMut::strided(products, count, self.depth(), self.depth());
                multiply(dy, w, to, false);
                scatter_add(self.geometry, products, from, dx.reborrow());
            }
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
        let length = self.out_channels * self.depth();
        assert_eq!(dweight.len(), length, "length of a convolution's weight");
        weight::weight_gradient(self, x, dy, dweight);
    }
}

/// The gradient of a bias: the sum of all rows.
///
/// # Shapes
/// - `dy`: `[rows, channels]`, `dbias`: `[channels]`
///
/// # Panics
/// When the number of channels differs.
pub fn bias_gradient(dy: Rows<'_>, dbias: &mut [f32]) {
    assert_eq!(dbias.len(), dy.channels(), "length of a bias");
    let mut sums = vec![0.0_f64; dbias.len()];
    for row in 0..dy.count() {
        sums.iter_mut().zip(dy.row(row)).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    dbias.iter_mut().zip(sums).for_each(|(bias, sum)| *bias = sum as f32);
}

#[cfg(test)]
mod tests;
