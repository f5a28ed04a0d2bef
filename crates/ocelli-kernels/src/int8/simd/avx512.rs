//! Sixteen lanes: AVX-512 with VNNI, whose `vpdpbusd` adds four products to each lane.

#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use super::vector::{Integer, Kernel, STEP};
use std::arch::x86_64::{
    self as x86, __m512, __m512i, _mm_loadu_si128, _mm_maskz_loadu_epi8, _mm512_add_epi32,
    _mm512_add_ps, _mm512_cvtepi32_ps, _mm512_cvtepu8_epi32, _mm512_cvtps_epi32, _mm512_div_ps,
    _mm512_dpbusd_epi32, _mm512_fmadd_ps, _mm512_loadu_si512, _mm512_mask_cvtepi32_storeu_epi8,
    _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_max_ps, _mm512_min_ps, _mm512_mul_ps,
    _mm512_or_si512, _mm512_set1_epi32, _mm512_set1_ps, _mm512_slli_epi32, _mm512_storeu_si512,
    _mm512_sub_ps,
};

/// Exists only inside [`run`], and so only where the instructions do: that is what makes every call of
/// an intrinsic below sound.
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

/// # Safety
/// The machine must have AVX-512 F, BW, VL and VNNI, and AVX2.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2")]
pub(super) unsafe fn run<K: Kernel>(kernel: K) {
    kernel.run(Avx512(()));
}

/// The first `count` lanes, at most sixteen.
#[inline(always)]
fn first(count: usize) -> u16 {
    ((1_u32 << count.min(16)) - 1) as u16
}

macro_rules! binary {
    ($($name:ident => $intrinsic:ident),* $(,)?) => {$(
        #[inline(always)]
        fn $name(self, a: __m512, b: __m512) -> __m512 {
            // SAFETY: see `Avx512`.
            unsafe { $intrinsic(a, b) }
        }
    )*};
}

impl Integer for Avx512 {
    type Sums = __m512i;
    type Codes = __m512i;
    type Weights = __m512i;
    type Ints = __m512i;
    type Floats = __m512;
    const LANES: usize = 16;
    const TILE: [usize; 2] = [12, 2];

    binary! {
        add => _mm512_add_ps,
        sub => _mm512_sub_ps,
        mul => _mm512_mul_ps,
        div => _mm512_div_ps,
    }

    #[inline(always)]
    fn begin(self, start: __m512i) -> __m512i {
        start
    }

    #[inline(always)]
    fn end(self, sums: __m512i, _: __m512i) -> __m512i {
        sums
    }

    #[inline(always)]
    fn spread(self, codes: u32) -> __m512i {
        self.splat_int(codes as i32)
    }

    #[inline(always)]
    fn dot(self, sums: __m512i, codes: __m512i, weights: __m512i) -> __m512i {
        // SAFETY: see `Avx512`.
        unsafe { _mm512_dpbusd_epi32(sums, codes, weights) }
    }

    #[inline(always)]
    unsafe fn weights(self, from: *const i8) -> __m512i {
        // SAFETY: the caller vouches for the memory.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn codes(self, from: *const u8) -> __m512i {
        // SAFETY: the caller vouches for the memory.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store_quads(self, [a, b, c, d]: [__m512i; STEP], to: *mut u8) {
        // SAFETY: the caller vouches for the memory.
        unsafe {
            let low = _mm512_or_si512(a, _mm512_slli_epi32::<8>(b));
            let high = _mm512_or_si512(_mm512_slli_epi32::<16>(c), _mm512_slli_epi32::<24>(d));
            _mm512_storeu_si512(to.cast(), _mm512_or_si512(low, high));
        }
    }

    #[inline(always)]
    unsafe fn bytes(self, from: *const u8, count: usize) -> __m512i {
        // SAFETY: the caller vouches for `count` bytes; others are not touched.
        unsafe {
            _mm512_cvtepu8_epi32(if count >= 16 {
                _mm_loadu_si128(from.cast())
            } else {
                _mm_maskz_loadu_epi8(first(count), from.cast())
            })
        }
    }

    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut u8, ints: __m512i, count: usize) {
        // SAFETY: the caller vouches for `count` bytes; others are not touched.
        unsafe { _mm512_mask_cvtepi32_storeu_epi8(to.cast(), first(count), ints) }
    }

    /// Packing works within quarters of the registers, so the vectors come out interleaved, and are put in order
    /// all at once.
    #[inline(always)]
    unsafe fn store_codes(self, values: [__m512; 4], zero: i32, to: [*mut u8; 4]) {
        // SAFETY: see `Avx512`; the caller vouches for the memory.
        unsafe {
            let [a, b, c, d] = values;
            let [a, b, c, d] = [self.round(a), self.round(b), self.round(c), self.round(d)];
            let zero = x86::_mm512_set1_epi16(zero as i16);
            let low = x86::_mm512_adds_epi16(x86::_mm512_packs_epi32(a, b), zero);
            let high = x86::_mm512_adds_epi16(x86::_mm512_packs_epi32(c, d), zero);
            let order =
                x86::_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
            let bytes = x86::_mm512_permutexvar_epi32(order, x86::_mm512_packus_epi16(low, high));
            x86::_mm_storeu_si128(to[0].cast(), x86::_mm512_castsi512_si128(bytes));
            x86::_mm_storeu_si128(to[1].cast(), x86::_mm512_extracti32x4_epi32::<1>(bytes));
            x86::_mm_storeu_si128(to[2].cast(), x86::_mm512_extracti32x4_epi32::<2>(bytes));
            x86::_mm_storeu_si128(to[3].cast(), x86::_mm512_extracti32x4_epi32::<3>(bytes));
        }
    }

    #[inline(always)]
    unsafe fn ints(self, from: *const i32) -> __m512i {
        // SAFETY: the caller vouches for the memory.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn floats(self, from: *const f32, count: usize) -> __m512 {
        // SAFETY: the caller vouches for `count` floats; others are not touched.
        unsafe { _mm512_maskz_loadu_ps(first(count), from) }
    }

    #[inline(always)]
    unsafe fn store_floats(self, to: *mut f32, floats: __m512, count: usize) {
        // SAFETY: the caller vouches for `count` floats; others are not touched.
        unsafe { _mm512_mask_storeu_ps(to, first(count), floats) }
    }

    #[inline(always)]
    fn splat_int(self, value: i32) -> __m512i {
        // SAFETY: see `Avx512`.
        unsafe { _mm512_set1_epi32(value) }
    }

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        // SAFETY: see `Avx512`.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    fn to_floats(self, ints: __m512i) -> __m512 {
        // SAFETY: see `Avx512`.
        unsafe { _mm512_cvtepi32_ps(ints) }
    }

    #[inline(always)]
    fn round(self, floats: __m512) -> __m512i {
        // SAFETY: see `Avx512`.
        unsafe { _mm512_cvtps_epi32(floats) }
    }

    #[inline(always)]
    fn add_ints(self, a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: see `Avx512`.
        unsafe { _mm512_add_epi32(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: see `Avx512`.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn clamp(self, floats: __m512, low: __m512, high: __m512) -> __m512 {
        // SAFETY: see `Avx512`. The second operand is the result where one is a NaN.
        unsafe { _mm512_min_ps(_mm512_max_ps(floats, low), high) }
    }
}
