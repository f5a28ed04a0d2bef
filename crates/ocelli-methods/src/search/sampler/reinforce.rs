//! REINFORCE: a policy that makes what was rewarded more probable.
//!
//! Paper: Williams, *Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement
//! Learning*, Machine Learning 8, 1992. The policy is one softmax for each decision, all independent;
//! the baseline is a moving average of rewards. It is learnt anew from all trials each time: for
//! hundreds of them that is nothing beside one training.

use super::scored::Scored;
use crate::search::config::ReinforceConfig;
use ocelli_random::ChaCha8Rng;
use rand::RngExt;

pub(super) fn draw(
    config: &ReinforceConfig,
    decisions: &[usize],
    past: &[Scored],
    rng: &mut ChaCha8Rng,
) -> Vec<usize> {
    let policy = learn(config, decisions, past);
    policy.iter().map(|logits| pick(&softmax(logits), rng.random())).collect()
}

/// The logits of each decision after all trials.
pub(super) fn learn(
    config: &ReinforceConfig,
    decisions: &[usize],
    past: &[Scored],
) -> Vec<Vec<f64>> {
    let mut policy: Vec<Vec<f64>> = decisions.iter().map(|options| vec![0.0; *options]).collect();
    let mut baseline = None;
    for trial in past {
        let expected: f64 = *baseline.get_or_insert(trial.reward);
        let advantage = trial.reward - expected;
        for (logits, choice) in policy.iter_mut().zip(&trial.choices) {
            // The gradient of the log-probability of what was chosen: one-hot less probabilities.
            for (at, probability) in softmax(logits).into_iter().enumerate() {
                let chosen = f64::from(u8::from(at == *choice));
                logits[at] += config.learning_rate * advantage * (chosen - probability);
            }
        }
        baseline = Some(expected + (1.0 - config.baseline_decay) * advantage);
    }
    policy
}

pub(super) fn softmax(logits: &[f64]) -> Vec<f64> {
    let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = logits.iter().map(|logit| (logit - most).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| power / sum).collect()
}

/// The option in which a point of the unit interval falls.
fn pick(probabilities: &[f64], point: f64) -> usize {
    let mut below = 0.0;
    for (at, probability) in probabilities.iter().enumerate() {
        below += probability;
        if point < below {
            return at;
        }
    }
    probabilities.len().saturating_sub(1)
}
