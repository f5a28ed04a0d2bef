//! Stochastic gradient descent with momentum, as `torch.optim.SGD` computes it (no dampening).
//!
//! `v ← μv + g + λw`, then `w ← w − lr·v`, or with Nesterov's look-ahead `w ← w − lr·(g + λw + μv)`.

use super::{Rule, Update};
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
        let gradient = super::with_l2(&update);
        let [velocity] = memory else {
            return update.value - gradient.mul_scalar(update.lr);
        };
        velocity.inplace(|velocity| velocity.mul_scalar(self.momentum) + gradient.clone());
        let direction = if self.nesterov {
            gradient + velocity.clone().mul_scalar(self.momentum)
        } else {
            velocity.clone()
        };
        update.value - direction.mul_scalar(update.lr)
    }
}
