//! Eight lanes in plain Rust.

#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use super::vector::{Integer, STEP};

const LANES: usize = 8;

#[derive(Clone, Copy)]
pub(super) struct Portable;

#[inline(always)]
fn zip(a: [f32; LANES], b: [f32; LANES], op: impl Fn(f32, f32) -> f32) -> [f32; LANES] {
    std::array::from_fn(|lane| op(a[lane], b[lane]))
}

impl Integer for Portable {
    type Sums = [i32; LANES];
    type Codes = [u8; STEP * LANES];
    type Weights = [i8; STEP * LANES];
    type Ints = [i32; LANES];
    type Floats = [f32; LANES];
    const LANES: usize = LANES;
    const TILE: [usize; 2] = [4, 2];

    #[inline(always)]
    fn begin(self, start: [i32; LANES]) -> [i32; LANES] {
        start
    }

    #[inline(always)]
    fn end(self, sums: [i32; LANES], _: [i32; LANES]) -> [i32; LANES] {
        sums
    }

    #[inline(always)]
    fn spread(self, codes: u32) -> Self::Codes {
        let bytes = codes.to_le_bytes();
        std::array::from_fn(|place| bytes[place % STEP])
    }

    #[inline(always)]
    fn dot(self, sums: Self::Sums, codes: Self::Codes, weights: Self::Weights) -> Self::Sums {
        std::array::from_fn(|lane| {
            (lane * STEP..(lane + 1) * STEP).fold(sums[lane], |sum, place| {
                sum.wrapping_add(i32::from(codes[place]) * i32::from(weights[place]))
            })
        })
    }

    #[inline(always)]
    unsafe fn weights(self, from: *const i8) -> Self::Weights {
        // SAFETY: the caller vouches for the memory.
        unsafe { from.cast::<Self::Weights>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn codes(self, from: *const u8) -> Self::Codes {
        // SAFETY: the caller vouches for the memory.
        unsafe { from.cast::<Self::Codes>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store_quads(self, codes: [Self::Ints; STEP], to: *mut u8) {
        let bytes: Self::Codes =
            std::array::from_fn(|place| codes[place % STEP][place / STEP] as u8);
        // SAFETY: the caller vouches for the memory.
        unsafe { to.cast::<Self::Codes>().write_unaligned(bytes) }
    }

    #[inline(always)]
    unsafe fn bytes(self, from: *const u8, count: usize) -> Self::Ints {
        let mut ints = [0; LANES];
        for (lane, int) in ints.iter_mut().enumerate().take(count) {
            // SAFETY: the caller vouches for `count` bytes.
            *int = i32::from(unsafe { *from.add(lane) });
        }
        ints
    }

    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut u8, ints: Self::Ints, count: usize) {
        for (lane, int) in ints.into_iter().enumerate().take(count) {
            // SAFETY: the caller vouches for `count` bytes.
            unsafe { *to.add(lane) = int as u8 };
        }
    }

    #[inline(always)]
    unsafe fn ints(self, from: *const i32) -> Self::Ints {
        // SAFETY: the caller vouches for the memory.
        unsafe { from.cast::<Self::Ints>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn floats(self, from: *const f32, count: usize) -> Self::Floats {
        let mut floats = [0.0; LANES];
        for (lane, float) in floats.iter_mut().enumerate().take(count) {
            // SAFETY: the caller vouches for `count` floats.
            *float = unsafe { *from.add(lane) };
        }
        floats
    }

    #[inline(always)]
    unsafe fn store_floats(self, to: *mut f32, floats: Self::Floats, count: usize) {
        for (lane, float) in floats.into_iter().enumerate().take(count) {
            // SAFETY: the caller vouches for `count` floats.
            unsafe { *to.add(lane) = float };
        }
    }

    #[inline(always)]
    fn splat_int(self, value: i32) -> Self::Ints {
        [value; LANES]
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::Floats {
        [value; LANES]
    }

    #[inline(always)]
    fn to_floats(self, ints: Self::Ints) -> Self::Floats {
        ints.map(
            #[inline(always)]
            |int| int as f32,
        )
    }

    /// Adding and subtracting 1.5 · 2²³ rounds as the other instruction sets do, for whatever fits in a
    /// byte; plain `round_ties_even` is a call on the oldest machines.
    #[inline(always)]
    fn round(self, floats: Self::Floats) -> Self::Ints {
        const ROUNDER: f32 = 12_582_912.0;
        floats.map(
            #[inline(always)]
            |float| ((float + ROUNDER) - ROUNDER) as i32,
        )
    }

    #[inline(always)]
    fn add(self, a: Self::Floats, b: Self::Floats) -> Self::Floats {
        zip(a, b, |a, b| a + b)
    }

    #[inline(always)]
    fn add_ints(self, a: Self::Ints, b: Self::Ints) -> Self::Ints {
        std::array::from_fn(|lane| a[lane].wrapping_add(b[lane]))
    }

    #[inline(always)]
    fn mul_add(self, a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats {
        std::array::from_fn(|lane| a[lane].mul_add(b[lane], c[lane]))
    }

    #[inline(always)]
    fn sub(self, a: Self::Floats, b: Self::Floats) -> Self::Floats {
        zip(a, b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, a: Self::Floats, b: Self::Floats) -> Self::Floats {
        zip(a, b, |a, b| a * b)
    }

    #[inline(always)]
    fn div(self, a: Self::Floats, b: Self::Floats) -> Self::Floats {
        zip(a, b, |a, b| a / b)
    }

    #[inline(always)]
    fn clamp(self, floats: Self::Floats, low: Self::Floats, high: Self::Floats) -> Self::Floats {
        let above = zip(floats, low, |float, low| if float > low { float } else { low });
        zip(above, high, |float, high| if float < high { float } else { high })
    }
}
