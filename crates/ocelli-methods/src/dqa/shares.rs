//! How much of a mixture each of its quantizers has, and how it is learnt.

use super::{Attention, DqaError, DqaSettings, Harden};
use ocelli_nn::parameter::{ParamId, Parameters};
use ocelli_train::Result;
use std::collections::HashMap;

/// What all shares of a step follow from.
pub(super) struct SharesOfStep<'a> {
    params: &'a Parameters,
    names: HashMap<&'a str, ParamId>,
    settings: &'a DqaSettings,
    step: u64,
    total_steps: u64,
}

impl<'a> SharesOfStep<'a> {
    /// Those of the step `step`, counted from one.
    pub(super) fn new(
        params: &'a Parameters,
        settings: &'a DqaSettings,
        step: u64,
        total_steps: u64,
    ) -> Self {
        Self { params, names: params.index_by_name(), settings, step, total_steps }
    }

    /// The parameter of that name.
    ///
    /// # Errors
    /// [`DqaError::NotPrepared`].
    pub(super) fn prepared(&self, name: String) -> Result<ParamId> {
        let found = self.names.get(name.as_str()).copied();
        found.ok_or_else(|| DqaError::NotPrepared { name }.into())
    }

    /// The shares of `count` quantizers, whose α is called `alpha` where they are learnt. The penalty is
    /// multiplied by `penalty_scale`.
    ///
    /// # Errors
    /// When there is no such parameter.
    pub(super) fn of(&self, count: usize, alpha: String, penalty_scale: f64) -> Result<Shares> {
        let settings = self.settings;
        let attention = settings.attention(self.step, self.total_steps);
        if !settings.has_attention(count) {
            let values = settings.fixed_shares(count, self.step, self.total_steps);
            let alpha_lr = settings.alpha_lr;
            return Ok(Shares { values, attention, alpha: None, alpha_lr, penalty_scale });
        }
        let id = self.prepared(alpha)?;
        let alpha: Vec<f64> = self.params.to_values(id).into_iter().map(f64::from).collect();
        let values = attention.shares(&alpha);
        let (alpha, alpha_lr) = (Some((id, alpha)), settings.alpha_lr);
        Ok(Shares { values, attention, alpha, alpha_lr, penalty_scale })
    }
}

/// The shares of a mixture.
#[derive(Clone, Debug)]
pub(super) struct Shares {
    /// One for each quantizer, one together.
    pub(super) values: Vec<f64>,
    attention: Attention,
    /// Where they are learnt.
    alpha: Option<(ParamId, Vec<f64>)>,
    /// The rate of α over that of the weights.
    alpha_lr: f64,
    penalty_scale: f64,
}

impl Shares {
    /// As kernels take them.
    pub(super) fn to_f32(&self) -> Vec<f32> {
        self.values.iter().map(|share| *share as f32).collect()
    }

    /// α, where the shares are learnt.
    pub(super) fn alpha(&self) -> Option<&[f64]> {
        self.alpha.as_ref().map(|(_, alpha)| alpha.as_slice())
    }

    /// Which of the quantizers is left of the mixture.
    pub(super) fn hardened(&self, harden: Harden) -> usize {
        let first =
            |best: usize, k: usize| if self.values[k] > self.values[best] { k } else { best };
        match harden {
            Harden::Lowest => 0,
            Harden::Largest => (0..self.values.len()).fold(0, first),
        }
    }

    /// The penalty (equation 6), for the `costs` of each quantizer.
    pub(super) fn penalty(&self, costs: &[f64]) -> f64 {
        let shares = self.values.iter().zip(costs);
        self.penalty_scale * shares.map(|(share, cost)| share * cost).sum::<f64>()
    }

    /// The gradient of α from that of the shares, to which `share` of the penalty's is added, times the rate of α.
    pub(super) fn of_alpha(
        &self,
        mut of_shares: Vec<f64>,
        costs: &[f64],
        share: f64,
    ) -> Option<(ParamId, Vec<f32>)> {
        let (id, alpha) = self.alpha.as_ref()?;
        for (slope, cost) in of_shares.iter_mut().zip(costs) {
            *slope += share * self.penalty_scale * cost;
        }
        let gradient = self.attention.gradient(alpha, &of_shares);
        let rated = |value: f64| (value * self.alpha_lr) as f32;
        Some((*id, gradient.into_iter().map(rated).collect()))
    }
}
