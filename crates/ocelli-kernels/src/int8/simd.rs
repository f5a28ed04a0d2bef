//! Products of unsigned and signed bytes, one type per instruction set, chosen when the program runs.
//!
//! The sums are exact on every one of them, and what follows a sum are the same operations on `f32`, fused
//! where [`Integer::mul_add`] says so and nowhere else: so all instruction sets give the same bits.

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
mod vector;

pub(super) use vector::{Integer, Kernel, STEP};

use portable::Portable;
use std::sync::OnceLock;

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
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
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
