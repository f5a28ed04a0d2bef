//! RMSProp as TensorFlow 1 computes it, which the EfficientNet recipes rely on.
//!
//! Three things differ from PyTorch's: the mean square starts at one, ε stands inside the root,
//! and the learning rate goes into the momentum. With gradient g (and L2 penalty λw):
//! `s ← ρs + (1−ρ)g²`, `v ← μv + lr · g / √(s + ε)`, `w ← w − v`.

use super::rule::{Rule, Settings, Update};
use burn::tensor::Tensor;

/// The value of the EfficientNet recipes.
pub(super) const EPSILON: f64 = 1e-3;

#[derive(Debug)]
pub(super) struct RmsProp {
    pub(super) momentum: f64,
    pub(super) smoothing: f64,
    pub(super) epsilon: f64,
}

impl Rule for RmsProp {
    fn memory(&self) -> &'static [&'static str] {
        &["mean_square", "momentum"]
    }

    fn initial(&self, memory: &str) -> f32 {
        if memory == "mean_square" { 1.0 } else { 0.0 }
    }

    fn update(&self, update: Update, memory: &mut [Tensor<1>]) -> Tensor<1> {
        let [mean_square, velocity] = memory else { return update.value };
        let gradient = super::rule::with_l2(&update);
        let rho = self.smoothing;
        mean_square
            .inplace(|s| s.mul_scalar(rho) + gradient.clone().square().mul_scalar(1.0 - rho));
        let root = mean_square.clone().add_scalar(self.epsilon).sqrt();
        let scaled = gradient.mul_scalar(update.settings.lr) / root;
        velocity.inplace(|v| v.mul_scalar(self.momentum) + scaled);
        update.value - velocity.clone()
    }

    fn update_elements(
        &self,
        settings: Settings,
        value: &mut [f32],
        gradient: &[f32],
        memory: &mut [&mut [f32]],
    ) {
        let [mean_square, velocity] = memory else { return };
        let (lr, decay) = (settings.lr as f32, settings.weight_decay as f32);
        let (rho, rest) = (self.smoothing as f32, (1.0 - self.smoothing) as f32);
        let (momentum, epsilon) = (self.momentum as f32, self.epsilon as f32);
        let memory = mean_square.iter_mut().zip(velocity.iter_mut());
        for ((w, g), (s, v)) in value.iter_mut().zip(gradient).zip(memory) {
            let g = g + decay * *w;
            *s = rho * *s + rest * g * g;
            *v = momentum * *v + lr * g / (*s + epsilon).sqrt();
            *w -= *v;
        }
    }
}
