//! Of a layer, what its quantizers leave of its weights.

/// The products of what the quantizers of a layer leave of its weights, `⟨w − Q_j(w), w − Q_k(w)⟩`: of them the
/// error of any mixture follows.
pub(super) struct LayerProducts {
    pub(super) alpha: Vec<f64>,
    /// Row after row.
    pub(super) of_residuals: Vec<f64>,
    /// `⟨w, w⟩`.
    pub(super) squares: f64,
}

impl LayerProducts {
    /// Of the weights and what each quantizer makes of them.
    pub(super) fn new(alpha: Vec<f64>, weights: &[f32], quantized: &[Vec<f32>]) -> Self {
        let dot = |a: &[f32], b: &[f32]| -> f64 {
            weights
                .iter()
                .zip(a.iter().zip(b))
                .map(|(w, (a, b))| {
                    (f64::from(*w) - f64::from(*a)) * (f64::from(*w) - f64::from(*b))
                })
                .sum()
        };
        let of_residuals = quantized.iter().flat_map(|a| quantized.iter().map(|b| dot(a, b)));
        Self {
            alpha,
            of_residuals: of_residuals.collect(),
            squares: weights.iter().map(|w| f64::from(*w).powi(2)).sum(),
        }
    }

    /// The squared error of a mixture: `Σ_jk a_j a_k ⟨w − Q_j, w − Q_k⟩`, as shares are one together.
    pub(super) fn of(&self, shares: &[f64]) -> f64 {
        let count = shares.len();
        let term = |at: usize| shares[at / count] * shares[at % count] * self.of_residuals[at];
        (0..count * count).map(term).sum()
    }
}
