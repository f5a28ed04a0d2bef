//! The attention of a layer over its quantizers, and its gradient.
//!
//! ```text
//! β = α / s     s = √(Σ (α − mean)² / (K − 1) + ε²)     a = softmax(β / T)
//! ∂L/∂β_k = a_k / T · (∂L/∂a_k − Σ_j a_j ∂L/∂a_j)
//! ∂L/∂α_i = ∂L/∂β_i / s − (α_i − mean) / ((K − 1) s³) · Σ_j α_j ∂L/∂β_j
//! ```

/// Of equal α the deviation is this.
const EPSILON: f64 = 1e-3;

/// How α becomes shares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attention {
    /// Whether α is divided by its deviation (algorithm 1, step 2).
    pub normalise: bool,
    /// T.
    pub temperature: f64,
}

impl Attention {
    /// The shares a of each quantizer: positive, one together.
    pub fn shares(&self, alpha: &[f64]) -> Vec<f64> {
        let deviation = self.deviation(alpha);
        let most = alpha.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let factor = 1.0 / (deviation * self.temperature);
        let powers: Vec<f64> = alpha.iter().map(|alpha| ((alpha - most) * factor).exp()).collect();
        let sum: f64 = powers.iter().sum();
        powers.into_iter().map(|power| power / sum).collect()
    }

    /// The gradient of α, from that of the shares.
    pub fn gradient(&self, alpha: &[f64], of_shares: &[f64]) -> Vec<f64> {
        let shares = self.shares(alpha);
        let mean: f64 = shares.iter().zip(of_shares).map(|(a, da)| a * da).sum();
        let of_beta: Vec<f64> = shares
            .iter()
            .zip(of_shares)
            .map(|(a, da)| a / self.temperature * (da - mean))
            .collect();
        if !self.normalise {
            return of_beta;
        }
        let s = self.deviation(alpha);
        let dot: f64 = alpha.iter().zip(&of_beta).map(|(alpha, beta)| alpha * beta).sum();
        let mean = alpha.iter().sum::<f64>() / alpha.len() as f64;
        let factor = dot / ((alpha.len() as f64 - 1.0).max(1.0) * s.powi(3));
        alpha.iter().zip(of_beta).map(|(alpha, beta)| beta / s - (alpha - mean) * factor).collect()
    }

    /// s, or 1 where nothing is normalised.
    fn deviation(&self, alpha: &[f64]) -> f64 {
        if !self.normalise {
            return 1.0;
        }
        let count = alpha.len() as f64;
        let mean = alpha.iter().sum::<f64>() / count;
        let squares: f64 = alpha.iter().map(|alpha| (alpha - mean).powi(2)).sum();
        (squares / (count - 1.0).max(1.0) + EPSILON * EPSILON).sqrt()
    }
}

/// Where α begins: `α_k = Σ_{j ≠ k} n_j / Σ_j n_j` (equation 7), so that few bits come first.
pub fn eq7(bits: &[u32]) -> Vec<f64> {
    let sum: f64 = bits.iter().map(|bits| f64::from(*bits)).sum();
    bits.iter().map(|bits| (sum - f64::from(*bits)) / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(found: &[f64], expected: &[f64], tolerance: f64) {
        let is_close = |(found, expected): (&f64, &f64)| (found - expected).abs() <= tolerance;
        assert!(found.iter().zip(expected).all(is_close), "{found:?}, expected {expected:?}");
    }

    #[test]
    fn the_start_is_that_of_equation_7() {
        close(&eq7(&[2, 4, 8]), &[6.0 / 7.0, 5.0 / 7.0, 3.0 / 7.0], 1e-12);
        close(&eq7(&[1, 2, 8]), &[10.0 / 11.0, 9.0 / 11.0, 3.0 / 11.0], 1e-12);
        close(&eq7(&[1, 2, 32]), &[34.0 / 35.0, 33.0 / 35.0, 3.0 / 35.0], 1e-12);
    }

    /// The attention if α never moves, for three sets of quantizers and five temperatures.
    #[test]
    fn shares_of_the_start_are_those_computed_by_hand() {
        let sets = [[2, 4, 8], [1, 2, 8], [1, 2, 32]];
        let table = [
            (100.0, [[0.336, 0.334, 0.330], [0.336, 0.335, 0.329], [0.335, 0.335, 0.330]]),
            (10.0, [[0.363, 0.340, 0.298], [0.357, 0.347, 0.296], [0.353, 0.351, 0.296]]),
            (1.0, [[0.602, 0.313, 0.085], [0.519, 0.399, 0.082], [0.472, 0.446, 0.081]]),
            (0.2, [[0.963, 0.037, 0.000], [0.789, 0.211, 0.000], [0.570, 0.430, 0.000]]),
            (0.03, [[1.0, 0.0, 0.0], [0.9998, 0.0002, 0.0], [0.869, 0.131, 0.0]]),
        ];
        for (temperature, rows) in table {
            for (bits, row) in sets.iter().zip(rows) {
                let shares = Attention { normalise: true, temperature }.shares(&eq7(bits));
                close(&shares, &row, 1.1e-3);
                assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn equal_alphas_are_uniform_and_learn() {
        let attention = Attention { normalise: true, temperature: 0.03 };
        for alpha in [[0.0; 3], [5.0; 3]] {
            close(&attention.shares(&alpha), &[1.0 / 3.0; 3], 1e-12);
            let gradient = attention.gradient(&alpha, &[1.0, 0.0, -1.0]);
            assert!(gradient.iter().all(|value| value.is_finite()));
            assert!(gradient[0] > 0.0 && gradient[2] < 0.0);
        }
        close(&attention.shares(&[7.0]), &[1.0], 0.0);
    }

    #[test]
    fn hot_shares_are_uniform_and_cold_ones_choose() {
        let alpha = [0.3, 0.9, -0.4];
        let shares = |temperature| Attention { normalise: true, temperature }.shares(&alpha);
        close(&shares(1e9), &[1.0 / 3.0; 3], 1e-8);
        close(&shares(1e-6), &[0.0, 1.0, 0.0], 1e-12);
    }

    proptest! {
        #![proptest_config(ocelli_testkit::cases(256))]

        #[test]
        fn gradients_are_differences(
            alpha in proptest::collection::vec(-2.0_f64..2.0, 2..6),
            of_shares in proptest::collection::vec(-2.0_f64..2.0, 6),
            temperature in 0.3_f64..20.0, normalise: bool,
        ) {
            let attention = Attention { normalise, temperature };
            let loss = |alpha: &[f64]| -> f64 {
                attention.shares(alpha).iter().zip(&of_shares).map(|(a, da)| a * da).sum()
            };
            let spread = attention.deviation(&alpha);
            prop_assume!(spread > 0.1);
            let gradient = attention.gradient(&alpha, &of_shares[..alpha.len()]);
            for (index, found) in gradient.iter().enumerate() {
                let h = 1e-5;
                let at = |by: f64| {
                    let mut alpha = alpha.clone();
                    alpha[index] += by;
                    loss(&alpha)
                };
                let slope = (at(h) - at(-h)) / (2.0 * h);
                prop_assert!((found - slope).abs() < 1e-5 * (1.0 + slope.abs()), "{found} {slope}");
            }
        }
    }
}
