//! Layer-wise adaptive rate scaling (You, Gitman & Ginsburg, 2017, arXiv 1708.03888), in the
//! form of SimCLR: classic momentum with the learning rate inside it.
//!
//! With gradient g and decay λ, `u = g + λw` and the trust ratio `r = η‖w‖ / ‖u‖` (one if either
//! norm is zero): `v ← μv + lr·r·u`, `w ← w − v`. Biases and normalisations have `r = 1`.

use super::rule::{Rule, Settings, Update};
use burn::tensor::Tensor;

#[derive(Debug)]
pub(super) struct Lars {
    pub(super) momentum: f64,
    pub(super) trust_coefficient: f64,
}

impl Rule for Lars {
    fn memory(&self) -> &'static [&'static str] {
        &["momentum"]
    }

    fn update(&self, update: Update, memory: &mut [Tensor<1>]) -> Tensor<1> {
        let [velocity] = memory else { return update.value };
        let gradient = super::rule::with_l2(&update);
        let mut step = gradient.clone().mul_scalar(update.settings.lr);
        if update.settings.is_weight {
            step = step * self.trust_ratio(update.value.clone(), gradient);
        }
        velocity.inplace(|v| v.mul_scalar(self.momentum) + step);
        update.value - velocity.clone()
    }

    /// The trust ratio goes into the learning rate.
    fn settle(&self, settings: Settings, value: &[f32], gradient: &[f32]) -> Settings {
        if !settings.is_weight {
            return settings;
        }
        let decay = settings.weight_decay as f32;
        let squares = |elements: &mut dyn Iterator<Item = f32>| -> f64 {
            elements.map(|element| f64::from(element).powi(2)).sum()
        };
        let weight = squares(&mut value.iter().copied()).sqrt();
        let gradient = squares(&mut value.iter().zip(gradient).map(|(w, g)| g + decay * w)).sqrt();
        let is_zero = weight == 0.0 || gradient == 0.0;
        let ratio = if is_zero { 1.0 } else { self.trust_coefficient * weight / gradient };
        Settings { lr: settings.lr * ratio, ..settings }
    }

    fn update_elements(
        &self,
        settings: Settings,
        value: &mut [f32],
        gradient: &[f32],
        memory: &mut [&mut [f32]],
    ) {
        let [velocity] = memory else { return };
        let (lr, decay) = (settings.lr as f32, settings.weight_decay as f32);
        let momentum = self.momentum as f32;
        for ((w, g), v) in value.iter_mut().zip(gradient).zip(velocity.iter_mut()) {
            *v = momentum * *v + lr * (g + decay * *w);
            *w -= *v;
        }
    }
}

impl Lars {
    /// `[1]`, computed where the weights are: no value travels to the host.
    pub(super) fn trust_ratio(&self, weight: Tensor<1>, gradient: Tensor<1>) -> Tensor<1> {
        let norm = |tensor: Tensor<1>| tensor.square().sum().sqrt();
        let (weight, gradient) = (norm(weight), norm(gradient));
        let is_zero = (weight.clone() * gradient.clone()).equal_elem(0.0);
        (weight / gradient).mul_scalar(self.trust_coefficient).mask_fill(is_zero, 1.0)
    }
}
