//! What every rule of updating is.

use burn::tensor::Tensor;
use std::fmt::Debug;

/// A rule for updating one tensor.
pub(super) trait Rule: Debug + Send + Sync {
    /// The names of the tensors that it remembers for each parameter, as they stand in a
    /// checkpoint.
    fn memory(&self) -> &'static [&'static str];

    /// What every element of one of these is before the first step.
    fn initial(&self, _memory: &str) -> f32 {
        0.0
    }

    /// The new value of a parameter; `memory` is changed in place.
    fn update(&self, update: Update, memory: &mut [Tensor<1>]) -> Tensor<1>;

    /// The settings for elements in memory, once whole tensors have been looked at.
    fn settle(&self, settings: Settings, _value: &[f32], _gradient: &[f32]) -> Settings {
        settings
    }

    /// The same update for some of a parameter's elements, in one pass; all slices are as long.
    fn update_elements(
        &self,
        settings: Settings,
        value: &mut [f32],
        gradient: &[f32],
        memory: &mut [&mut [f32]],
    );
}

/// What a rule knows about one step of one parameter.
pub(super) struct Update {
    pub(super) value: Tensor<1>,
    pub(super) gradient: Tensor<1>,
    pub(super) settings: Settings,
}

/// What one step of one parameter depends on, besides its elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) lr: f64,
    /// Zero for a parameter that does not decay.
    pub(super) weight_decay: f64,
    /// False for biases and normalisations, whose norms mean little.
    pub(super) is_weight: bool,
    /// The step, counted from one.
    pub(super) step: u64,
}

/// The gradient of the loss plus the penalty λ‖w‖²/2.
pub(super) fn with_l2(update: &Update) -> Tensor<1> {
    let gradient = update.gradient.clone();
    let weight_decay = update.settings.weight_decay;
    if weight_decay == 0.0 {
        return gradient;
    }
    gradient + update.value.clone().mul_scalar(weight_decay)
}
