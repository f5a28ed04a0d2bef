//! From kernels to the second factors of the products, and from the gradients of these back.

#![expect(unsafe_code, reason = "vectors are loaded from and stored to checked arrays")]

use super::transform::{POINTS, PRODUCTS, TapGradients, Taps, Transform};
use crate::gemm::WIDTH;
use crate::rows::RowsMut;
use crate::simd::{Kernel, Simd, dispatch};
use rayon::prelude::*;
use std::ops::Range;

/// Whose kernels they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::conv) enum KernelOrder {
    /// A convolution's own: the weight is `[out, in, taps]`.
    Plain,
    /// Those of its data gradient, turned round: the weight is `[in, out, taps]`.
    Turned,
}

/// U of a layer from `in_channels` to `out_channels` with `TAPS` taps on an axis: 36 packed matrices
/// `[in, out]`.
pub(super) fn transform_kernels<const TAPS: usize>(
    weight: &[f32],
    order: KernelOrder,
    [in_channels, out_channels]: [usize; 2],
    kernels: &mut [f32],
) where
    Taps: Transform<TAPS, POINTS>,
{
    assert_eq!(weight.len(), in_channels * out_channels * TAPS * TAPS, "length of a weight");
    let length = kernels.len() / PRODUCTS;
    let matrices = RowsMut::strided(kernels, PRODUCTS, length, length);
    let panels = matrices.channel_shares(WIDTH * in_channels);
    panels.into_par_iter().enumerate().for_each(|(panel, to)| {
        let first = panel * WIDTH;
        let columns = WIDTH.min(out_channels - first);
        let outputs = first..first + columns;
        dispatch(Panel::<TAPS> { weight, order, in_channels, out_channels, outputs, to });
    });
}

/// A panel of each matrix.
struct Panel<'a, const TAPS: usize> {
    weight: &'a [f32],
    order: KernelOrder,
    in_channels: usize,
    out_channels: usize,
    /// Output channels, [`WIDTH`] at most.
    outputs: Range<usize>,
    /// `[36, in · WIDTH]`
    to: RowsMut<'a>,
}

impl<const TAPS: usize> Kernel for Panel<'_, TAPS>
where
    Taps: Transform<TAPS, POINTS>,
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let all = TAPS * TAPS;
        assert!(self.to.count() == PRODUCTS, "matrices of transformed kernels");
        assert_eq!(self.to.channels(), self.in_channels * WIDTH, "rows of a panel");
        let (to, stride) = (self.to.as_mut_ptr(), self.to.stride());
        // The taps of some kernels, side by side; zeros beyond the last.
        let mut taps = [[[0.0_f32; WIDTH]; TAPS]; TAPS];
        for input in 0..self.in_channels {
            for (column, output) in self.outputs.clone().enumerate() {
                let kernel = match self.order {
                    KernelOrder::Plain => output * self.in_channels + input,
                    KernelOrder::Turned => input * self.out_channels + output,
                };
                for (tap, value) in self.weight[kernel * all..][..all].iter().enumerate() {
                    let tap = match self.order {
                        KernelOrder::Plain => tap,
                        KernelOrder::Turned => all - 1 - tap,
                    };
                    taps[tap / TAPS][tap % TAPS][column] = *value;
                }
            }
            for lane in (0..WIDTH).step_by(S::LANES) {
                let mut kernel = [[simd.splat(0.0); TAPS]; TAPS];
                for line in 0..TAPS {
                    for tap in 0..TAPS {
                        // SAFETY: a whole vector stands in the array from `lane` on.
                        kernel[line][tap] =
                            unsafe { simd.load(taps[line][tap].as_ptr().add(lane)) };
                    }
                }
                let made = Taps::tile(simd, &kernel);
                for product in 0..PRODUCTS {
                    let to = to.wrapping_add(product * stride + input * WIDTH + lane);
                    // SAFETY: there are 36 rows with room for `in_channels` times a panel's width.
                    unsafe { simd.store(to, made[product / POINTS][product % POINTS]) }
                }
            }
        }
    }
}

/// The gradient of a weight, `[out, in, taps]`, from those of its transformed kernels, as several
/// partial sums, `[partial sums, 36, out, in]`.
pub(super) fn tap_gradients<const TAPS: usize>(
    partial_sums: &[f32],
    [in_channels, out_channels]: [usize; 2],
    dweight: &mut [f32],
) where
    TapGradients: Transform<POINTS, TAPS>,
{
    assert_eq!(dweight.len(), in_channels * out_channels * TAPS * TAPS, "length of a weight");
    let kernels = in_channels * out_channels;
    assert!(partial_sums.len().is_multiple_of((PRODUCTS * kernels).max(1)), "sums of products");
    dweight.par_chunks_exact_mut(in_channels * TAPS * TAPS).enumerate().for_each(|(output, to)| {
        dispatch(OfOutput::<TAPS> { partial_sums, kernels, first: output * in_channels, to });
    });
}

/// The gradient of the kernels of one output channel.
struct OfOutput<'a, const TAPS: usize> {
    /// `[partial sums, 36, kernels]`
    partial_sums: &'a [f32],
    kernels: usize,
    /// The first kernel.
    first: usize,
    /// `[in, taps]`
    to: &'a mut [f32],
}

impl<const TAPS: usize> Kernel for OfOutput<'_, TAPS>
where
    TapGradients: Transform<POINTS, TAPS>,
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let all = TAPS * TAPS;
        let count = self.to.len() / all;
        let partial_sums = self.partial_sums.len() / (PRODUCTS * self.kernels);
        assert!(self.first + count <= self.kernels, "kernels of an output channel");
        let mut taps = [[[0.0_f32; WIDTH]; TAPS]; TAPS];
        for channel in (0..count).step_by(S::LANES) {
            let part = simd.part(count - channel);
            let mut sums = [[simd.splat(0.0); POINTS]; POINTS];
            for index in 0..partial_sums {
                for product in 0..PRODUCTS {
                    let at = (index * PRODUCTS + product) * self.kernels + self.first + channel;
                    let from = self.partial_sums.as_ptr().wrapping_add(at);
                    let sum = &mut sums[product / POINTS][product % POINTS];
                    // SAFETY: every matrix has a number for each of the channel's `count` kernels.
                    *sum = simd.add(*sum, unsafe { simd.load_part(from, part) });
                }
            }
            let made = TapGradients::tile(simd, &sums);
            for line in 0..TAPS {
                for tap in 0..TAPS {
                    // SAFETY: an array holds a whole vector of every instruction set.
                    unsafe { simd.store(taps[line][tap].as_mut_ptr(), made[line][tap]) }
                }
            }
            let width = S::LANES.min(count - channel);
            for (kernel, to) in
                self.to[channel * all..].chunks_exact_mut(all).take(width).enumerate()
            {
                for (tap, to) in to.iter_mut().enumerate() {
                    *to = taps[tap / TAPS][tap % TAPS][kernel];
                }
            }
        }
    }
}
