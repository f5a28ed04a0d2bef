//! What an instruction set can do, and what kernels are.

#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

/// How many codes of a row one step of a product takes.
pub(in crate::int8) const STEP: usize = 4;

/// Vectors of 32-bit integers and floats, and what integer kernels do with them.
pub(in crate::int8) trait Integer: Copy + Send + Sync {
    /// Sums of products, one for each lane.
    type Sums: Copy;
    /// [`STEP`] codes for each lane, ready to be multiplied.
    type Codes: Copy;
    /// [`STEP`] weights for each lane, ready to be multiplied.
    type Weights: Copy;
    /// [`Self::LANES`] integers.
    type Ints: Copy;
    /// [`Self::LANES`] floats.
    type Floats: Copy;
    /// How many sums a vector holds.
    const LANES: usize;
    /// Rows and vectors of the largest tile of sums that the registers hold.
    const TILE: [usize; 2];

    /// Sums that begin with `start`, which [`Self::end`] is handed again.
    fn begin(self, start: Self::Ints) -> Self::Sums;
    /// The sums, `start` included.
    fn end(self, sums: Self::Sums, start: Self::Ints) -> Self::Ints;
    /// The same [`STEP`] codes for all lanes, the first in the least significant byte.
    fn spread(self, codes: u32) -> Self::Codes;
    /// Adds the [`STEP`] products of each lane.
    fn dot(self, sums: Self::Sums, codes: Self::Codes, weights: Self::Weights) -> Self::Sums;

    /// # Safety
    /// `STEP · LANES` bytes must be readable at `from`.
    unsafe fn weights(self, from: *const i8) -> Self::Weights;

    /// # Safety
    /// `STEP · LANES` bytes must be readable at `from`.
    unsafe fn codes(self, from: *const u8) -> Self::Codes;

    /// Stores what [`Self::codes`] loads, from the codes that are first, second, … in each lane.
    ///
    /// # Safety
    /// `STEP · LANES` bytes must be writable at `to`.
    unsafe fn store_quads(self, codes: [Self::Ints; STEP], to: *mut u8);

    /// The first `count` bytes, at most [`Self::LANES`], as integers; the others are zero.
    ///
    /// # Safety
    /// `count` bytes must be readable at `from`.
    unsafe fn bytes(self, from: *const u8, count: usize) -> Self::Ints;

    /// Stores the first `count` integers, which are between 0 and 255, as bytes.
    ///
    /// # Safety
    /// `count` bytes must be writable at `to`.
    unsafe fn store_bytes(self, to: *mut u8, ints: Self::Ints, count: usize);

    /// Stores four vectors of numbers as bytes: the nearest integers, plus `zero`, saturated. Numbers must fit in
    /// 32 bits.
    ///
    /// # Safety
    /// [`Self::LANES`] bytes must be writable at each place.
    #[inline(always)]
    unsafe fn store_codes(self, values: [Self::Floats; 4], zero: i32, to: [*mut u8; 4]) {
        let (low, high) = (self.splat(-zero as f32), self.splat((255 - zero) as f32));
        for (value, to) in values.into_iter().zip(to) {
            let code = self.round(self.clamp(value, low, high));
            // SAFETY: the caller vouches for the memory.
            unsafe { self.store_bytes(to, self.add_ints(code, self.splat_int(zero)), Self::LANES) }
        }
    }

    /// # Safety
    /// [`Self::LANES`] integers must be readable at `from`.
    unsafe fn ints(self, from: *const i32) -> Self::Ints;

    /// The first `count` floats; the others are zero.
    ///
    /// # Safety
    /// `count` floats must be readable at `from`.
    unsafe fn floats(self, from: *const f32, count: usize) -> Self::Floats;

    /// # Safety
    /// `count` floats must be writable at `to`.
    unsafe fn store_floats(self, to: *mut f32, floats: Self::Floats, count: usize);

    fn splat_int(self, value: i32) -> Self::Ints;
    fn splat(self, value: f32) -> Self::Floats;
    fn to_floats(self, ints: Self::Ints) -> Self::Floats;
    /// The nearest integers, the even ones where two are equally near.
    fn round(self, floats: Self::Floats) -> Self::Ints;
    fn add_ints(self, a: Self::Ints, b: Self::Ints) -> Self::Ints;
    fn add(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// a · b + c, rounded once.
    fn mul_add(self, a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats;
    fn sub(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn mul(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn div(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// `floats` between `low` and `high`; `low` for a NaN.
    fn clamp(self, floats: Self::Floats, low: Self::Floats, high: Self::Floats) -> Self::Floats;
}

/// Work that is written once for every instruction set.
pub(in crate::int8) trait Kernel {
    /// Does the work; implementations are `#[inline(always)]`.
    fn run<S: Integer>(self, simd: S);
}
