//! Products of unsigned and signed bytes, one type per instruction set, chosen when the program runs.
//!
//! The sums are exact on every one of them, and what follows a sum is `f32` arithmetic of single
//! operations, never fused: so all instruction sets give the same bits.

#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx_vnni;
#[cfg(target_arch = "x86_64")]
mod eight_lanes;
mod portable;

use portable::Portable;
use std::sync::OnceLock;

/// How many codes of a row one step of a product takes.
pub(super) const STEP: usize = 4;

/// Vectors of 32-bit integers and floats, and what integer kernels do with them.
pub(super) trait Integer: Copy + Send + Sync {
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
    fn add(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn sub(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn mul(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn div(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// `floats` between `low` and `high`; `low` for a NaN.
    fn clamp(self, floats: Self::Floats, low: Self::Floats, high: Self::Floats) -> Self::Floats;
}

/// Work that is written once for every instruction set.
pub(super) trait Kernel {
    /// Does the work; implementations are `#[inline(always)]`.
    fn run<S: Integer>(self, simd: S);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

/// An instruction set that this machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InstructionSet(Kind);

impl InstructionSet {
    /// All of this machine, the fastest first.
    pub(super) fn available() -> Vec<Self> {
        let mut sets = Vec::new();
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            let has_avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl");
            if has_avx512 && is_x86_feature_detected!("avx512vnni") {
                sets.push(Self(Kind::Avx512Vnni));
            }
            if is_x86_feature_detected!("avxvnni") {
                sets.push(Self(Kind::AvxVnni));
            }
            sets.push(Self(Kind::Avx2));
        }
        sets.push(Self(Kind::Portable));
        sets
    }

    /// Whether `OCELLI_SIMD`, if it is set, allows for it.
    fn is_within(self, limit: &str) -> bool {
        let place = match self.0 {
            Kind::Portable => 0,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => 1,
            #[cfg(target_arch = "x86_64")]
            Kind::AvxVnni => 2,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Vnni => 3,
        };
        let most = match limit {
            "portable" => 0,
            "avx2" => 1,
            "avxvnni" => 2,
            _ => 3,
        };
        place <= most
    }

    /// The fastest of this machine, or of those up to the one that the environment variable `OCELLI_SIMD`
    /// names (`avxvnni`, `avx2`, `portable`), to compare or to test.
    pub(super) fn fastest() -> Self {
        static CHOSEN: OnceLock<InstructionSet> = OnceLock::new();
        *CHOSEN.get_or_init(|| {
            let limit = std::env::var("OCELLI_SIMD").unwrap_or_default();
            let mut sets = Self::available().into_iter();
            sets.find(|set| set.is_within(&limit)).unwrap_or(Self(Kind::Portable))
        })
    }

    /// Runs a kernel with its instructions.
    #[inline]
    pub(super) fn dispatch<K: Kernel>(self, kernel: K) {
        match self.0 {
            // SAFETY: `available` found the instructions on this machine, and nothing else makes one.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Vnni => unsafe { avx512::run(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Kind::AvxVnni => unsafe { avx_vnni::run(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { avx2::run(kernel) },
            Kind::Portable => kernel.run(Portable),
        }
    }
}
