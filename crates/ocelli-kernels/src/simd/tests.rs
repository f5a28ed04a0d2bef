use super::*;
use crate::activation::{Function, functions};

/// Runs the operations that differ between instruction sets on one vector of `values`.
struct Probe<'a> {
    values: &'a [f32],
}

impl Kernel for Probe<'_> {
    /// Each number, its exponential, and the reciprocal of that.
    type Output = Vec<[f32; 3]>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Self::Output {
        let mut found = Vec::new();
        for chunk in self.values.chunks(S::LANES) {
            let mask = simd.mask(chunk.len());
            let (mut results, mut inverses) = ([-1.0; 16], [-1.0; 16]);
            // SAFETY: the mask has as many lanes as the slice has elements, which is at most sixteen.
            unsafe {
                let result = simd.exp(simd.load_first(chunk.as_ptr(), mask));
                simd.store_first(results.as_mut_ptr(), mask, result);
                simd.store_first(inverses.as_mut_ptr(), mask, simd.reciprocal(result));
            }
            let results = results.into_iter().zip(inverses);
            found.extend(chunk.iter().zip(results).map(|(x, (y, inverse))| [*x, y, inverse]));
        }
        found
    }
}

fn exponentials_are_right(found: Vec<[f32; 3]>, count: usize) {
    assert_eq!(found.len(), count);
    for [x, y, inverse] in found {
        let expected = f64::from(x).exp();
        let error = (f64::from(y) - expected).abs() / expected;
        assert!(error < 4e-7, "exp({x}) = {y}, off by {error:e}");
        let error = (f64::from(y) * f64::from(inverse) - 1.0).abs();
        assert!(error < 2e-7, "1 / {y} = {inverse}, off by {error:e}");
    }
}

#[test]
fn every_instruction_set_computes_exponentials_and_reciprocals() {
    let values: Vec<f32> = (-869..=869).map(|tenth| tenth as f32 / 10.0).collect();
    exponentials_are_right(Probe { values: &values }.run(Portable), values.len());
    exponentials_are_right(dispatch(Probe { values: &values }), values.len());
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: the instructions were just found.
        let found = unsafe { avx2::run(Probe { values: &values }) };
        exponentials_are_right(found, values.len());
    }
}

/// All functions of one vector, in the order of the names below.
struct Functions {
    x: f32,
}

const NAMES: [&str; 7] =
    ["exponential", "identity", "ReLU", "ReLU6", "SiLU", "sigmoid", "hard sigmoid"];

impl Kernel for Functions {
    type Output = [f32; 7];

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Self::Output {
        let x = simd.splat(self.x);
        let values = [
            simd.exp(x),
            functions::Identity.value(simd, x),
            functions::Relu.value(simd, x),
            functions::Relu6.value(simd, x),
            functions::Silu.value(simd, x),
            functions::Sigmoid.value(simd, x),
            functions::HardSigmoid.value(simd, x),
        ];
        values.map(
            #[inline(always)]
            |value| {
                let mut first = 0.0;
                // SAFETY: the mask has one lane.
                unsafe { simd.store_first(&raw mut first, simd.mask(1), value) };
                first
            },
        )
    }
}

#[test]
fn no_instruction_set_hides_what_is_not_a_number() {
    let check = |values: [f32; 7]| {
        for (value, name) in values.into_iter().zip(NAMES) {
            assert!(value.is_nan(), "the {name} is {value}");
        }
    };
    check(Functions { x: f32::NAN }.run(Portable));
    check(dispatch(Functions { x: f32::NAN }));
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: the instructions were just found.
        check(unsafe { avx2::run(Functions { x: f32::NAN }) });
    }
}

/// Turns 64 numbers round, less an origin.
struct Turn;

impl Kernel for Turn {
    type Output = Vec<f32>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Vec<f32> {
        let rows: [[f32; 8]; 8] =
            std::array::from_fn(|row| std::array::from_fn(|number| (10 * row + number) as f32));
        let origin: [f32; 8] = std::array::from_fn(|number| 0.5 * number as f32);
        let mut to = vec![-1.0; 8 * 11];
        let pointers: [*const f32; 8] = std::array::from_fn(|row| rows[row].as_ptr());
        // SAFETY: each row and the origin have eight numbers; the last that is written is 7 · 11 + 7.
        unsafe { simd.turn_eight(pointers, origin.as_ptr(), to.as_mut_ptr(), 11) }
        to
    }
}

#[test]
fn every_instruction_set_turns_rows_round() {
    let expected = |to: usize| match (to / 11, to % 11) {
        (number, row @ 0..8) => (10 * row + number) as f32 - 0.5 * number as f32,
        _ => -1.0,
    };
    let expected: Vec<f32> = (0..88).map(expected).collect();
    assert_eq!(Turn.run(Portable), expected);
    assert_eq!(dispatch(Turn), expected);
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: the instructions were just found.
        assert_eq!(unsafe { avx2::run(Turn) }, expected);
    }
}
