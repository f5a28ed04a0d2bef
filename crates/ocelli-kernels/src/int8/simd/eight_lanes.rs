//! What the two instruction sets of eight lanes have in common: all but the products. Both have FMA beside AVX2.

/// The parts of an [`Integer`](super::Integer) that AVX2 has.
macro_rules! eight_lanes {
    () => {
        type Ints = __m256i;
        type Floats = __m256;
        const LANES: usize = 8;

        #[inline(always)]
        unsafe fn store_quads(self, [a, b, c, d]: [__m256i; STEP], to: *mut u8) {
            // SAFETY: the caller vouches for the memory.
            unsafe {
                let low = x86::_mm256_or_si256(a, x86::_mm256_slli_epi32::<8>(b));
                let (c, d) = (x86::_mm256_slli_epi32::<16>(c), x86::_mm256_slli_epi32::<24>(d));
                let quads = x86::_mm256_or_si256(low, x86::_mm256_or_si256(c, d));
                x86::_mm256_storeu_si256(to.cast(), quads);
            }
        }

        #[inline(always)]
        unsafe fn bytes(self, from: *const u8, count: usize) -> __m256i {
            // SAFETY: the caller vouches for `count` bytes.
            unsafe {
                x86::_mm256_cvtepu8_epi32(if count >= 8 {
                    x86::_mm_loadl_epi64(from.cast())
                } else {
                    let mut all = [0_u8; 8];
                    std::ptr::copy_nonoverlapping(from, all.as_mut_ptr(), count);
                    x86::_mm_loadl_epi64(all.as_ptr().cast())
                })
            }
        }

        #[inline(always)]
        unsafe fn store_bytes(self, to: *mut u8, ints: __m256i, count: usize) {
            // SAFETY: the caller vouches for `count` bytes.
            unsafe {
                let words = x86::_mm256_packus_epi32(ints, ints);
                let bytes = x86::_mm256_packus_epi16(words, words);
                let low = x86::_mm256_castsi256_si128(bytes);
                let high = x86::_mm256_extracti128_si256::<1>(bytes);
                let all = x86::_mm_unpacklo_epi32(low, high);
                if count >= 8 {
                    x86::_mm_storel_epi64(to.cast(), all);
                } else {
                    let mut bytes = [0_u8; 8];
                    x86::_mm_storel_epi64(bytes.as_mut_ptr().cast(), all);
                    std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, count);
                }
            }
        }

        #[inline(always)]
        unsafe fn ints(self, from: *const i32) -> __m256i {
            // SAFETY: the caller vouches for the memory.
            unsafe { x86::_mm256_loadu_si256(from.cast()) }
        }

        #[inline(always)]
        unsafe fn floats(self, from: *const f32, count: usize) -> __m256 {
            // SAFETY: the caller vouches for `count` floats.
            unsafe {
                if count >= 8 {
                    x86::_mm256_loadu_ps(from)
                } else {
                    let mut all = [0.0_f32; 8];
                    std::ptr::copy_nonoverlapping(from, all.as_mut_ptr(), count);
                    x86::_mm256_loadu_ps(all.as_ptr())
                }
            }
        }

        #[inline(always)]
        unsafe fn store_floats(self, to: *mut f32, floats: __m256, count: usize) {
            // SAFETY: the caller vouches for `count` floats.
            unsafe {
                if count >= 8 {
                    x86::_mm256_storeu_ps(to, floats);
                } else {
                    let mut all = [0.0_f32; 8];
                    x86::_mm256_storeu_ps(all.as_mut_ptr(), floats);
                    std::ptr::copy_nonoverlapping(all.as_ptr(), to, count);
                }
            }
        }

        #[inline(always)]
        fn splat_int(self, value: i32) -> __m256i {
            // SAFETY: the type exists only where the instructions do.
            unsafe { x86::_mm256_set1_epi32(value) }
        }

        #[inline(always)]
        fn splat(self, value: f32) -> __m256 {
            // SAFETY: as above.
            unsafe { x86::_mm256_set1_ps(value) }
        }

        #[inline(always)]
        fn to_floats(self, ints: __m256i) -> __m256 {
            // SAFETY: as above.
            unsafe { x86::_mm256_cvtepi32_ps(ints) }
        }

        #[inline(always)]
        fn round(self, floats: __m256) -> __m256i {
            // SAFETY: as above.
            unsafe { x86::_mm256_cvtps_epi32(floats) }
        }

        #[inline(always)]
        fn add(self, a: __m256, b: __m256) -> __m256 {
            // SAFETY: as above.
            unsafe { x86::_mm256_add_ps(a, b) }
        }

        #[inline(always)]
        fn add_ints(self, a: __m256i, b: __m256i) -> __m256i {
            // SAFETY: as above.
            unsafe { x86::_mm256_add_epi32(a, b) }
        }

        #[inline(always)]
        fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
            // SAFETY: as above.
            unsafe { x86::_mm256_fmadd_ps(a, b, c) }
        }

        #[inline(always)]
        fn sub(self, a: __m256, b: __m256) -> __m256 {
            // SAFETY: as above.
            unsafe { x86::_mm256_sub_ps(a, b) }
        }

        #[inline(always)]
        fn mul(self, a: __m256, b: __m256) -> __m256 {
            // SAFETY: as above.
            unsafe { x86::_mm256_mul_ps(a, b) }
        }

        #[inline(always)]
        fn div(self, a: __m256, b: __m256) -> __m256 {
            // SAFETY: as above.
            unsafe { x86::_mm256_div_ps(a, b) }
        }

        #[inline(always)]
        fn clamp(self, floats: __m256, low: __m256, high: __m256) -> __m256 {
            // SAFETY: as above. The second operand is the result where one is a NaN.
            unsafe { x86::_mm256_min_ps(x86::_mm256_max_ps(floats, low), high) }
        }
    };
}
pub(super) use eight_lanes;
