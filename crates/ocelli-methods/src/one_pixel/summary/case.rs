//! What counts as one case of a rate: the attempts towards an aim, or all targeted attempts on an image.

use super::super::{Aim, AttackOutcome, AttackPlan, Attacked, Oracle, RandomSearch};

/// One case.
pub(super) struct Case<'a> {
    /// One for each aim; where larger numbers of pixels are tried only after smaller ones, one for each
    /// of those as well.
    pub(super) outcomes: Vec<&'a AttackOutcome>,
    /// What the oracle says can be reached at all.
    pub(super) can_succeed: Option<bool>,
}

/// Which attempts belong to a number of pixels.
#[derive(Clone, Copy)]
pub(super) struct Reach {
    pixels: usize,
    /// Whether those of smaller numbers do too.
    or_fewer: bool,
}

impl Reach {
    /// The attempts that say whether `pixels` are enough.
    pub(super) fn new(plan: &AttackPlan, pixels: usize) -> Self {
        Self { pixels, or_fewer: plan.config().fewest }
    }

    /// Every attempt.
    pub(super) const ALL: Self = Self { pixels: usize::MAX, or_fewer: true };

    pub(super) fn holds(self, outcome: &AttackOutcome) -> bool {
        outcome.pixels == self.pixels || self.or_fewer && outcome.pixels < self.pixels
    }

    fn case(
        self,
        image: &Attacked,
        is_aim: impl Fn(Aim) -> bool,
        can_succeed: Option<bool>,
    ) -> Case<'_> {
        let outcomes = image.outcomes.iter();
        let outcomes = outcomes.filter(|o| self.holds(o) && is_aim(o.aim)).collect();
        Case { outcomes, can_succeed }
    }
}

impl Case<'_> {
    pub(super) fn success(&self) -> bool {
        self.outcomes.iter().any(|outcome| outcome.success)
    }

    /// Random searches with as many evaluations, one for each outcome.
    pub(super) fn random(&self) -> Option<Vec<&RandomSearch>> {
        self.outcomes.iter().map(|outcome| outcome.random.as_ref()).collect()
    }

    /// The smallest number of pixels that succeeded.
    pub(super) fn fewest(&self) -> Option<usize> {
        let won = self.outcomes.iter().filter(|outcome| outcome.success);
        won.map(|outcome| outcome.pixels).min()
    }
}

/// Every pair of an image and a target.
pub(super) fn targeted(attacked: &[Attacked], classes: usize, reach: Reach) -> Vec<Case<'_>> {
    let cases = attacked.iter().flat_map(|image| {
        let targets = (0..classes as u32).filter(|class| *class != image.label);
        targets.map(move |target| {
            let reachable = |oracle: &Oracle| oracle.reachable.get(target as usize).copied();
            let can_succeed = image.oracle.as_ref().and_then(reachable);
            reach.case(image, |aim| aim == Aim::Target(target), can_succeed)
        })
    });
    cases.collect()
}

/// Every image with all targeted attempts on it.
pub(super) fn derived(attacked: &[Attacked], reach: Reach) -> Vec<Case<'_>> {
    let is_targeted = |aim: Aim| aim.target().is_some();
    attacked.iter().map(|image| reach.case(image, is_targeted, can_change(image))).collect()
}

/// Every image with the direct non-targeted attempt on it.
pub(super) fn direct(attacked: &[Attacked], reach: Reach) -> Vec<Case<'_>> {
    let is_direct = |aim| aim == Aim::Untargeted;
    attacked.iter().map(|image| reach.case(image, is_direct, can_change(image))).collect()
}

fn can_change(image: &Attacked) -> Option<bool> {
    let oracle = image.oracle.as_ref()?;
    let others = (0..).zip(&oracle.reachable).filter(|(class, _)| *class != image.label);
    Some(others.into_iter().any(|(_, reachable)| *reachable))
}
