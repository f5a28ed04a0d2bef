//! What becomes of a gene that leaves its range.

use crate::Gene;
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

/// What becomes of a gene that leaves its range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoundsRule {
    /// It is put on the bound that it crossed.
    #[default]
    Clip,
    /// It is drawn anew, uniformly over the range: what SciPy does.
    Redraw,
    /// It comes in again from the other side.
    Wrap,
    /// It is thrown back from the bound by as much as it crossed it.
    Reflect,
}

impl BoundsRule {
    /// A value in the range of `gene`. What is not a number is treated as the lower bound, except that
    /// [`Redraw`](Self::Redraw) draws it anew.
    pub fn apply(self, value: f64, gene: Gene, random: &mut impl Rng) -> f64 {
        let Gene { low, high, .. } = gene;
        if (low..=high).contains(&value) {
            return value;
        }
        if self == Self::Redraw {
            return gene.at(random.random::<f64>());
        }
        if value.is_nan() {
            return low;
        }
        let width = high - low;
        if self == Self::Clip || width <= 0.0 || value.is_infinite() {
            return value.clamp(low, high);
        }
        let offset = if self == Self::Wrap {
            (value - low).rem_euclid(width)
        } else {
            let there = (value - low).rem_euclid(2.0 * width);
            if there > width { 2.0 * width - there } else { there }
        };
        (low + offset).clamp(low, high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocelli_random::{Purpose, Seed};
    use proptest::prelude::*;

    const RULES: [BoundsRule; 4] =
        [BoundsRule::Clip, BoundsRule::Redraw, BoundsRule::Wrap, BoundsRule::Reflect];

    #[test]
    fn each_rule_does_what_its_name_says() {
        let mut random = Seed(0).stream(Purpose::SEARCH, 0, 0);
        let mut put =
            |rule: BoundsRule, value| rule.apply(value, Gene::uniform(0.0, 10.0), &mut random);
        for rule in RULES {
            assert_eq!(put(rule, 4.0), 4.0, "inside nothing changes");
        }
        assert_eq!([-3.0, 12.0].map(|value| put(BoundsRule::Clip, value)), [0.0, 10.0]);
        assert_eq!([-3.0, 12.0].map(|value| put(BoundsRule::Wrap, value)), [7.0, 2.0]);
        assert_eq!([-3.0, 12.0, 23.0].map(|v| put(BoundsRule::Reflect, v)), [3.0, 8.0, 3.0]);
        assert_ne!(put(BoundsRule::Redraw, 12.0), put(BoundsRule::Redraw, 12.0));
    }

    #[test]
    fn a_range_that_does_not_begin_at_zero_is_kept_too() {
        let mut random = Seed(0).stream(Purpose::SEARCH, 0, 0);
        let mut put =
            |rule: BoundsRule, value| rule.apply(value, Gene::uniform(3.25, 5.25), &mut random);
        assert_eq!([1.0, 6.5].map(|value| put(BoundsRule::Clip, value)), [3.25, 5.25]);
        assert_eq!([2.5, 6.5, 9.25].map(|value| put(BoundsRule::Wrap, value)), [4.5, 4.5, 3.25]);
        assert_eq!([2.5, 6.5, 7.75].map(|value| put(BoundsRule::Reflect, value)), [4.0, 4.0, 3.75]);
        let redrawn: Vec<f64> = (0..100).map(|_| put(BoundsRule::Redraw, 9.0)).collect();
        let mean = redrawn.iter().sum::<f64>() / 100.0;
        assert!((mean - 4.25).abs() < 0.25, "uniform over the range: {mean}");
    }

    #[test]
    fn a_range_of_one_value_and_what_is_not_finite_have_an_answer() {
        let mut random = Seed(0).stream(Purpose::SEARCH, 0, 0);
        for rule in RULES {
            assert_eq!(rule.apply(9.0, Gene::uniform(2.0, 2.0), &mut random), 2.0, "{rule:?}");
        }
        for rule in [BoundsRule::Clip, BoundsRule::Wrap, BoundsRule::Reflect] {
            let mut put = |value| rule.apply(value, Gene::uniform(3.0, 5.0), &mut random);
            assert_eq!([f64::NEG_INFINITY, f64::INFINITY, f64::NAN].map(&mut put), [3.0, 5.0, 3.0]);
        }
    }

    proptest! {
        #![proptest_config(ocelli_testkit::cases(256))]
        #[test]
        fn every_value_ends_in_range(
            low in -1e6_f64..1e6,
            width in 0.0_f64..1e6,
            value in proptest::num::f64::ANY,
            seed: u64,
        ) {
            let mut random = Seed(seed).stream(Purpose::SEARCH, 0, 0);
            let gene = Gene::uniform(low, low + width);
            for rule in RULES {
                let put = rule.apply(value, gene, &mut random);
                prop_assert!((gene.low..=gene.high).contains(&put), "{rule:?}: {put}");
            }
        }
    }
}
