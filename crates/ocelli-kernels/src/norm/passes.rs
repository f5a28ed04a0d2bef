//! The three passes over a block of rows.

#![expect(unsafe_code, reason = "the inner loops run on checked-once pointers")]

use super::constants::Norm;
use crate::activation::Function;
use crate::rows::{Rows, RowsMut};
use crate::simd::{Kernel, Simd};

pub(super) struct Forward<'a, F> {
    pub(super) norm: &'a Norm,
    pub(super) function: F,
    pub(super) z: Rows<'a>,
    pub(super) y: RowsMut<'a>,
}

impl<F: Function> Kernel for Forward<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let (count, channels) = (self.z.count(), self.z.channels());
        let (scale, shift) = (self.norm.scale.as_ptr(), self.norm.shift.as_ptr());
        let (z_stride, y_stride) = (self.z.stride(), self.y.stride());
        let (z, y) = (self.z.as_ptr(), self.y.as_mut_ptr());
        for row in 0..count {
            for c in (0..channels).step_by(S::LANES) {
                let part = simd.part(channels - c);
                // SAFETY: `Norm` checked that all rows have the same count and channels.
                unsafe {
                    let z = simd.load_part(z.add(row * z_stride + c), part);
                    let scale = simd.load_part(scale.add(c), part);
                    let value = simd.mul_add(z, scale, simd.load_part(shift.add(c), part));
                    let value = self.function.value(simd, value);
                    simd.store_part(y.add(row * y_stride + c), part, value);
                }
            }
        }
    }
}

/// Σ g and Σ g · (z − μ) per channel.
pub(super) struct GradientSums<'a, F> {
    pub(super) norm: &'a Norm,
    pub(super) function: F,
    pub(super) z: Rows<'a>,
    pub(super) dy: Rows<'a>,
    /// `[2, channels]`
    pub(super) sums: &'a mut [f32],
}

impl<F: Function> Kernel for GradientSums<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (count, channels) = (self.z.count(), self.z.channels());
        let (z_stride, dy_stride) = (self.z.stride(), self.dy.stride());
        for c in (0..channels).step_by(S::LANES) {
            let part = simd.part(channels - c);
            let (z, dy) = (self.z.as_ptr().wrapping_add(c), self.dy.as_ptr().wrapping_add(c));
            // SAFETY: `Norm` checked that all rows have the same count and channels, and `sums`
            // has two elements per channel.
            unsafe {
                let scale = simd.load_part(self.norm.scale.as_ptr().add(c), part);
                let shift = simd.load_part(self.norm.shift.as_ptr().add(c), part);
                let mean = simd.load_part(self.norm.mean.as_ptr().add(c), part);
                let mut sums = [[simd.splat(0.0); 2]; 2];
                macro_rules! add {
                    ($row:expr, $sums:expr) => {
                        let z = simd.load_part(z.add($row * z_stride), part);
                        let dy = simd.load_part(dy.add($row * dy_stride), part);
                        let slope = self.function.slope(simd, simd.mul_add(z, scale, shift));
                        let g = simd.mul(dy, slope);
                        let [total, product] = &mut $sums;
                        *total = simd.add(*total, g);
                        *product = simd.mul_add(g, simd.sub(z, mean), *product);
                    };
                }
                for pair in 0..count / 2 {
                    add!(2 * pair, sums[0]);
                    add!(2 * pair + 1, sums[1]);
                }
                if count % 2 == 1 {
                    add!(count - 1, sums[0]);
                }
                let to = self.sums.as_mut_ptr().add(c);
                simd.store_part(to, part, simd.add(sums[0][0], sums[1][0]));
                simd.store_part(to.add(channels), part, simd.add(sums[0][1], sums[1][1]));
            }
        }
    }
}

/// `z ← scale · g + slope · z + offset`
pub(super) struct Backward<'a, F> {
    pub(super) norm: &'a Norm,
    pub(super) function: F,
    pub(super) z: RowsMut<'a>,
    pub(super) dy: Rows<'a>,
    pub(super) slope: &'a [f32],
    pub(super) offset: &'a [f32],
}

impl<F: Function> Kernel for Backward<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let (count, channels) = (self.z.count(), self.z.channels());
        let (scale, shift) = (self.norm.scale.as_ptr(), self.norm.shift.as_ptr());
        let (slope, offset) = (self.slope.as_ptr(), self.offset.as_ptr());
        let (z_stride, dy_stride) = (self.z.stride(), self.dy.stride());
        let (z, dy) = (self.z.as_mut_ptr(), self.dy.as_ptr());
        for row in 0..count {
            for c in (0..channels).step_by(S::LANES) {
                let part = simd.part(channels - c);
                // SAFETY: `Norm` checked that all rows have the same count and channels, and it
                // made every vector as long as there are channels.
                unsafe {
                    let to = z.add(row * z_stride + c);
                    let z = simd.load_part(to, part);
                    let dy = simd.load_part(dy.add(row * dy_stride + c), part);
                    let scale = simd.load_part(scale.add(c), part);
                    let input = simd.mul_add(z, scale, simd.load_part(shift.add(c), part));
                    let g = simd.mul(dy, self.function.slope(simd, input));
                    let slope = simd.load_part(slope.add(c), part);
                    let rest = simd.mul_add(z, slope, simd.load_part(offset.add(c), part));
                    let value = simd.mul_add(g, scale, rest);
                    simd.store_part(to, part, value);
                }
            }
        }
    }
}
