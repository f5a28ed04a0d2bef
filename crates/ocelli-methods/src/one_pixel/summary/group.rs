//! Rates and costs of one kind of attempt with one number of pixels.

use super::super::{AttackPlan, Attacked, mcnemar};
use super::case::{self, Case, Reach};
use super::ratios::{mean, share};
use serde::Serialize;
use std::fmt;

/// What a rate is a rate of. These are different experiments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Pairs of an image and a target.
    Targeted,
    /// Images, on which any of the targeted attempts succeeded ("Non-targeted1" of Table VIII).
    UntargetedDerived,
    /// Images, by one attempt that lowers the probability of the true class ("Non-targeted2").
    UntargetedDirect,
}

/// Rates and costs of one kind of attempt with one number of pixels; with
/// [`Config::fewest`](super::super::Config::fewest), of so many or fewer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// What is counted.
    pub kind: Kind,
    /// d.
    pub pixels: usize,
    /// How many cases there are: pairs, or images.
    pub attempts: u64,
    /// How many of them succeeded.
    pub successes: u64,
    /// The share of successes, 0 to 1.
    pub success_rate: f64,
    /// "Adversarial probability label": the mean probability of the target over successful attempts; of
    /// the new class where there is no target.
    pub mean_confidence: Option<f64>,
    /// Evaluations in all.
    pub evaluations: u64,
    /// The mean for each case, the first population among them.
    pub mean_evaluations: f64,
    /// The same without the first population of each attempt, as Table VI seems to count.
    pub mean_evaluations_after_start: f64,
    /// The mean for each successful case.
    pub mean_evaluations_of_successes: Option<f64>,
    /// Generations of an attempt, the mean.
    pub mean_generations: f64,
    /// The mean absolute change of a channel of changed pixels over successful attempts, 0 to 255.
    pub mean_distortion: Option<f64>,
    /// Random search with as many evaluations.
    pub random: Option<Comparison>,
    /// What could be reached at all.
    pub oracle: Option<OracleReport>,
}

/// Random search beside evolution, case by case, with the same number of evaluations.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Its evaluations in all.
    pub evaluations: u64,
    /// How many cases it succeeded in.
    pub successes: u64,
    /// The share of successes, 0 to 1.
    pub success_rate: f64,
    /// The mean over its successes of the largest probability that it found.
    pub mean_confidence: Option<f64>,
    /// Cases in which evolution alone succeeded.
    pub only_evolution: u64,
    /// Cases in which random search alone succeeded.
    pub only_random: u64,
    /// The exact two-sided test of McNemar.
    pub p_value: f64,
}

/// Evolution against what can be reached at all.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OracleReport {
    /// Cases in which something can succeed.
    pub attackable: u64,
    /// Those of them in which evolution succeeded.
    pub found: u64,
    /// The share that it found, 0 to 1.
    pub share_found: f64,
    /// Cases in which it claims a success that cannot be. Anything but zero is a bug.
    pub false_claims: u64,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Targeted => "targeted",
            Self::UntargetedDerived => "untargeted, derived",
            Self::UntargetedDirect => "untargeted, direct",
        })
    }
}

impl Kind {
    /// What an attack has: targeted, derived of it, direct.
    pub(super) fn in_plan(plan: &AttackPlan) -> impl Iterator<Item = Self> {
        let all = [Self::Targeted, Self::UntargetedDerived, Self::UntargetedDirect];
        let (targeted, untargeted) = (plan.config().targeted, plan.config().untargeted);
        all.into_iter().filter(move |kind| match kind {
            Self::Targeted | Self::UntargetedDerived => targeted,
            Self::UntargetedDirect => untargeted,
        })
    }

    pub(super) fn cases<'a>(
        self,
        plan: &AttackPlan,
        attacked: &'a [Attacked],
        reach: Reach,
    ) -> Vec<Case<'a>> {
        match self {
            Self::Targeted => case::targeted(attacked, plan.classes(), reach),
            Self::UntargetedDerived => case::derived(attacked, reach),
            Self::UntargetedDirect => case::direct(attacked, reach),
        }
    }
}

/// The groups of one number of pixels.
pub(super) fn groups(plan: &AttackPlan, attacked: &[Attacked], pixels: usize) -> Vec<Group> {
    let reach = Reach::new(plan, pixels);
    let group = |kind: Kind| Group::new(kind, pixels, &kind.cases(plan, attacked, reach));
    Kind::in_plan(plan).map(group).collect()
}

impl Group {
    fn new(kind: Kind, pixels: usize, cases: &[Case<'_>]) -> Self {
        let attempts = cases.len() as u64;
        let successes = cases.iter().filter(|case| case.success()).count() as u64;
        let outcomes = || cases.iter().flat_map(|case| case.outcomes.iter().copied());
        let won: Vec<_> = outcomes().filter(|outcome| outcome.success).collect();
        let of = |case: &Case<'_>| -> u64 {
            case.outcomes.iter().map(|outcome| outcome.evaluations).sum()
        };
        let evaluations = cases.iter().map(of).sum();
        let after_start =
            outcomes().map(super::super::AttackOutcome::evaluations_after_start).sum();
        let won_cases = cases.iter().filter(|case| case.success());
        let of_successes: Vec<f64> = won_cases.map(|case| of(case) as f64).collect();
        let generations: Vec<f64> = outcomes().map(|outcome| outcome.generations as f64).collect();
        let over = |values: fn(&super::super::AttackOutcome) -> f64| -> Vec<f64> {
            won.iter().map(|outcome| values(outcome)).collect()
        };
        Self {
            kind,
            pixels,
            attempts,
            successes,
            success_rate: share(successes, attempts),
            mean_confidence: mean(&over(|outcome| outcome.confidence)),
            evaluations,
            mean_evaluations: share(evaluations, attempts),
            mean_evaluations_after_start: share(after_start, attempts),
            mean_evaluations_of_successes: mean(&of_successes),
            mean_generations: mean(&generations).unwrap_or(0.0),
            mean_distortion: mean(&over(|outcome| outcome.distortion)),
            random: Comparison::from_cases(cases),
            oracle: OracleReport::from_cases(cases),
        }
    }
}

impl Comparison {
    fn from_cases(cases: &[Case<'_>]) -> Option<Self> {
        cases.first()?;
        let random: Vec<_> = cases.iter().map(Case::random).collect::<Option<_>>()?;
        let succeeded: Vec<bool> =
            random.iter().map(|searches| searches.iter().any(|found| found.success)).collect();
        let count = |evolution: bool, random: bool| {
            let pairs = cases.iter().map(Case::success).zip(&succeeded);
            pairs.filter(|pair| *pair == (evolution, &random)).count() as u64
        };
        let (only_evolution, only_random) = (count(true, false), count(false, true));
        let successes = succeeded.iter().filter(|success| **success).count() as u64;
        let searches = || random.iter().flatten();
        let confidences = searches().filter(|found| found.success).map(|found| found.confidence);
        Some(Self {
            evaluations: searches().map(|found| found.evaluations).sum(),
            successes,
            success_rate: share(successes, cases.len() as u64),
            mean_confidence: mean(&confidences.collect::<Vec<_>>()),
            only_evolution,
            only_random,
            p_value: mcnemar(only_evolution, only_random),
        })
    }
}

impl OracleReport {
    fn from_cases(cases: &[Case<'_>]) -> Option<Self> {
        cases.first()?;
        let can: Vec<bool> = cases.iter().map(|case| case.can_succeed).collect::<Option<_>>()?;
        let count = |evolution: bool, possible: bool| {
            let pairs = cases.iter().map(Case::success).zip(&can);
            pairs.filter(|pair| *pair == (evolution, &possible)).count() as u64
        };
        let (found, missed) = (count(true, true), count(false, true));
        Some(Self {
            attackable: found + missed,
            found,
            share_found: share(found, found + missed),
            false_claims: count(true, false),
        })
    }
}
