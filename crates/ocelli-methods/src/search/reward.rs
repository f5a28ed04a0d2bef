//! What a network is worth.

use serde::{Deserialize, Serialize};

/// A · Sʷ · Pᵛ (section 3.3): accuracy, made smaller by slow steps and many parameters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reward {
    /// w, the exponent of the step time.
    pub time_exponent: f64,
    /// v, the exponent of the number of parameters.
    pub params_exponent: f64,
}

impl Default for Reward {
    /// The paper's w = −0.07 and v = −0.05.
    fn default() -> Self {
        Self { time_exponent: -0.07, params_exponent: -0.05 }
    }
}

impl Reward {
    /// The reward of a network with this accuracy, 0 to 1, whose step takes `step_ratio` times as
    /// long as the backbone's, and which has `params_ratio` times its parameters.
    pub fn weigh(&self, accuracy: f64, step_ratio: f64, params_ratio: f64) -> f64 {
        accuracy * step_ratio.powf(self.time_exponent) * params_ratio.powf(self.params_exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_reward_is_the_papers_by_hand() {
        assert_eq!(format!("{:.4}", Reward::default().weigh(0.8, 1.2, 0.9)), "0.7940");
        assert_eq!(Reward::default().weigh(0.8, 1.0, 1.0), 0.8, "the backbone has its accuracy");
    }

    proptest! {
        #![proptest_config(ocelli_testkit::cases(256))]
        #[test]
        fn better_faster_and_smaller_are_worth_more(
            accuracy in 0.01_f64..0.99,
            step in 0.1_f64..10.0,
            params in 0.1_f64..10.0,
            factor in 1.001_f64..2.0,
        ) {
            let reward = Reward::default();
            let here = reward.weigh(accuracy, step, params);
            prop_assert!(reward.weigh(accuracy * factor, step, params) > here);
            prop_assert!(reward.weigh(accuracy, step * factor, params) < here);
            prop_assert!(reward.weigh(accuracy, step, params * factor) < here);
        }
    }
}
