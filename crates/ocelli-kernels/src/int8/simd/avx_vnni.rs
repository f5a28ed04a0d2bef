//! Eight lanes: AVX-VNNI, the `vpdpbusd` of processors without AVX-512.

#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use super::eight_lanes::eight_lanes;
use super::vector::{Integer, Kernel, STEP};
use std::arch::x86_64::{self as x86, __m256, __m256i};

/// Exists only inside [`run`], and so only where the instructions do: that is what makes every call of
/// an intrinsic below sound.
#[derive(Clone, Copy)]
pub(super) struct AvxVnni(());

/// # Safety
/// The machine must have AVX-VNNI and AVX2.
#[target_feature(enable = "avxvnni,avx2,fma")]
pub(super) unsafe fn run<K: Kernel>(kernel: K) {
    kernel.run(AvxVnni(()));
}

impl Integer for AvxVnni {
    type Sums = __m256i;
    type Codes = __m256i;
    type Weights = __m256i;
    const TILE: [usize; 2] = [6, 2];

    eight_lanes!();

    #[inline(always)]
    fn begin(self, start: __m256i) -> __m256i {
        start
    }

    #[inline(always)]
    fn end(self, sums: __m256i, _: __m256i) -> __m256i {
        sums
    }

    #[inline(always)]
    fn spread(self, codes: u32) -> __m256i {
        self.splat_int(codes as i32)
    }

    #[inline(always)]
    fn dot(self, sums: __m256i, codes: __m256i, weights: __m256i) -> __m256i {
        // SAFETY: see `AvxVnni`.
        unsafe { x86::_mm256_dpbusd_avx_epi32(sums, codes, weights) }
    }

    #[inline(always)]
    unsafe fn weights(self, from: *const i8) -> __m256i {
        // SAFETY: the caller vouches for the memory.
        unsafe { x86::_mm256_loadu_si256(from.cast()) }
    }

    #[inline(always)]
    unsafe fn codes(self, from: *const u8) -> __m256i {
        // SAFETY: the caller vouches for the memory.
        unsafe { x86::_mm256_loadu_si256(from.cast()) }
    }
}
