//! What counts as one case of a rate: an attempt, or all targeted attempts on an image.

use super::super::{Aim, Attacked, Outcome, RandomSearch};

/// One case.
pub(super) struct Case<'a> {
    pub(super) outcomes: Vec<&'a Outcome>,
    /// What the oracle says can be reached at all.
    pub(super) can_succeed: Option<bool>,
}

impl Case<'_> {
    pub(super) fn success(&self) -> bool {
        self.outcomes.iter().any(|outcome| outcome.success)
    }

    /// Random searches with as many evaluations, one for each outcome.
    pub(super) fn random(&self) -> Option<Vec<&RandomSearch>> {
        self.outcomes.iter().map(|outcome| outcome.random.as_ref()).collect()
    }
}

/// Every targeted attempt of `pixels` pixels.
pub(super) fn targeted(attacked: &[Attacked], pixels: usize) -> Vec<Case<'_>> {
    let cases = attacked.iter().flat_map(|image| {
        outcomes(image, pixels).filter_map(|outcome| {
            let target = outcome.aim.target()? as usize;
            let reachable = |oracle: &super::super::Oracle| oracle.reachable.get(target).copied();
            let can_succeed = image.oracle.as_ref().and_then(reachable);
            Some(Case { outcomes: vec![outcome], can_succeed })
        })
    });
    cases.collect()
}

/// Every image with all targeted attempts on it.
pub(super) fn derived(attacked: &[Attacked], pixels: usize) -> Vec<Case<'_>> {
    let case = |image| {
        let is_targeted = |outcome: &&Outcome| outcome.aim.target().is_some();
        let outcomes = outcomes(image, pixels).filter(is_targeted).collect();
        Case { outcomes, can_succeed: can_change(image) }
    };
    attacked.iter().map(case).collect()
}

/// Every direct non-targeted attempt.
pub(super) fn direct(attacked: &[Attacked], pixels: usize) -> Vec<Case<'_>> {
    let cases = attacked.iter().flat_map(|image| {
        let outcomes = outcomes(image, pixels).filter(|outcome| outcome.aim == Aim::Untargeted);
        outcomes.map(|outcome| Case { outcomes: vec![outcome], can_succeed: can_change(image) })
    });
    cases.collect()
}

fn outcomes(image: &Attacked, pixels: usize) -> impl Iterator<Item = &Outcome> {
    image.outcomes.iter().filter(move |outcome| outcome.pixels == pixels)
}

fn can_change(image: &Attacked) -> Option<bool> {
    let oracle = image.oracle.as_ref()?;
    let others = (0..).zip(&oracle.reachable).filter(|(class, _)| *class != image.label);
    Some(others.into_iter().any(|(_, reachable)| *reachable))
}
