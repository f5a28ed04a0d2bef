//! Sixteen lanes: AVX-512 F.

use super::vector::{Kernel, Simd};
use std::arch::x86_64::{
    __m512, __mmask16, _CMP_GT_OQ, _mm512_add_ps, _mm512_cmp_ps_mask, _mm512_div_ps,
    _mm512_fmadd_ps, _mm512_fnmadd_ps, _mm512_loadu_ps, _mm512_mask_blend_ps,
    _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_max_ps, _mm512_min_ps, _mm512_mul_ps,
    _mm512_rcp14_ps, _mm512_scalef_ps, _mm512_set1_ps, _mm512_storeu_ps, _mm512_sub_ps,
};

/// Exists only inside [`run`], and so only where AVX-512 does: that is what makes every call of
/// an intrinsic below sound.
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

/// # Safety
/// The machine must have AVX-512 F, AVX2 and FMA.
#[target_feature(enable = "avx512f,avx2,fma")]
pub(super) unsafe fn run<K: Kernel>(kernel: K) -> K::Output {
    kernel.run(Avx512(()))
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

impl Simd for Avx512 {
    type Vector = __m512;
    type Mask = __mmask16;
    const LANES: usize = 16;

    binary! {
        add => _mm512_add_ps,
        sub => _mm512_sub_ps,
        mul => _mm512_mul_ps,
        div => _mm512_div_ps,
        min => _mm512_min_ps,
        max => _mm512_max_ps,
        scale_by_power_of_two => _mm512_scalef_ps,
    }

    #[inline(always)]
    fn mask(self, lanes: usize) -> __mmask16 {
        ((1_u32 << lanes) - 1) as __mmask16
    }

    #[inline(always)]
    unsafe fn turn_eight(
        self,
        rows: [*const f32; 8],
        origin: *const f32,
        to: *mut f32,
        stride: usize,
    ) {
        // SAFETY: the caller vouches for the memory; for the instructions see `Avx512`.
        unsafe { super::avx2::turn_eight(rows, origin, to, stride) }
    }

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        // SAFETY: see `Avx512`.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m512 {
        // SAFETY: the caller vouches for the memory.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: __m512) {
        // SAFETY: the caller vouches for the memory.
        unsafe { _mm512_storeu_ps(to, value) }
    }

    #[inline(always)]
    unsafe fn load_first(self, from: *const f32, mask: __mmask16) -> __m512 {
        // SAFETY: the caller vouches for the memory of the mask's lanes; others are not touched.
        unsafe { _mm512_maskz_loadu_ps(mask, from) }
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, mask: __mmask16, value: __m512) {
        // SAFETY: as for `load_first`.
        unsafe { _mm512_mask_storeu_ps(to, mask, value) }
    }

    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: see `Avx512`.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    /// An estimate to fourteen bits and one step of Newton's method: cheaper than a division.
    #[inline(always)]
    fn reciprocal(self, a: __m512) -> __m512 {
        // SAFETY: see `Avx512`.
        unsafe {
            let estimate = _mm512_rcp14_ps(a);
            let error = _mm512_fnmadd_ps(a, estimate, _mm512_set1_ps(1.0));
            _mm512_fmadd_ps(estimate, error, estimate)
        }
    }

    #[inline(always)]
    fn where_greater(self, a: __m512, b: __m512, yes: __m512, no: __m512) -> __m512 {
        // SAFETY: see `Avx512`.
        unsafe { _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b), no, yes) }
    }
}
