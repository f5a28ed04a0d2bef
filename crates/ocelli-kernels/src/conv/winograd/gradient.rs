//! The weight gradient: the method backwards.
//!
//! ```text
//! dM[k, t, o] = (A dy Aᵀ)[k]                     dy: the gradient of tile t's outputs in channel o
//! dU[k, o, i] = Σ_t dM[k, t, o] · V[k, t, i]     36 matrix products
//! dg = Gᵀ dU G                                   the gradient of the taps from channel i to o
//! ```

use super::kernels::tap_gradients;
use super::transform::{Inputs, OutputGradients, POINTS, PRODUCTS};
use super::{Form, GAP, SHARED, TILES, Winograd, gather, in_shares, with_products};
use crate::conv::Conv;
use crate::gemm::multiply_transposed;
use crate::rows::{Rows, RowsMut};
use crate::scratch::with_scratch;
use rayon::prelude::*;

impl Winograd {
    /// Computes `dweight`, `[out, in, taps]`.
    pub(in crate::conv) fn weight_gradient(self, x: Rows<'_>, dy: Rows<'_>, dweight: &mut [f32]) {
        /// Elements of dU that the second cache holds beside a block.
        const NEAR: usize = 384 * 1024;
        /// Partial sums of tiles, and elements of all of them, at most.
        const PARTIAL_SUMS: usize = 16;
        const PARTIAL_ELEMENTS: usize = 4 * 1024 * 1024;
        let Conv { in_channels, out_channels, .. } = self.conv;
        let length = PRODUCTS * in_channels * out_channels;
        let tiles = self.tiling.count();
        let blocks = tiles.div_ceil(TILES);
        let in_phases = length > NEAR;
        let most = if in_phases { 1 } else { (PARTIAL_ELEMENTS / length).clamp(1, PARTIAL_SUMS) };
        let partial_sums = blocks.clamp(1, most);
        let share = blocks.div_ceil(partial_sums) * TILES;
        with_scratch(tiles.div_ceil(share) * length, |sums| {
            if in_phases {
                self.sum_in_phases(x, dy, sums);
            } else {
                sums.par_chunks_exact_mut(length).enumerate().for_each(|(index, sums)| {
                    let tiles = index * share..tiles.min((index + 1) * share);
                    sums.fill(0.0);
                    for first in tiles.clone().step_by(TILES) {
                        self.add_block(x, dy, first, TILES.min(tiles.end - first), sums);
                    }
                });
            }
            let channels = [in_channels, out_channels];
            match self.form {
                Form::Three => tap_gradients::<3>(sums, channels, dweight),
                Form::Five => tap_gradients::<5>(sums, channels, dweight),
            }
        });
    }

    /// Elements from a tile to the next in V and dM, so that the same channel of all is not in few sets of a
    /// cache.
    fn rooms(self) -> [usize; 2] {
        [self.conv.in_channels + GAP, self.conv.out_channels + GAP]
    }

    /// Adds the products of some tiles to dU, `[36, out, in]`.
    fn add_block(self, x: Rows<'_>, dy: Rows<'_>, first: usize, count: usize, sums: &mut [f32]) {
        let Conv { in_channels, out_channels, .. } = self.conv;
        let [v_room, m_room] = self.rooms();
        with_products([count * v_room, count * m_room], |[v, m], [v_row, m_row]| {
            let to = RowsMut::strided(v, PRODUCTS, count * v_room, v_row);
            gather::<Inputs, POINTS>(self.tiling, x, first, to, v_room);
            let to = RowsMut::strided(m, PRODUCTS, count * m_room, m_row);
            self.gather_gradients(dy, first, to);
            let products = v.chunks_exact(v_row).zip(m.chunks_exact(m_row));
            for ((v, m), sums) in products.zip(sums.chunks_exact_mut(in_channels * out_channels)) {
                let v = Rows::strided(v, count, in_channels, v_room);
                let m = Rows::strided(m, count, out_channels, m_room);
                multiply_transposed(m, v, RowsMut::dense(sums, in_channels), true);
            }
        });
    }

    /// The same for all tiles and sums that no cache holds: each is written once for many tiles.
    fn sum_in_phases(self, x: Rows<'_>, dy: Rows<'_>, sums: &mut [f32]) {
        /// Output channels that a thread multiplies at a time.
        const CHANNELS: usize = 96;
        let Conv { in_channels, out_channels, .. } = self.conv;
        let [v_room, m_room] = self.rooms();
        let tiles = self.tiling.count();
        let group = (SHARED / (PRODUCTS * (v_room + m_room))).max(1);
        for first in (0..tiles).step_by(group) {
            let count = group.min(tiles - first);
            with_products([count * v_room, count * m_room], |[v, m], [v_row, m_row]| {
                let to = RowsMut::strided(v, PRODUCTS, count * v_room, v_row);
                in_shares(to, v_room, |share, to| {
                    gather::<Inputs, POINTS>(self.tiling, x, first + share, to, v_room);
                });
                let to = RowsMut::strided(m, PRODUCTS, count * m_room, m_row);
                in_shares(to, m_room, |share, to| self.gather_gradients(dy, first + share, to));
                let products = sums.chunks_exact_mut(in_channels * out_channels).enumerate();
                let parts: Vec<_> = products
                    .flat_map(|(product, sums)| {
                        let parts = sums.chunks_mut(CHANNELS * in_channels).enumerate();
                        parts.map(move |(part, sums)| (product, part * CHANNELS, sums))
                    })
                    .collect();
                parts.into_par_iter().for_each(|(product, channel, sums)| {
                    let v = Rows::strided(&v[product * v_row..], count, in_channels, v_room);
                    let m = Rows::strided(&m[product * m_row..], count, out_channels, m_room);
                    let sums = RowsMut::dense(sums, in_channels);
                    let m = m.columns(channel, sums.count());
                    multiply_transposed(m, v, sums, first > 0);
                });
            });
        }
    }

    /// dM of the tiles from `first` on, `[36, tiles · room]`.
    fn gather_gradients(self, dy: Rows<'_>, first: usize, m: RowsMut<'_>) {
        let tiling = self.tiling.of_outputs();
        let [_, room] = self.rooms();
        match self.form {
            Form::Three => gather::<OutputGradients, 4>(tiling, dy, first, m, room),
            Form::Five => gather::<OutputGradients, 2>(tiling, dy, first, m, room),
        }
    }
}
