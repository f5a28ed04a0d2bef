//! The bits of a training: what the default recipe has learnt after some steps, with the kernels of each
//! instruction set.
//!
//! Figures in `results/` and in the README were measured with these numerics. Whoever changes a sum, a
//! random stream, a default or a kernel changes the bits, and this test asks for new rows.

use crate::support::{ocelli, outcome};
use std::fs;
use tempfile::TempDir;

/// Steps of the default recipe.
const STEPS: u64 = 4;

/// Trains with the kernels of `level`, a value of `OCELLI_SIMD`, and hashes all parameters and buffers.
fn learnt(level: &str) -> String {
    let folder = TempDir::new().unwrap();
    let words = format!("train default --out run --max-steps {STEPS} --threads 1 --json");
    let mut command = ocelli(words.split_whitespace());
    command.env("OCELLI_SIMD", level).current_dir(folder.path());
    let run = outcome(command.output().unwrap()).success().json();
    assert_eq!(run["steps"], STEPS);
    let model = fs::read(folder.path().join(run["model"].as_str().unwrap())).unwrap();
    let (length, rest) = model.split_first_chunk().unwrap();
    // The header names the version, which may change.
    let values = &rest[u64::from_le_bytes(*length) as usize..];
    blake3::hash(values).to_hex()[..32].to_owned()
}

#[track_caller]
fn check(level: &str, expected: &str) {
    let found = learnt(level);
    assert!(
        found == expected,
        "{STEPS} steps of the default recipe with {level} kernels end with other bits than before.\n\
         Was a change of numerics meant? Then measure anew what results/*.csv say of trainings, say so in \
         CHANGELOG.md,\nand put {found} in the place of {expected}."
    );
}

/// Says why a test cannot be made here.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn skip(what: &str) {
    eprintln!("skipped: {what}");
}

/// The mathematics library of other systems rounds its functions otherwise.
fn is_reference_system() -> bool {
    let is_it = cfg!(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"));
    if !is_it {
        skip("the bits are those of Linux with glibc on x86-64");
    }
    is_it
}

#[test]
fn the_default_recipe_learns_the_same_bits_with_portable_kernels() {
    if is_reference_system() {
        check("portable", "eec8f5a8d966e441eb824f46352c230e");
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn the_default_recipe_learns_the_same_bits_with_avx2_kernels() {
    if !(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")) {
        return skip("this machine has no AVX2 with FMA");
    }
    if is_reference_system() {
        check("avx2", "feb3708391be500ffceabab8dfe0a4f0");
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn the_default_recipe_learns_the_same_bits_with_avx512_kernels() {
    if !is_x86_feature_detected!("avx512f") {
        return skip("this machine has no AVX-512F");
    }
    if is_reference_system() {
        // Any value that names no narrower set leaves the widest.
        check("avx512", "feb3708391be500ffceabab8dfe0a4f0");
    }
}
