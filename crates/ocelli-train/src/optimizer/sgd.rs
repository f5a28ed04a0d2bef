//! Stochastic gradient descent with momentum, as `torch.optim.SGD` computes it (no dampening).
//!
//! `v ← μv + g + λw`, then `w ← w − lr·v`, or with Nesterov's look-ahead `w ← w − lr·(g + λw + μv)`.

use super::rule::{Rule, Settings, Update};
use burn::tensor::Tensor;

#[derive(Debug)]
pub(super) struct Sgd {
    pub(super) momentum: f64,
    pub(super) nesterov: bool,
}

impl Rule for Sgd {
    fn memory(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 { &[] } else { &["momentum"] }
    }

    fn update(&self, update: Update, memory: &mut [Tensor<1>]) -> Tensor<1> {
        let gradient = super::rule::with_l2(&update);
        let [velocity] = memory else {
            return update.value - gradient.mul_scalar(update.settings.lr);
        };
        velocity.inplace(|velocity| velocity.mul_scalar(self.momentum) + gradient.clone());
        let direction = if self.nesterov {
            gradient + velocity.clone().mul_scalar(self.momentum)
        } else {
            velocity.clone()
        };
        update.value - direction.mul_scalar(update.settings.lr)
    }

    fn update_elements(
        &self,
        settings: Settings,
        value: &mut [f32],
        gradient: &[f32],
        memory: &mut [&mut [f32]],
    ) {
        let (lr, decay) = (settings.lr as f32, settings.weight_decay as f32);
        let [velocity] = memory else {
            for (w, g) in value.iter_mut().zip(gradient) {
                *w -= lr * (g + decay * *w);
            }
            return;
        };
        let (momentum, nesterov) = (self.momentum as f32, self.nesterov);
        for ((w, g), v) in value.iter_mut().zip(gradient).zip(velocity.iter_mut()) {
            let g = g + decay * *w;
            *v = momentum * *v + g;
            *w -= lr * if nesterov { g + momentum * *v } else { *v };
        }
    }
}
