//! Which tensor of a file belongs to which parameter of a network.
//!
//! A file may keep the tensors in one of several sections, behind a prefix, and under the names of
//! another project. All that is possible is tried, and what has most of the parameters in their
//! shapes is the network's; so a tensor that stands beside it, or an optimizer's memory, which has
//! the same shapes, misleads nobody.

mod naming;

use super::{
    Misfit, StateDict, TensorEntry, error::Result, location::WeightsLocation, names::Alias,
    report::OWN, view::View,
};
use crate::parameter::{ParamSpec, Role};
use naming::{Found, Naming};
use std::collections::HashSet;

/// The channels of a colour image.
const COLOURS: usize = 3;

/// A file's tensors laid out along a network's parameters.
pub(super) struct Fit {
    /// The scheme of the file's names.
    pub scheme: &'static str,
    /// What the names of the architectures begin with that have the scheme's conventions.
    pub flavour: &'static str,
    /// Where the tensors stand.
    pub location: WeightsLocation,
    /// Where there are as many that fit.
    pub rivals: Vec<WeightsLocation>,
    /// Where else tensors were looked for.
    pub tried: Vec<WeightsLocation>,
    /// For each parameter, in order, what the file has for it.
    pub slots: Vec<Slot>,
    /// Tensors among the network's that it has no use for.
    pub unexpected: Vec<String>,
    /// Tensors beside the network's, as those of a loss.
    pub beside: Vec<String>,
}

/// What a file has for a parameter.
pub(super) enum Slot {
    /// A tensor of the right shape, in our layout, under our name.
    Fits(TensorEntry),
    /// A kernel for colour images where the network takes grey ones: its channels are to be added.
    Colours(TensorEntry),
    /// A tensor of another shape.
    MisShaped(Misfit),
    /// Nothing, and nothing is needed: a batch count, which old files do not keep.
    Optional,
    /// Nothing.
    Missing,
}

impl Slot {
    /// The values for the parameter, as `read` gives those of a tensor; `None` where the file has none.
    pub(super) fn values(
        &self,
        read: impl FnOnce(&TensorEntry) -> Result<Vec<f32>>,
    ) -> Result<Option<Vec<f32>>> {
        match self {
            Self::Fits(entry) => read(entry).map(Some),
            Self::Colours(entry) => read(entry).map(|values| Some(grey(entry.shape(), &values))),
            Self::MisShaped(_) | Self::Optional | Self::Missing => Ok(None),
        }
    }
}

/// How well tensors fit: how many parameters have one of their shape, and how many any.
type Score = (usize, usize);

/// One way to look at a file, with what comes of it.
struct Candidate<'a> {
    naming: &'a Naming,
    dict: &'a StateDict,
    location: WeightsLocation,
    found: Found<'a>,
    score: Score,
}

impl Fit {
    /// Finds the section, the prefix and the scheme under which `dict` has most of `params`, and
    /// looks up each of them. Of equal ones averaged weights come first, then what is likelier.
    pub(super) fn find(params: &[ParamSpec], dict: &StateDict, prefix: Option<&str>) -> Self {
        let namings = Naming::all(params);
        let prefix = prefix.or(dict.asked_prefix());
        let unwrapped: Vec<StateDict> = dict.sections().filter_map(StateDict::unwrapped).collect();
        let mut best: Option<Candidate> = None;
        let mut scores: Vec<(Score, WeightsLocation)> = Vec::new();
        let sections = dict.sections().map(|section| (section, false));
        for (section, is_copy) in sections.chain(unwrapped.iter().map(|section| (section, true))) {
            for naming in &namings {
                let prefixes = match prefix {
                    Some(prefix) => vec![prefix.to_owned()],
                    None => naming.prefixes(params, section),
                };
                for prefix in prefixes {
                    let candidate = Candidate::new(params, naming, section, prefix);
                    // The first of the best wins, so our own names come before others.
                    let is_better = best.as_ref().is_none_or(|best| candidate.is_better_than(best));
                    // What is the same but for wrappers is no other location.
                    if is_better || !is_copy {
                        scores.push((candidate.score, candidate.location.clone()));
                    }
                    if is_better {
                        best = Some(candidate);
                    }
                }
            }
        }
        match best {
            Some(best) => best.into_fit(params, scores),
            None => Self::of_nothing(params),
        }
    }

    /// What a file without tensors has. There is none: every list is a section.
    fn of_nothing(params: &[ParamSpec]) -> Self {
        Self {
            scheme: OWN,
            flavour: "",
            location: WeightsLocation::default(),
            rivals: Vec::new(),
            tried: Vec::new(),
            slots: params.iter().map(|_| Slot::Missing).collect(),
            unexpected: Vec::new(),
            beside: Vec::new(),
        }
    }
}

impl<'a> Candidate<'a> {
    fn new(params: &[ParamSpec], naming: &'a Naming, dict: &'a StateDict, prefix: String) -> Self {
        let found = naming.look_up(dict, &prefix);
        let mut score = (0, 0);
        for (at, (param, alias)) in params.iter().zip(&naming.aliases).enumerate() {
            let Some(entry) = found.entries[at] else { continue };
            // Some averages are kept without counts.
            if param.role == Role::BatchCount {
                continue;
            }
            score.1 += 1;
            let shown = shown(param, alias, entry, at == 0);
            score.0 += usize::from(!matches!(shown, Shown::MisShaped(_)));
        }
        let location = WeightsLocation { section: dict.section().map(str::to_owned), prefix };
        Self { naming, dict, location, found, score }
    }

    fn is_better_than(&self, other: &Self) -> bool {
        let rank = |one: &Self| (one.score, one.location.is_averaged());
        rank(self) > rank(other)
    }

    fn into_fit(self, params: &[ParamSpec], scores: Vec<(Score, WeightsLocation)>) -> Fit {
        let Self { naming, dict, location, found, score } = self;
        let mut used = HashSet::new();
        let slots =
            params.iter().zip(&naming.aliases).enumerate().map(|(at, (param, alias))| match found
                .entries[at]
            {
                Some(entry) => {
                    used.insert(entry.name());
                    slot(param, alias, entry, at == 0)
                }
                None if param.role == Role::BatchCount => Slot::Optional,
                None => Slot::Missing,
            });
        let slots = slots.collect();
        let is_surplus = |name: &&str| {
            !used.contains(name) && !found.shadowed.contains(name) && !is_profiling(name)
        };
        let surplus = dict.iter().map(TensorEntry::name).filter(is_surplus).map(str::to_owned);
        let is_beside =
            |name: &String| name.strip_prefix(&location.prefix).is_none_or(is_of_training);
        let (beside, unexpected) = surplus.partition(is_beside);
        let (mut rivals, mut tried) = (Vec::new(), Vec::new());
        for (other, at) in scores {
            if at == location || tried.contains(&at) {
                continue;
            }
            if other == score && score.0 > 0 && !rivals.contains(&at) {
                rivals.push(at.clone());
            }
            tried.push(at);
        }
        let (scheme, flavour) = (naming.scheme, naming.flavour);
        Fit { scheme, flavour, location, rivals, tried, slots, unexpected, beside }
    }
}

/// A tensor as its parameter sees it.
enum Shown {
    Fits(View),
    Colours(View),
    /// Of this shape.
    MisShaped(Vec<usize>),
}

fn shown(param: &ParamSpec, alias: &Alias, entry: &TensorEntry, is_first: bool) -> Shown {
    let Some(view) = alias.layout.to_own(entry.view()) else {
        return Shown::MisShaped(entry.shape().to_vec());
    };
    if view.shape() == param.shape {
        return Shown::Fits(view);
    }
    // Some writers give a batch count one axis.
    if param.shape.is_empty() && view.len() == 1 {
        return Shown::Fits(view.without_axes());
    }
    match (view.shape(), &param.shape[..]) {
        ([outputs, COLOURS, kernel @ ..], [same, 1, model @ ..])
            if is_first && (outputs, kernel) == (same, model) && kernel.len() == 2 =>
        {
            Shown::Colours(view)
        }
        (shape, _) => Shown::MisShaped(shape.to_vec()),
    }
}

fn slot(param: &ParamSpec, alias: &Alias, entry: &TensorEntry, is_first: bool) -> Slot {
    let of = |view| entry.clone().renamed(param.name.clone()).with_view(view);
    match shown(param, alias, entry, is_first) {
        Shown::Fits(view) => Slot::Fits(of(view)),
        Shown::Colours(view) => Slot::Colours(of(view)),
        Shown::MisShaped(file) => {
            let (name, model) = (param.name.clone(), param.shape.clone());
            Slot::MisShaped(Misfit { name, file, model })
        }
    }
}

/// A kernel `[outputs, inputs, height, width]` for images whose channels are all the same: the sum
/// over its inputs.
fn grey(shape: &[usize], values: &[f32]) -> Vec<f32> {
    let &[_, inputs, height, width] = shape else { return values.to_vec() };
    let plane = (height * width).max(1);
    let of_output = |kernel: &[f32]| -> Vec<f32> {
        (0..plane).map(|at| kernel.iter().skip(at).step_by(plane).sum()).collect()
    };
    values.chunks(plane * inputs.max(1)).flat_map(of_output).collect()
}

/// The first part of names that training code keeps beside a network in one list.
const OF_TRAINING: &[&str] = &[
    "criterion",
    "loss",
    "loss_fn",
    "loss_func",
    "loss_function",
    "train_loss",
    "val_loss",
    "n_averaged",
    "num_updates",
    "initted",
    "decay",
];

/// Whether a tensor is of the training and not of the network, as a loss's weights or the number of
/// models in an average.
fn is_of_training(name: &str) -> bool {
    OF_TRAINING.contains(&name.split('.').next().unwrap_or(name))
}

/// Whether a tensor is what the profiler `thop` leaves in a state dict, as in the official
/// GhostNet's file.
fn is_profiling(name: &str) -> bool {
    matches!(name.rsplit('.').next(), Some("total_ops" | "total_params"))
}

#[cfg(test)]
mod tests;
