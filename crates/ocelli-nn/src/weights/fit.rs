//! Which tensor of a file belongs to which parameter of a network.

use super::{
    Misfit, StateDict, TensorEntry,
    names::{Alias, Layout, SCHEMES, Scheme, keras},
};
use crate::parameter::{ParamSpec, Role};
use std::collections::{HashMap, HashSet, hash_map::Entry};

/// What wrappers of training code put before every name.
const WRAPPERS: &[&str] = &["module.", "_orig_mod.", "model."];

/// The name of the scheme whose names are a network's own.
pub(super) const OWN: &str = "own";

/// A file's tensors laid out along a network's parameters.
pub(super) struct Fit {
    /// The scheme of the file's names.
    pub scheme: &'static str,
    /// What the names of the architectures begin with that have the scheme's conventions.
    pub flavour: &'static str,
    /// What was removed from the start of every name.
    pub prefix: String,
    /// For each parameter, in order, what the file has for it.
    pub slots: Vec<Slot>,
    /// Tensors of the file that the network has no use for.
    pub unexpected: Vec<String>,
}

/// What a file has for a parameter.
pub(super) enum Slot {
    /// A tensor of the right shape, in our layout, under our name.
    Fits(TensorEntry),
    /// A tensor of another shape.
    MisShaped(Misfit),
    /// Nothing, and nothing is needed: a batch count, which old files do not keep.
    Optional,
    /// Nothing.
    Missing,
}

impl Fit {
    /// Finds the scheme under which `dict` has most of `params`, and looks up each of them.
    pub(super) fn of(params: &[ParamSpec], dict: &StateDict, prefix: Option<&str>) -> Self {
        let prefix = prefix.map_or_else(|| wrapper_of(dict), str::to_owned);
        let own = Candidate::own(params, dict, &prefix);
        let others =
            SCHEMES.iter().filter_map(|scheme| Candidate::of(scheme, params, dict, &prefix));
        let others = others.chain(Candidate::keras(params, dict, &prefix));
        // The first of the best wins, so our own names come before others.
        let best =
            others.fold(own, |best, other| if other.found > best.found { other } else { best });
        best.into_fit(params, dict, prefix)
    }
}

/// The prefix of a wrapper, or of several around each other, that every name has.
fn wrapper_of(dict: &StateDict) -> String {
    let mut prefix = String::new();
    while let Some(wrapper) = WRAPPERS.iter().find(|wrapper| {
        let mut names = dict.iter().map(TensorEntry::name);
        !dict.is_empty()
            && names.all(|name| name.strip_prefix(&prefix).is_some_and(|n| n.starts_with(*wrapper)))
    }) {
        prefix.push_str(wrapper);
    }
    prefix
}

/// A scheme with what it finds.
struct Candidate<'a> {
    scheme: &'static str,
    flavour: &'static str,
    aliases: Vec<Alias>,
    /// The file's tensors by the name that the scheme compares.
    by_name: HashMap<String, &'a TensorEntry>,
    /// Tensors that another one of the same name was preferred to.
    shadowed: HashSet<&'a str>,
    found: usize,
}

impl<'a> Candidate<'a> {
    fn own(params: &[ParamSpec], dict: &'a StateDict, prefix: &str) -> Self {
        let alias = |p: &ParamSpec| Alias { name: p.name.clone(), layout: Layout::Own };
        let canonical = |name: &str| (name.to_owned(), false);
        Self::new((OWN, ""), params.iter().map(alias).collect(), dict, prefix, canonical)
    }

    fn of(
        scheme: &'static Scheme,
        params: &[ParamSpec],
        dict: &'a StateDict,
        prefix: &str,
    ) -> Option<Self> {
        let aliases = scheme.aliases(params)?;
        let canonical = |name: &str| scheme.canonical(name);
        Some(Self::new((scheme.name, scheme.flavour), aliases, dict, prefix, canonical))
    }

    fn keras(params: &[ParamSpec], dict: &'a StateDict, prefix: &str) -> Option<Self> {
        let aliases = keras::aliases(params)?;
        Some(Self::new((keras::NAME, ""), aliases, dict, prefix, keras::canonical))
    }

    fn new(
        (scheme, flavour): (&'static str, &'static str),
        aliases: Vec<Alias>,
        dict: &'a StateDict,
        prefix: &str,
        canonical: impl Fn(&str) -> (String, bool),
    ) -> Self {
        let mut by_name: HashMap<String, &TensorEntry> = HashMap::new();
        let mut shadowed = HashSet::new();
        for entry in dict.iter() {
            let Some(name) = entry.name().strip_prefix(prefix) else { continue };
            let (name, preferred) = canonical(name);
            match by_name.entry(name) {
                Entry::Vacant(place) => {
                    place.insert(entry);
                }
                Entry::Occupied(mut place) if preferred => {
                    shadowed.insert(place.insert(entry).name());
                }
                Entry::Occupied(_) => {
                    shadowed.insert(entry.name());
                }
            }
        }
        let found = aliases.iter().filter(|alias| by_name.contains_key(&alias.name)).count();
        Self { scheme, flavour, aliases, by_name, shadowed, found }
    }

    fn into_fit(self, params: &[ParamSpec], dict: &StateDict, prefix: String) -> Fit {
        let mut used = HashSet::new();
        let slots = params.iter().zip(&self.aliases).map(|(param, alias)| {
            match self.by_name.get(&alias.name) {
                Some(entry) => {
                    used.insert(entry.name());
                    slot(param, alias.layout, entry)
                }
                None if param.role == Role::BatchCount => Slot::Optional,
                None => Slot::Missing,
            }
        });
        let slots = slots.collect();
        let is_surplus = |name: &str| {
            !used.contains(name) && !self.shadowed.contains(name) && !is_profiling(name)
        };
        let names = dict.iter().map(TensorEntry::name);
        let unexpected = names.filter(|name| is_surplus(name)).map(str::to_owned).collect();
        Fit { scheme: self.scheme, flavour: self.flavour, prefix, slots, unexpected }
    }
}

fn slot(param: &ParamSpec, layout: Layout, entry: &TensorEntry) -> Slot {
    let misfit = |shape: &[usize]| {
        Slot::MisShaped(Misfit {
            name: param.name.clone(),
            file: shape.to_vec(),
            model: param.shape.clone(),
        })
    };
    let Some(view) = layout.to_own(entry.view()) else { return misfit(entry.shape()) };
    // Some writers give a batch count one axis.
    let is_single = param.shape.is_empty() && view.len() == 1;
    if view.shape() != param.shape && !is_single {
        return misfit(view.shape());
    }
    let view = if is_single { view.without_axes() } else { view };
    Slot::Fits(entry.clone().renamed(param.name.clone()).with_view(view))
}

/// Whether a tensor is what the profiler `thop` leaves in a state dict, as in the official
/// GhostNet's file.
fn is_profiling(name: &str) -> bool {
    matches!(name.rsplit('.').next(), Some("total_ops" | "total_params"))
}

#[cfg(test)]
mod tests;
