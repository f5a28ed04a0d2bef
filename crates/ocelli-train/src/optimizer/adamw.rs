//! AdamW (Loshchilov & Hutter, ICLR 2019, arXiv 1711.05101), as `torch.optim.AdamW` computes it.
//!
//! `w ← w·(1 − lr·λ)`, then `w ← w − lr · m̂ / (√v̂ + ε)` with the bias-corrected moments m̂, v̂.

use super::rule::{Rule, Settings, Update};
use burn::tensor::Tensor;

/// PyTorch's default.
pub(super) const EPSILON: f64 = 1e-8;

#[derive(Debug)]
pub(super) struct AdamW {
    pub(super) betas: [f64; 2],
    pub(super) epsilon: f64,
}

impl Rule for AdamW {
    fn memory(&self) -> &'static [&'static str] {
        &["first_moment", "second_moment"]
    }

    fn update(&self, update: Update, memory: &mut [Tensor<1>]) -> Tensor<1> {
        let [first, second] = memory else { return update.value };
        let [beta1, beta2] = self.betas;
        let gradient = update.gradient;
        first.inplace(|m| m.mul_scalar(beta1) + gradient.clone().mul_scalar(1.0 - beta1));
        second.inplace(|v| v.mul_scalar(beta2) + gradient.square().mul_scalar(1.0 - beta2));

        let correction = |beta: f64| 1.0 - beta.powf(update.settings.step as f64);
        let root = second.clone().sqrt().div_scalar(correction(beta2).sqrt());
        let direction = first.clone() / root.add_scalar(self.epsilon);
        let decayed =
            update.value.mul_scalar(1.0 - update.settings.lr * update.settings.weight_decay);
        decayed - direction.mul_scalar(update.settings.lr / correction(beta1))
    }

    fn update_elements(
        &self,
        settings: Settings,
        value: &mut [f32],
        gradient: &[f32],
        memory: &mut [&mut [f32]],
    ) {
        let [first, second] = memory else { return };
        let correction = self.betas.map(|beta| 1.0 - beta.powf(settings.step as f64));
        let [(keep1, new1), (keep2, new2)] = self.betas.map(|b| (b as f32, (1.0 - b) as f32));
        let kept = (1.0 - settings.lr * settings.weight_decay) as f32;
        let lr = (settings.lr / correction[0]) as f32;
        let (root, epsilon) = (correction[1].sqrt() as f32, self.epsilon as f32);
        let memory = first.iter_mut().zip(second.iter_mut());
        for ((w, g), (m, v)) in value.iter_mut().zip(gradient).zip(memory) {
            *m = keep1 * *m + new1 * g;
            *v = keep2 * *v + new2 * g * g;
            *w = kept * *w - lr * (*m / (v.sqrt() / root + epsilon));
        }
    }
}
