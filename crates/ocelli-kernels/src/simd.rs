//! One vector type per instruction set, chosen when the program runs.
//!
//! A kernel is written once, generic over [`Simd`], and handed to [`dispatch`], which runs it in a
//! function compiled for the widest instruction set of the machine. Everything below such a kernel
//! must be `#[inline(always)]`, or it would be compiled for the oldest machine.

#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;
mod vector;

pub(crate) use vector::{First, Kernel, Lanes, Part, Simd, Whole, with_lanes};

use portable::Portable;
use std::sync::OnceLock;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InstructionSet {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl InstructionSet {
    /// The widest of this machine, or a narrower one that the environment variable
    /// `OCELLI_SIMD` names (`avx2`, `portable`), to compare or to test.
    fn detect() -> Self {
        let limit = std::env::var("OCELLI_SIMD").unwrap_or_default();
        #[cfg(target_arch = "x86_64")]
        {
            let has_avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let has_avx512 = has_avx2 && is_x86_feature_detected!("avx512f");
            if has_avx512 && limit != "avx2" && limit != "portable" {
                return Self::Avx512;
            }
            if has_avx2 && limit != "portable" {
                return Self::Avx2;
            }
        }
        let _ = limit;
        Self::Portable
    }
}

fn instruction_set() -> InstructionSet {
    static CHOSEN: OnceLock<InstructionSet> = OnceLock::new();
    *CHOSEN.get_or_init(InstructionSet::detect)
}

/// Runs a kernel with the widest vectors of this machine.
#[inline]
pub(crate) fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    match instruction_set() {
        // SAFETY: `detect` found the instructions on this machine.
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 => unsafe { avx512::run(kernel) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx2 => unsafe { avx2::run(kernel) },
        InstructionSet::Portable => kernel.run(Portable),
    }
}

#[cfg(test)]
mod tests;
