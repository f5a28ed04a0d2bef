//! Convolutions with 3 × 3 or 5 × 5 taps by Winograd's minimal filtering, F(4 × 4, 3 × 3) and F(2 × 2, 5 × 5)
//! (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016, sections 4.2 and 4.3).
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
//! of a batch; whether a layer is computed so may not.

mod gradient;
mod kernels;
mod tiles;
mod transform;

use super::Conv;
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
use tiles::{Gather, Scatter, Tiling};
use transform::{Inputs, POINTS, Transform};

/// Matrix products.
const PRODUCTS: usize = POINTS * POINTS;
/// Numbers between matrices that would else stand a multiple of 4096 bytes apart, in few sets of a cache.
const GAP: usize = 16;
/// Tiles of a block that one thread computes from beginning to end.
const TILES: usize = 48;
/// Numbers of a tile group that threads share.
const SHARED: usize = 4 * 1024 * 1024;
/// Tiles that a thread transforms at a time, of such a group.
const SHARE: usize = 4;

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
        let Geometry { batch, rows, columns } = conv.geometry;
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
        let tiling = Tiling::new(conv.geometry, POINTS + 1 - taps);
        let winograd = Self { conv, form, tiling };
        let plain = conv.depth() * conv.out_channels * rows.output * columns.output;
        let pays = 8 * winograd.cost() < 7 * plain;
        (slides && pays && batch > 0).then_some(winograd)
    }

    /// What an image takes, in multiply-adds of plain products.
    pub(super) fn cost(self) -> usize {
        /// What transforming a number takes, for each product that it enters.
        const TRANSFORM: usize = 20;
        let Conv { in_channels, out_channels, .. } = self.conv;
        let products = in_channels * out_channels + TRANSFORM * (in_channels + out_channels);
        PRODUCTS * self.tiling.per_image() * products
    }

    /// The same for a gradient, which transforms kernels or their gradients each time.
    pub(super) fn for_gradient(conv: Conv) -> Option<Self> {
        const FEWEST_TILES: usize = 12;
        Self::new(conv).filter(|winograd| winograd.tiling.count() >= FEWEST_TILES)
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

    /// Numbers of transformed kernels.
    pub(super) fn kernels_len(self) -> usize {
        PRODUCTS * packed_len(self.conv.in_channels, self.conv.out_channels)
    }

    /// Units of tiles that make `tiles` tiles.
    fn units(self, tiles: usize) -> usize {
        (tiles / self.tiling.per_unit()).max(1)
    }

    /// Computes `y` or adds to it.
    pub(super) fn run(
        self,
        x: Rows<'_>,
        kernels: &[f32],
        finish: &Finish<'_>,
        y: RowsMut<'_>,
        statistics: Option<&mut Statistics>,
        write: Write,
    ) {
        /// Blocks, if there are tiles enough.
        const BLOCKS: usize = 12;
        /// Numbers of transformed kernels that the second cache holds.
        const NEAR: usize = 768 * 1024;
        if kernels.len() > NEAR || self.has_few_tiles() {
            return self.in_phases(x, kernels, finish, y, statistics, write);
        }
        let tiles = TILES.min(self.tiling.count().div_ceil(BLOCKS)).max(12);
        let rows = self.units(tiles) * self.tiling.rows_per_unit();
        for_each_block(y, rows, statistics, |first, mut y| {
            let tiles = self.tiling.of_rows(first, y.count());
            let count = tiles.len();
            let Conv { in_channels, out_channels, .. } = self.conv;
            let (v_row, m_row) = (count * in_channels + GAP, count * out_channels + GAP);
            with_scratch(PRODUCTS * (v_row + m_row), |scratch| {
                let (v, m) = scratch.split_at_mut(PRODUCTS * v_row);
                let to = RowsMut::strided(v, PRODUCTS, count * in_channels, v_row);
                self.gather_inputs(x, tiles.start, to);
                for product in 0..PRODUCTS {
                    let v = &v[product * v_row..][..count * in_channels];
                    let m = &mut m[product * m_row..][..count * out_channels];
                    let to = RowsMut::dense(m, out_channels);
                    multiply(Rows::dense(v, in_channels), self.panels(kernels, product), to, false);
                }
                let m = Rows::strided(m, PRODUCTS, count * out_channels, m_row);
                self.scatter(m, first, y.reborrow(), write);
            });
            finish.apply(first, y);
        });
    }

    /// The same for kernels that no cache holds: each is read once for hundreds of tiles, which threads share.
    fn in_phases(
        self,
        x: Rows<'_>,
        kernels: &[f32],
        finish: &Finish<'_>,
        mut y: RowsMut<'_>,
        statistics: Option<&mut Statistics>,
        write: Write,
    ) {
        /// Output channels that a thread multiplies at a time.
        const CHANNELS: usize = 4 * WIDTH;
        let Conv { in_channels, out_channels, .. } = self.conv;
        let tiles = SHARED / (PRODUCTS * (in_channels + out_channels));
        let rows = self.units(tiles) * self.tiling.rows_per_unit();
        for first in (0..y.count()).step_by(rows) {
            let mut y = y.rows_mut(first, rows.min(y.count() - first));
            let tiles = self.tiling.of_rows(first, y.count());
            let count = tiles.len();
            let (v_row, m_row) = (count * in_channels + GAP, count * out_channels + GAP);
            with_scratch(PRODUCTS * (v_row + m_row), |scratch| {
                let (v, m) = scratch.split_at_mut(PRODUCTS * v_row);
                let to = RowsMut::strided(v, PRODUCTS, count * in_channels, v_row);
                let shares = to.channel_shares(SHARE * in_channels).into_par_iter().enumerate();
                shares.for_each(|(share, to)| {
                    self.gather_inputs(x, tiles.start + share * SHARE, to);
                });
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
                y.reborrow().blocks(self.tiling.rows_per_unit()).enumerate().for_each(
                    |(unit, mut y)| {
                        let from = first + unit * self.tiling.rows_per_unit();
                        let tiles = unit * self.tiling.per_unit() * out_channels;
                        let width = self.tiling.of_rows(from, y.count()).len() * out_channels;
                        self.scatter(m.columns(tiles, width), from, y.reborrow(), write);
                        finish.apply(from, y);
                    },
                );
            });
        }
        if let Some(statistics) = statistics {
            *statistics = Statistics::of(y.as_rows());
        }
    }

    /// V of the tiles from `first` on, `[36, tiles · in]`.
    fn gather_inputs(self, x: Rows<'_>, first: usize, v: RowsMut<'_>) {
        gather::<Inputs, POINTS>(self.tiling, x, first, v, self.conv.in_channels);
    }

    /// The rows of y from `first` on, from their tiles' M, `[36, tiles · out]`.
    fn scatter(self, m: Rows<'_>, first: usize, y: RowsMut<'_>, write: Write) {
        let tiling = self.tiling;
        match self.form {
            Form::Three => dispatch(Scatter::<4> { tiling, m, first, y, write }),
            Form::Five => dispatch(Scatter::<2> { tiling, m, first, y, write }),
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
