//! How few pixels are enough.

use super::super::{AttackPlan, Attacked};
use super::case::Reach;
use super::group::Kind;
use super::mean;
use serde::Serialize;

/// The smallest numbers of pixels that succeed, among those that were tried.
///
/// A model is the harder to fool, the more pixels that takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FewestPixels {
    /// What is counted.
    pub kind: Kind,
    /// Each d that was tried, the smallest first, with the cases that it is the smallest for.
    pub counts: Vec<(usize, u64)>,
    /// Cases in which none succeeded.
    pub failures: u64,
    /// The mean over the cases in which one did.
    pub mean: Option<f64>,
}

impl FewestPixels {
    /// For each kind of attack, where several numbers of pixels were tried.
    pub(super) fn all(plan: &AttackPlan, attacked: &[Attacked]) -> Vec<Self> {
        let mut tried = plan.config().pixels.clone();
        tried.sort_unstable();
        if tried.len() < 2 {
            return Vec::new();
        }
        Kind::in_plan(plan).map(|kind| Self::new(plan, attacked, kind, &tried)).collect()
    }

    fn new(plan: &AttackPlan, attacked: &[Attacked], kind: Kind, tried: &[usize]) -> Self {
        let cases = kind.cases(plan, attacked, Reach::ALL);
        let fewest: Vec<Option<usize>> = cases.iter().map(super::case::Case::fewest).collect();
        let count = |wanted| fewest.iter().filter(|found| **found == wanted).count() as u64;
        let found: Vec<f64> = fewest.iter().flatten().map(|pixels| *pixels as f64).collect();
        Self {
            kind,
            counts: tried.iter().map(|&pixels| (pixels, count(Some(pixels)))).collect(),
            failures: count(None),
            mean: mean(&found),
        }
    }
}
