//! Eight lanes: AVX2 with FMA.

use super::vector::{Kernel, Simd};
use std::arch::x86_64::{
    __m256, __m256i, _CMP_GT_OQ, _mm256_add_epi32, _mm256_add_ps, _mm256_blendv_ps,
    _mm256_castps_si256, _mm256_castsi256_ps, _mm256_cmp_ps, _mm256_cmpgt_epi32,
    _mm256_cvtps_epi32, _mm256_div_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_maskload_ps,
    _mm256_maskstore_ps, _mm256_max_ps, _mm256_min_ps, _mm256_mul_ps, _mm256_permute2f128_ps,
    _mm256_set1_epi32, _mm256_set1_ps, _mm256_setr_epi32, _mm256_shuffle_ps, _mm256_slli_epi32,
    _mm256_storeu_ps, _mm256_sub_ps, _mm256_unpackhi_ps, _mm256_unpacklo_ps,
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
    unsafe fn turn_eight(
        self,
        rows: [*const f32; 8],
        origin: *const f32,
        to: *mut f32,
        stride: usize,
    ) {
        // SAFETY: the caller vouches for the memory; for the instructions see `Avx2`.
        unsafe { turn_eight(rows, origin, to, stride) }
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

/// Turns eight rows of eight numbers round, as [`Simd::turn_eight`] says.
///
/// # Safety
/// As there, and the machine must have AVX.
#[inline(always)]
pub(super) unsafe fn turn_eight(
    rows: [*const f32; 8],
    origin: *const f32,
    to: *mut f32,
    stride: usize,
) {
    // SAFETY: the caller vouches for the memory and the instructions.
    unsafe {
        let origin = _mm256_loadu_ps(origin);
        // No closures: these would be compiled without the instructions, and called.
        let [a, b, c, d, e, f, g, h] = rows;
        let (a, b) = (_mm256_loadu_ps(a), _mm256_loadu_ps(b));
        let (c, d) = (_mm256_loadu_ps(c), _mm256_loadu_ps(d));
        let (e, f) = (_mm256_loadu_ps(e), _mm256_loadu_ps(f));
        let (g, h) = (_mm256_loadu_ps(g), _mm256_loadu_ps(h));
        let (a, b) = (_mm256_sub_ps(a, origin), _mm256_sub_ps(b, origin));
        let (c, d) = (_mm256_sub_ps(c, origin), _mm256_sub_ps(d, origin));
        let (e, f) = (_mm256_sub_ps(e, origin), _mm256_sub_ps(f, origin));
        let (g, h) = (_mm256_sub_ps(g, origin), _mm256_sub_ps(h, origin));
        // Pairs of rows, then fours, then all eight.
        let (ab, ab_high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
        let (cd, cd_high) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
        let (ef, ef_high) = (_mm256_unpacklo_ps(e, f), _mm256_unpackhi_ps(e, f));
        let (gh, gh_high) = (_mm256_unpacklo_ps(g, h), _mm256_unpackhi_ps(g, h));
        let first = [
            _mm256_shuffle_ps::<0x44>(ab, cd),
            _mm256_shuffle_ps::<0xee>(ab, cd),
            _mm256_shuffle_ps::<0x44>(ab_high, cd_high),
            _mm256_shuffle_ps::<0xee>(ab_high, cd_high),
        ];
        let second = [
            _mm256_shuffle_ps::<0x44>(ef, gh),
            _mm256_shuffle_ps::<0xee>(ef, gh),
            _mm256_shuffle_ps::<0x44>(ef_high, gh_high),
            _mm256_shuffle_ps::<0xee>(ef_high, gh_high),
        ];
        for number in 0..4 {
            let low = _mm256_permute2f128_ps::<0x20>(first[number], second[number]);
            let high = _mm256_permute2f128_ps::<0x31>(first[number], second[number]);
            _mm256_storeu_ps(to.add(number * stride), low);
            _mm256_storeu_ps(to.add((number + 4) * stride), high);
        }
    }
}
