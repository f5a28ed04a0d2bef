//! Eight lanes: AVX2, exactly.
//!
//! `vpmaddubsw` would add pairs of products in 16 bits and saturate, which weights of eight bits can reach.
//! So both factors are widened to 16 bits, and `vpmaddwd` adds pairs of products in 32.

#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use super::eight_lanes::eight_lanes;
use super::vector::{Integer, Kernel, STEP};
use std::arch::x86_64::{self as x86, __m256, __m256i};

/// Exists only inside [`run`], and so only where AVX2 and FMA do: that is what makes every call of an
/// intrinsic below sound.
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

/// # Safety
/// The machine must have AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn run<K: Kernel>(kernel: K) {
    kernel.run(Avx2(()));
}

/// The first four and the last four of eight lanes, each lane twice as wide.
type Halves = [__m256i; 2];

impl Integer for Avx2 {
    /// Two sums for each lane: of its first and of its last two products.
    type Sums = Halves;
    type Codes = Halves;
    type Weights = Halves;
    const TILE: [usize; 2] = [4, 1];

    eight_lanes!();

    #[inline(always)]
    fn begin(self, _: __m256i) -> Halves {
        [self.splat_int(0); 2]
    }

    #[inline(always)]
    fn end(self, [low, high]: Halves, start: __m256i) -> __m256i {
        // SAFETY: see `Avx2`. The sum of neighbours has lanes 0, 1, 4, 5, 2, 3, 6, 7.
        unsafe {
            let sums = x86::_mm256_hadd_epi32(low, high);
            let in_order = x86::_mm256_permute4x64_epi64::<0b11_01_10_00>(sums);
            x86::_mm256_add_epi32(in_order, start)
        }
    }

    #[inline(always)]
    fn spread(self, codes: u32) -> Halves {
        // SAFETY: see `Avx2`.
        unsafe { [x86::_mm256_cvtepu8_epi16(x86::_mm_set1_epi32(codes as i32)); 2] }
    }

    #[inline(always)]
    fn dot(self, sums: Halves, codes: Halves, weights: Halves) -> Halves {
        // SAFETY: see `Avx2`.
        std::array::from_fn(
            #[inline(always)]
            |half| unsafe {
                let products = x86::_mm256_madd_epi16(codes[half], weights[half]);
                x86::_mm256_add_epi32(sums[half], products)
            },
        )
    }

    #[inline(always)]
    unsafe fn weights(self, from: *const i8) -> Halves {
        // SAFETY: the caller vouches for the memory.
        unsafe {
            [
                x86::_mm256_cvtepi8_epi16(x86::_mm_loadu_si128(from.cast())),
                x86::_mm256_cvtepi8_epi16(x86::_mm_loadu_si128(from.add(16).cast())),
            ]
        }
    }

    #[inline(always)]
    unsafe fn codes(self, from: *const u8) -> Halves {
        // SAFETY: the caller vouches for the memory.
        unsafe {
            [
                x86::_mm256_cvtepu8_epi16(x86::_mm_loadu_si128(from.cast())),
                x86::_mm256_cvtepu8_epi16(x86::_mm_loadu_si128(from.add(16).cast())),
            ]
        }
    }
}
