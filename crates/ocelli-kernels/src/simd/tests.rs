use super::*;

/// Runs the operations that differ between instruction sets on one vector of `values`.
struct Probe<'a> {
    values: &'a [f32],
}

impl Kernel for Probe<'_> {
    type Output = Vec<[f32; 2]>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Self::Output {
        let mut pairs = Vec::new();
        for chunk in self.values.chunks(S::LANES) {
            let mask = simd.mask(chunk.len());
            let mut result = vec![-1.0_f32; chunk.len()];
            // SAFETY: the mask has as many lanes as both slices have numbers.
            unsafe {
                let x = simd.load_first(chunk.as_ptr(), mask);
                simd.store_first(result.as_mut_ptr(), mask, simd.exp(x));
            }
            pairs.extend(chunk.iter().zip(result).map(|(x, y)| [*x, y]));
        }
        pairs
    }
}

fn exponentials_are_right(pairs: Vec<[f32; 2]>, count: usize) {
    assert_eq!(pairs.len(), count);
    for [x, y] in pairs {
        let expected = f64::from(x).exp();
        let error = (f64::from(y) - expected).abs() / expected;
        assert!(error < 4e-7, "exp({x}) = {y}, off by {error:e}");
    }
}

#[test]
fn every_instruction_set_computes_exponentials() {
    let values: Vec<f32> = (-869..=869).map(|tenth| tenth as f32 / 10.0).collect();
    exponentials_are_right(Probe { values: &values }.run(Portable), values.len());
    exponentials_are_right(dispatch(Probe { values: &values }), values.len());
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: the instructions were just found.
        let pairs = unsafe { avx2::run(Probe { values: &values }) };
        exponentials_are_right(pairs, values.len());
    }
}
