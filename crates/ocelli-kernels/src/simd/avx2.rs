//! Eight lanes: AVX2 with FMA.

use super::vector::{Kernel, Simd};
use std::arch::x86_64::{
    __m256, __m256i, _CMP_GT_OQ, _mm256_add_epi32, _mm256_add_ps, _mm256_blendv_ps,
    _mm256_castps_si256, _mm256_castsi256_ps, _mm256_cmp_ps, _mm256_cmpgt_epi32,
    _mm256_cvtps_epi32, _mm256_div_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_maskload_ps,
    _mm256_maskstore_ps, _mm256_max_ps, _mm256_min_ps, _mm256_mul_ps, _mm256_set1_epi32,
    _mm256_set1_ps, _mm256_setr_epi32, _mm256_slli_epi32, _mm256_storeu_ps, _mm256_sub_ps,
};

/// Exists only inside [`run`], and so only where AVX2 and FMA do: that is what makes every call
/// of an intrinsic below sound.
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

/// # Safety
/// The machine must have AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn run<K: Kernel>(kernel: K) -> K::Output {
    kernel.run(Avx2(()))
}

macro_rules! binary {
    ($($name:ident => $intrinsic:ident),* $(,)?) => {$(
        #[inline(always)]
        fn $name(self, a: __m256, b: __m256) -> __m256 {
            // SAFETY: see `Avx2`.
            unsafe { $intrinsic(a, b) }
        }
    )*};
}

impl Simd for Avx2 {
    type Vector = __m256;
    type Mask = __m256i;
    const LANES: usize = 8;

    binary! {
        add => _mm256_add_ps,
        sub => _mm256_sub_ps,
        mul => _mm256_mul_ps,
        div => _mm256_div_ps,
        min => _mm256_min_ps,
        max => _mm256_max_ps,
    }

    #[inline(always)]
    fn mask(self, lanes: usize) -> __m256i {
        // SAFETY: see `Avx2`.
        unsafe {
            let lane_indices = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            _mm256_cmpgt_epi32(_mm256_set1_epi32(lanes as i32), lane_indices)
        }
    }

    #[inline(always)]
    fn splat(self, value: f32) -> __m256 {
        // SAFETY: see `Avx2`.
        unsafe { _mm256_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m256 {
        // SAFETY: the caller vouches for the memory.
        unsafe { _mm256_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: __m256) {
        // SAFETY: the caller vouches for the memory.
        unsafe { _mm256_storeu_ps(to, value) }
    }

    #[inline(always)]
    unsafe fn load_first(self, from: *const f32, mask: __m256i) -> __m256 {
        // SAFETY: the caller vouches for the memory of the mask's lanes; others are not touched.
        unsafe { _mm256_maskload_ps(from, mask) }
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, mask: __m256i, value: __m256) {
        // SAFETY: as for `load_first`.
        unsafe { _mm256_maskstore_ps(to, mask, value) }
    }

    #[inline(always)]
    fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: see `Avx2`.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn where_greater(self, a: __m256, b: __m256, yes: __m256, no: __m256) -> __m256 {
        // SAFETY: see `Avx2`.
        unsafe { _mm256_blendv_ps(no, yes, _mm256_cmp_ps::<_CMP_GT_OQ>(a, b)) }
    }

    #[inline(always)]
    fn scale_by_power_of_two(self, a: __m256, n: __m256) -> __m256 {
        // SAFETY: see `Avx2`. The exponent field of 2ⁿ is n + 127.
        unsafe {
            let one = _mm256_castps_si256(_mm256_set1_ps(1.0));
            let shifted = _mm256_slli_epi32::<23>(_mm256_cvtps_epi32(n));
            _mm256_mul_ps(a, _mm256_castsi256_ps(_mm256_add_epi32(shifted, one)))
        }
    }
}
