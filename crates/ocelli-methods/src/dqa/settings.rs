//! What a training with quantized weights is told, once it is known to be possible.

use super::{Anneal, Attention, eq7};
use globset::GlobSet;
use ocelli_kernels::quantize::{Per, Quantizer, Zero};
use ocelli_nn::graph::ActivationQuantizer;
use serde::{Deserialize, Serialize};

/// What a value that stays as it is counts as.
pub(super) const FLOAT_BITS: u32 = 32;

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
    /// The same of activations; none where these are floats.
    pub(super) activations: Vec<ActivationQuantizer>,
    /// Whether the image is quantized as activations are.
    pub(super) image: bool,
    /// How clips of PACT decay.
    pub(super) clip_decay: f64,
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
    /// The rate of α over that of the weights.
    pub(super) alpha_lr: f64,
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

    /// Whether mixtures of so many quantizers have an α.
    pub(super) fn has_attention(&self, quantizers: usize) -> bool {
        self.scheme == Scheme::Dqa && quantizers > 1
    }

    /// Whether more than one quantizer has a share, of weights or of activations.
    pub(super) fn is_mixture(&self) -> bool {
        self.quantizers.len() > 1 || self.activations.len() > 1
    }

    /// The first values of α, for quantizers of so many bits.
    pub(super) fn first_alpha(&self, bits: &[u32]) -> Vec<f32> {
        match self.start {
            Start::Eq7 => eq7(bits).into_iter().map(|alpha| alpha as f32).collect(),
            Start::Uniform => vec![1.0 / bits.len() as f32; bits.len()],
        }
    }

    /// The attention of a step, counted from one.
    pub(super) fn attention(&self, step: u64, total_steps: u64) -> Attention {
        let temperature = self.temperature.at(step, total_steps);
        Attention { normalise: self.normalise, temperature }
    }

    /// The shares of `count` quantizers where they follow from the step alone.
    pub(super) fn fixed_shares(&self, count: usize, step: u64, total_steps: u64) -> Vec<f64> {
        let omega = self.omega.at(step, total_steps);
        let others = count as f64 - 1.0;
        let sum = omega + others;
        let share = |k: usize| if k == 0 { omega / sum } else { 1.0 / sum };
        match count {
            1 => vec![1.0],
            count => (0..count).map(share).collect(),
        }
    }
}
