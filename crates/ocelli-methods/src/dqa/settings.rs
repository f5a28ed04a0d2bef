//! What a training with quantized weights is told, once it is known to be possible.

use super::{Anneal, Attention, eq7};
use globset::GlobSet;
use ocelli_kernels::quantize::{Per, Quantizer, Zero};
use serde::{Deserialize, Serialize};

/// How weights are quantized while they are trained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// Not at all.
    FullPrecision,
    /// By the first quantizer, with a straight-through estimator.
    Vanilla,
    /// `(w + ω · Q_1(w)) / (ω + 1)` with a growing ω.
    #[serde(rename = "binary_relax_2")]
    BinaryRelax2,
    /// `(ω · Q_1(w) + Q_2(w) + Q_3(w)) / (ω + 2)`.
    #[serde(rename = "binary_relax_3")]
    BinaryRelax3,
    /// By a learnt mixture.
    #[default]
    Dqa,
}

/// What the penalty of a layer is divided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Regulariser {
    /// The number of weights of the whole network, as the paper has it.
    #[default]
    Literal,
    /// The same, times the number of weights of the layer.
    LayerShare,
    /// There is none.
    Off,
}

/// Where the attention begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// Few bits first (equation 7).
    #[default]
    Eq7,
    /// All quantizers alike.
    Uniform,
}

/// Which quantizer is left of a layer's mixture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Harden {
    /// The first, of the fewest bits: the network is as small as the paper's tables say.
    #[default]
    Lowest,
    /// That of the largest share, the first of equal ones: layers may keep more bits.
    Largest,
}

/// A way to train quantized weights whose settings are possible.
#[derive(Clone, Debug)]
pub struct DqaSettings {
    pub(super) scheme: Scheme,
    /// Those that the scheme uses, lowest first.
    pub(super) quantizers: Vec<Quantizer>,
    pub(super) per: Per,
    pub(super) zero: Zero,
    pub(super) temperature: Anneal,
    /// ω of Binary-Relax.
    pub(super) omega: Anneal,
    /// λ · g, for each quantizer; empty where there is no penalty.
    pub(super) penalty: Vec<f64>,
    pub(super) by_layer_share: bool,
    pub(super) start: Start,
    pub(super) normalise: bool,
    pub(super) harden: Harden,
    /// Which layers stay as they are, with the patterns as they were written.
    pub(super) keep: GlobSet,
    pub(super) keep_patterns: Vec<String>,
    /// On how many images batch normalisations are measured anew once weights are hardened.
    pub(super) bn_reestimate: u64,
}

impl DqaSettings {
    /// Whether anything is quantized.
    pub fn quantizes(&self) -> bool {
        !self.quantizers.is_empty()
    }

    /// Whether each layer has an α.
    pub(super) fn has_attention(&self) -> bool {
        self.scheme == Scheme::Dqa && self.quantizers.len() > 1
    }

    /// Whether more than one quantizer has a share.
    pub(super) fn is_mixture(&self) -> bool {
        self.quantizers.len() > 1
    }

    /// The first values of α.
    pub(super) fn first_alpha(&self) -> Vec<f32> {
        let bits: Vec<u32> = self.quantizers.iter().map(|quantizer| quantizer.bits()).collect();
        match self.start {
            Start::Eq7 => eq7(&bits).into_iter().map(|alpha| alpha as f32).collect(),
            Start::Uniform => vec![1.0 / bits.len() as f32; bits.len()],
        }
    }

    /// The attention of a step, counted from one.
    pub(super) fn attention(&self, step: u64, total_steps: u64) -> Attention {
        let temperature = self.temperature.at(step, total_steps);
        Attention { normalise: self.normalise, temperature }
    }

    /// The shares of the quantizers where they follow from the step alone.
    pub(super) fn fixed_shares(&self, step: u64, total_steps: u64) -> Vec<f64> {
        let omega = self.omega.at(step, total_steps);
        let others = self.quantizers.len() as f64 - 1.0;
        let sum = omega + others;
        let share = |k: usize| if k == 0 { omega / sum } else { 1.0 / sum };
        match self.quantizers.len() {
            1 => vec![1.0],
            count => (0..count).map(share).collect(),
        }
    }
}
