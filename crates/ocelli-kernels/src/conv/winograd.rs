//! Convolutions with 3 × 3 or 5 × 5 taps by Winograd's minimal filtering, F(4 × 4, 3 × 3) and F(2 × 2, 5 × 5)
//! (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016, section 4, on the same points).
//!
//! ```text
//! V[k, t, i] = (Bᵀ d B)[k]    d: the 6 × 6 inputs of tile t in channel i
//! U[k, i, o] = (G g Gᵀ)[k]    g: the taps from channel i to o
//! M[k, t, o] = Σ_i V[k, t, i] · U[k, i, o]      36 matrix products
//! y = Aᵀ M A                  the outputs of tile t in channel o, 4 × 4 or 2 × 2
//! ```
//!
//! That is 36 multiply-adds per tile and pair of channels instead of 144 or 100, and some hundred
//! additions per tile and channel. Rounding errors are about twice those of plain sums, on average.
//! The data gradient is such a convolution too, and the weight gradient is all of it backwards (`gradient`).
//!
//! A number of the output is the same however tiles are shared out, so the schedule may follow the size
//! of a batch; in inference, whether a layer is computed so may not. A NaN in one input makes all
//! outputs of the tiles that read it none.

mod gradient;
mod kernels;
mod tiles;
mod transform;

use super::sizes::Conv;
use crate::blocks::for_each_block;
use crate::elementwise::Write;
use crate::finish::Finish;
use crate::gemm::{Panels, WIDTH, multiply, packed_len};
use crate::geometry::Geometry;
use crate::norm::Statistics;
use crate::rows::{Rows, RowsMut};
use crate::scratch::with_scratch;
use crate::simd::dispatch;
pub(super) use kernels::KernelOrder;
use kernels::transform_kernels;
use rayon::prelude::*;
use std::marker::PhantomData;
use std::ops::Range;
use tiles::{Gather, Scatter, Tiling};
use transform::{Inputs, POINTS, PRODUCTS, Transform};

// Elements between matrices that would else stand a multiple of 4096 bytes apart, in few sets of a cache.
const GAP: usize = 16;
/// The most that a layer may take, as a share of what its sums take, to be computed so.
const GAIN: f64 = 0.875;
/// Tiles of a block that one thread computes from beginning to end.
const TILES: usize = 48;
/// Elements of a tile group that threads share; few in tests, so that these have several groups.
const SHARED: usize = if cfg!(test) { 256 * 1024 } else { 4 * 1024 * 1024 };

/// A convolution that can be computed so.
#[derive(Clone, Copy)]
pub(super) struct Winograd {
    conv: Conv,
    form: Form,
    tiling: Tiling,
}

/// How many taps a kernel has on an axis, and so how many outputs a tile.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// F(4 × 4, 3 × 3)
    Three,
    /// F(2 × 2, 5 × 5)
    Five,
}

impl Winograd {
    /// `None` where the window is another one, or plain products are faster.
    pub(super) fn new(conv: Conv) -> Option<Self> {
        let Geometry { rows, columns, .. } = conv.geometry;
        let form = match rows.window.kernel {
            3 => Form::Three,
            5 => Form::Five,
            _ => return None,
        };
        let taps = rows.window.kernel;
        let slides = [rows, columns].iter().all(|axis| {
            let window = axis.window;
            window.kernel == taps && window.stride == 1 && window.dilation == 1
        });
        let winograd = Self { conv, form, tiling: Tiling::new(conv.geometry, POINTS + 1 - taps) };
        (slides && winograd.cost() < GAIN * conv.cost_of_sums()).then_some(winograd)
    }

    /// The same for inference, which reads transformed kernels for one image or a few: large ones must pay for
    /// that too.
    pub(super) fn for_inference(conv: Conv) -> Option<Self> {
        /// What reading a number of a weight takes, beyond the caches, for each image of a few.
        const READ: f64 = 10.0;
        /// Elements that stay in the second cache beside others.
        const CACHED: f64 = 192.0 * 1024.0;
        let pairs = conv.in_channels as f64 * conv.out_channels as f64;
        let reading = |elements: f64| if elements > CACHED { READ * elements } else { 0.0 };
        let plain = conv.cost_of_sums() + reading(pairs * conv.geometry.taps() as f64);
        let pays = |this: &Self| this.cost() + reading(pairs * PRODUCTS as f64) < GAIN * plain;
        Self::new(conv).filter(pays)
    }

    /// The same for a gradient, whose kernels or sums are transformed for a batch alone.
    pub(super) fn for_gradient(conv: Conv) -> Option<Self> {
        const FEWEST_TILES: usize = 12;
        Self::new(conv).filter(|winograd| winograd.tiling.count() >= FEWEST_TILES)
    }

    /// What an image takes, in multiply-adds of plain products.
    pub(super) fn cost(self) -> f64 {
        /// What transforming a number takes, for each product that it enters.
        const TRANSFORM: f64 = 20.0;
        let [inputs, outputs] = [self.conv.in_channels, self.conv.out_channels].map(|c| c as f64);
        let products = inputs * outputs + TRANSFORM * (inputs + outputs);
        (PRODUCTS * self.tiling.per_image()) as f64 * products
    }

    /// Whether the kernels are a large part of what is read.
    fn has_few_tiles(self) -> bool {
        let Conv { in_channels, out_channels, .. } = self.conv;
        4 * in_channels * out_channels > self.tiling.count() * (in_channels + out_channels)
    }

    /// Transforms the kernels of a weight.
    pub(super) fn transform(self, weight: &[f32], order: KernelOrder, kernels: &mut [f32]) {
        let Conv { in_channels, out_channels, .. } = self.conv;
        assert_eq!(kernels.len(), self.kernels_len(), "length of transformed kernels");
        let channels = [in_channels, out_channels];
        match self.form {
            Form::Three => transform_kernels::<3>(weight, order, channels, kernels),
            Form::Five => transform_kernels::<5>(weight, order, channels, kernels),
        }
    }

    /// Elements of transformed kernels.
    pub(super) fn kernels_len(self) -> usize {
        PRODUCTS * packed_len(self.conv.in_channels, self.conv.out_channels)
    }

    /// Lines of tiles that make `tiles` tiles; those of whole images where that makes blocks of equal height.
    fn lines(self, tiles: usize) -> usize {
        let lines = (tiles / self.tiling.across()).max(1);
        let down = self.tiling.down();
        if self.tiling.has_even_lines() || lines < down { lines } else { lines / down * down }
    }

    /// Computes `y` or adds to it.
    ///
    /// # Panics
    /// When a shape differs.
    pub(super) fn run(
        self,
        x: Rows<'_>,
        kernels: &[f32],
        finish: &Finish<'_>,
        mut y: RowsMut<'_>,
        statistics: Option<&mut Statistics>,
        write: Write,
    ) {
        /// Blocks, if there are tiles enough.
        const BLOCKS: usize = 12;
        /// Elements of transformed kernels that the second cache holds.
        const NEAR: usize = 768 * 1024;
        self.conv.check((x.count(), x.channels()), (y.count(), y.channels()));
        finish.check(y.count(), y.channels());
        if kernels.len() > NEAR || self.has_few_tiles() {
            self.in_phases(x, kernels, finish, y.reborrow(), write);
        } else {
            let tiles = TILES.min(self.tiling.count().div_ceil(BLOCKS)).max(12);
            let lines = self.lines(tiles);
            if self.tiling.has_even_lines() || lines.is_multiple_of(self.tiling.down()) {
                let rows = self.tiling.rows_before(lines);
                return for_each_block(y, rows, statistics, |first, y| {
                    self.run_block(x, kernels, finish, first / rows * lines, y, write);
                });
            }
            let ends = self.tiling.line_ends(0..self.tiling.all_lines(), lines);
            let blocks = y.reborrow().split_rows(&ends);
            blocks.into_par_iter().enumerate().for_each(|(block, y)| {
                self.run_block(x, kernels, finish, block * lines, y, write);
            });
        }
        if let Some(statistics) = statistics {
            *statistics = Statistics::from_rows(y.as_rows());
        }
    }

    /// Computes the rows that lines of tiles from `first` on make, on one thread.
    fn run_block(
        self,
        x: Rows<'_>,
        kernels: &[f32],
        finish: &Finish<'_>,
        first: usize,
        mut y: RowsMut<'_>,
        write: Write,
    ) {
        let Conv { in_channels, out_channels, .. } = self.conv;
        let start = self.tiling.rows_before(first);
        let lines = first..self.tiling.line_at(start + y.count());
        let count = lines.len() * self.tiling.across();
        with_products([count * in_channels, count * out_channels], |[v, m], [v_row, m_row]| {
            let to = RowsMut::strided(v, PRODUCTS, count * in_channels, v_row);
            self.gather_inputs(x, first * self.tiling.across(), to);
            for product in 0..PRODUCTS {
                let v = &v[product * v_row..][..count * in_channels];
                let m = &mut m[product * m_row..][..count * out_channels];
                let to = RowsMut::dense(m, out_channels);
                multiply(Rows::dense(v, in_channels), self.panels(kernels, product), to, false);
            }
            let m = Rows::strided(m, PRODUCTS, count * out_channels, m_row);
            self.scatter(m, lines, y.reborrow(), write);
        });
        finish.apply(start, y);
    }

    /// The same for kernels that no cache holds: each is read once for many tiles, which threads share.
    fn in_phases(
        self,
        x: Rows<'_>,
        kernels: &[f32],
        finish: &Finish<'_>,
        mut y: RowsMut<'_>,
        write: Write,
    ) {
        /// Output channels that a thread multiplies at a time.
        const CHANNELS: usize = 4 * WIDTH;
        let Conv { in_channels, out_channels, .. } = self.conv;
        let (tiling, all) = (self.tiling, self.tiling.all_lines());
        let lines = self.lines(SHARED / (PRODUCTS * (in_channels + out_channels)));
        for first in (0..all).step_by(lines) {
            let lines = first..all.min(first + lines);
            let [start, end] = [lines.start, lines.end].map(|line| tiling.rows_before(line));
            let y = y.rows_mut(start, end - start);
            let (tile, count) = (first * tiling.across(), lines.len() * tiling.across());
            with_products([count * in_channels, count * out_channels], |[v, m], [v_row, m_row]| {
                let to = RowsMut::strided(v, PRODUCTS, count * in_channels, v_row);
                in_shares(to, in_channels, |share, to| self.gather_inputs(x, tile + share, to));
                let parts: Vec<_> = (m.chunks_exact_mut(m_row).enumerate())
                    .flat_map(|(product, m)| {
                        let m = RowsMut::dense(&mut m[..count * out_channels], out_channels);
                        let shares = m.channel_shares(CHANNELS).into_iter().enumerate();
                        shares.map(move |(share, m)| (product, share * CHANNELS, m))
                    })
                    .collect();
                parts.into_par_iter().for_each(|(product, channel, m)| {
                    let v = &v[product * v_row..][..count * in_channels];
                    let panels = self.panels(kernels, product);
                    let panels = panels.columns_from(channel, m.channels());
                    multiply(Rows::dense(v, in_channels), panels, m, false);
                });
                let m = Rows::strided(m, PRODUCTS, count * out_channels, m_row);
                let of_lines = y.split_rows(&tiling.line_ends(lines.clone(), 1));
                of_lines.into_par_iter().zip(lines).for_each(|(mut y, line)| {
                    let width = tiling.across() * out_channels;
                    let m = m.columns((line - first) * width, width);
                    self.scatter(m, line..line + 1, y.reborrow(), write);
                    finish.apply(tiling.rows_before(line), y);
                });
            });
        }
    }

    /// V of the tiles from `first` on, `[36, tiles · in]`.
    fn gather_inputs(self, x: Rows<'_>, first: usize, v: RowsMut<'_>) {
        gather::<Inputs, POINTS>(self.tiling, x, first, v, self.conv.in_channels);
    }

    /// The rows of y that some lines of tiles make, from their M, `[36, tiles · out]`.
    fn scatter(self, m: Rows<'_>, lines: Range<usize>, y: RowsMut<'_>, write: Write) {
        let tiling = self.tiling;
        match self.form {
            Form::Three => dispatch(Scatter::<4> { tiling, m, lines, y, write }),
            Form::Five => dispatch(Scatter::<2> { tiling, m, lines, y, write }),
        }
    }

    fn panels(self, kernels: &[f32], product: usize) -> Panels<'_> {
        let Conv { in_channels, out_channels, .. } = self.conv;
        let length = packed_len(in_channels, out_channels);
        Panels::new(&kernels[product * length..][..length], in_channels, out_channels)
    }
}

/// What `T` makes of the tiles from `first` on, `[36, tiles · room]`.
fn gather<T: Transform<FROM, POINTS>, const FROM: usize>(
    tiling: Tiling,
    x: Rows<'_>,
    first: usize,
    v: RowsMut<'_>,
    room: usize,
) {
    let tiles = v.channels() / room;
    with_scratch(x.channels(), |outside| {
        outside.fill(0.0);
        let transform = PhantomData::<T>;
        dispatch(Gather { transform, tiling, x, first, tiles, outside, v, room });
    });
}

/// Scratch for V and M of some tiles, 36 rows each of as many elements and a gap, and the lengths of their rows.
fn with_products<R>(
    [v, m]: [usize; 2],
    use_it: impl FnOnce([&mut [f32]; 2], [usize; 2]) -> R,
) -> R {
    let [v, m] = [v + GAP, m + GAP];
    with_scratch(PRODUCTS * (v + m), |scratch| {
        let (of_v, of_m) = scratch.split_at_mut(PRODUCTS * v);
        use_it([of_v, of_m], [v, m])
    })
}

/// Calls `work` with the first tile and the elements of every few tiles, which have `room` elements each.
fn in_shares(rows: RowsMut<'_>, room: usize, work: impl Fn(usize, RowsMut<'_>) + Sync) {
    const TILES: usize = 4;
    let shares = rows.channel_shares(TILES * room).into_par_iter().enumerate();
    shares.for_each(|(share, rows)| work(share * TILES, rows));
}
