//! Rates and costs of other attacks, as in the paper's Table IX.

use super::super::{AttackPlan, Attacked, Rival, RivalOutcome};
use super::{mean, share};
use serde::Serialize;

/// Rates and costs of another attack on the same images.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RivalRate {
    /// Which.
    pub attack: Rival,
    /// Images that it attacked.
    pub attempts: u64,
    /// Those that were then taken for another class.
    pub successes: u64,
    /// The share of successes, 0 to 1.
    pub success_rate: f64,
    /// The mean probability of the new class over successes.
    pub mean_confidence: Option<f64>,
    /// Pixels that were changed, the mean over successes.
    pub mean_changed_pixels: Option<f64>,
    /// Those as a share of the image, 0 to 1.
    pub changed_share: Option<f64>,
    /// The mean absolute change of a channel of changed pixels over successes, 0 to 255.
    pub mean_distortion: Option<f64>,
    /// Images that the model was asked about, the mean over all.
    pub mean_evaluations: f64,
    /// Gradients that it was asked for, the mean over all.
    pub mean_gradients: f64,
}

impl RivalRate {
    /// The attacks of the plan, in its order.
    pub(super) fn all(plan: &AttackPlan, attacked: &[Attacked]) -> Vec<Self> {
        let [_, height, width] = plan.shape();
        let pixels = (height * width) as f64;
        let attacks = plan.config().compare.attacks.iter();
        attacks.map(|attack| Self::new(*attack, pixels, attacked)).collect()
    }

    fn new(attack: Rival, pixels: f64, attacked: &[Attacked]) -> Self {
        let outcomes = attacked.iter().flat_map(|image| &image.rivals);
        let outcomes: Vec<_> = outcomes.filter(|outcome| outcome.attack == attack).collect();
        let attempts = outcomes.len() as u64;
        let over = |value: fn(&RivalOutcome) -> f64| {
            let won = outcomes.iter().filter(|outcome| outcome.success);
            mean(&won.map(|outcome| value(outcome)).collect::<Vec<_>>())
        };
        let sum = |count: fn(&RivalOutcome) -> u64| outcomes.iter().map(|one| count(one)).sum();
        let successes = outcomes.iter().filter(|outcome| outcome.success).count() as u64;
        let mean_changed_pixels = over(|outcome| outcome.changed_pixels as f64);
        Self {
            attack,
            attempts,
            successes,
            success_rate: share(successes, attempts),
            mean_confidence: over(|outcome| outcome.confidence),
            mean_changed_pixels,
            changed_share: mean_changed_pixels.map(|changed| changed / pixels),
            mean_distortion: over(|outcome| outcome.distortion),
            mean_evaluations: share(sum(|outcome| outcome.evaluations), attempts),
            mean_gradients: share(sum(|outcome| outcome.gradients), attempts),
        }
    }
}
