//! Functions of vectors, and sums of their lanes.

#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use crate::simd::{Kernel, Simd, dispatch};

/// `1 − 2 / (e²ˣ + 1)`
#[inline(always)]
pub(super) fn tanh_lanes<S: Simd>(simd: S, x: S::Vector) -> S::Vector {
    let one = simd.splat(1.0);
    let power = simd.exp(simd.add(x, x));
    simd.sub(one, simd.div(simd.splat(2.0), simd.add(power, one)))
}

/// The hyperbolic tangent as the vectors have it.
pub(super) fn tanh(x: f32) -> f32 {
    struct One(f32);
    impl Kernel for One {
        type Output = f32;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> f32 {
            let mut first = 0.0;
            // SAFETY: the mask has one lane.
            unsafe {
                let value = tanh_lanes(simd, simd.splat(self.0));
                simd.store_first(&raw mut first, simd.mask(1), value);
            }
            first
        }
    }
    dispatch(One(x))
}

/// The sum of a vector's lanes, in double precision.
#[inline(always)]
pub(super) fn sum_of_lanes<S: Simd>(simd: S, vector: S::Vector) -> f64 {
    const WIDEST: usize = 16;
    const { assert!(S::LANES <= WIDEST, "a vector that fits") };
    let mut lanes = [0.0; WIDEST];
    // SAFETY: there is room for the widest vector.
    unsafe { simd.store(lanes.as_mut_ptr(), vector) };
    lanes.into_iter().map(f64::from).sum()
}
