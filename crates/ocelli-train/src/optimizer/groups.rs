//! Which parameters learn at another rate or decay otherwise than the rest.

use crate::recipe::{OptimizerGroup, OptimizerSection};
use crate::{Error, Result};
use globset::{Glob, GlobSet, GlobSetBuilder};
use ocelli_common::most_alike;
use ocelli_nn::parameter::{ParamId, Parameters};

/// What a group says of each of its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rates {
    /// The learning rate over that of the schedule.
    pub(super) lr: f64,
    /// For parameters that decay at all.
    pub(super) weight_decay: f64,
}

/// The rates of each parameter, in state-dict order. The first group that matches a parameter decides; the
/// rest of the head learns at `head_lr`, and all else as the section says.
///
/// # Errors
/// [`Error::Field`] for a pattern that is malformed or matches no learnt parameter.
pub(super) fn rates(
    section: &OptimizerSection,
    params: &Parameters,
    head: &[ParamId],
) -> Result<Vec<Rates>> {
    let mut groups = Vec::with_capacity(section.group.len());
    for (index, group) in section.group.iter().enumerate() {
        groups.push((patterns(index, group, params)?, group));
    }
    let weight_decay = section.weight_decay;
    let rates = params.iter().map(|(id, parameter)| {
        let group = groups.iter().find(|(patterns, _)| patterns.is_match(&parameter.spec.name));
        match group {
            Some((_, group)) => {
                Rates { lr: group.lr, weight_decay: group.weight_decay.unwrap_or(weight_decay) }
            }
            None if head.contains(&id) => Rates { lr: section.head_lr, weight_decay },
            None => Rates { lr: 1.0, weight_decay },
        }
    });
    Ok(rates.collect())
}

/// The patterns of a group, each of which matches something.
fn patterns(index: usize, group: &OptimizerGroup, params: &Parameters) -> Result<GlobSet> {
    let refuse = |at: usize, found: &str, expected: String| Error::Field {
        field: format!("optimizer.group.{index}.match.{at}"),
        found: found.to_owned(),
        expected,
    };
    let mut all = GlobSetBuilder::new();
    for (at, pattern) in group.patterns.iter().enumerate() {
        let glob = Glob::new(pattern)
            .map_err(|error| refuse(at, pattern, format!("a glob: {}", error.kind())))?;
        let matcher = glob.compile_matcher();
        let learnt = || params.iter().filter(|(_, parameter)| parameter.spec.role.is_learnt());
        if !learnt().any(|(_, parameter)| matcher.is_match(&parameter.spec.name)) {
            let names = learnt().map(|(_, parameter)| parameter.spec.name.as_str());
            let near = most_alike(pattern, names.collect(), 3);
            let expected = format!("a glob that matches parameters; near are {}", near.join(", "));
            return Err(refuse(at, pattern, expected));
        }
        all.add(glob);
    }
    all.build().map_err(|error| refuse(0, "a list of globs", error.to_string()))
}
