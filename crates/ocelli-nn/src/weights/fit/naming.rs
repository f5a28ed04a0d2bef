//! The tensors of a file under the names of one scheme.

use crate::{
    parameter::{ParamSpec, Role},
    weights::{
        StateDict, TensorEntry,
        names::{Alias, Canonical, Layout, SCHEMES, keras},
        report::OWN,
    },
};
use std::collections::{HashMap, HashSet, hash_map::Entry};

/// What wrappers of training code put before every name.
const WRAPPERS: &[&str] = &["module.", "_orig_mod.", "model."];

/// How many parameters are looked for at the end of names, to find what stands before them.
const SAMPLES: usize = 8;
/// How many prefixes are tried of those that stand before samples.
const TRIED: usize = 8;
/// The longest prefix that is tried, in bytes.
const PREFIX: usize = 256;
/// A file of more tensors is looked at under its own names alone.
const SEARCHED: usize = 20_000;

/// Where the files of one scheme have the parameters of a network.
pub(super) struct Naming {
    /// The scheme.
    pub(super) scheme: &'static str,
    /// What the names of the architectures begin with that have the scheme's conventions.
    pub(super) flavour: &'static str,
    /// For each parameter, in order.
    pub(super) aliases: Vec<Alias>,
    canonical: Option<Canonical>,
}

impl Naming {
    /// All that know the network, its own names first.
    pub(super) fn all(params: &[ParamSpec]) -> Vec<Self> {
        let own = |p: &ParamSpec| Alias { name: p.name.clone(), layout: Layout::Own };
        let own = params.iter().map(own).collect();
        let own = Self { scheme: OWN, flavour: "", aliases: own, canonical: None };
        let others = SCHEMES.iter().filter_map(|scheme| {
            let aliases = scheme.aliases(params)?;
            let (scheme, flavour, canonical) = (scheme.name, scheme.flavour, scheme.canonical);
            Some(Self { scheme, flavour, aliases, canonical })
        });
        let keras = keras::aliases(params).map(|aliases| {
            let canonical: Option<Canonical> = Some(keras::canonical);
            Self { scheme: keras::NAME, flavour: "", aliases, canonical }
        });
        std::iter::once(own).chain(others).chain(keras).collect()
    }

    /// What may stand before the names of `dict`: nothing, what all of them begin with, and whatever
    /// stands before some parameters that are looked for in particular.
    pub(super) fn prefixes(&self, params: &[ParamSpec], dict: &StateDict) -> Vec<String> {
        let mut prefixes = vec![String::new()];
        let mut add = |prefix: &str| {
            if prefix.len() <= PREFIX && prefixes.iter().all(|known| known != prefix) {
                prefixes.push(prefix.to_owned());
            }
        };
        if self.canonical.is_none() && dict.len() <= SEARCHED {
            self.before_samples(params, dict).into_iter().take(TRIED).for_each(&mut add);
        }
        add(&wrapper_of(dict));
        prefixes
    }

    /// What stands before samples, the most frequent first.
    fn before_samples<'a>(&self, params: &[ParamSpec], dict: &'a StateDict) -> Vec<&'a str> {
        let counted = params.iter().zip(&self.aliases);
        let named: Vec<&str> = counted
            .filter(|(param, _)| param.role != Role::BatchCount)
            .map(|(_, alias)| alias.name.as_str())
            .collect();
        let step = named.len().div_ceil(SAMPLES).max(1);
        let samples: Vec<&str> = named.into_iter().step_by(step).collect();
        let mut order: Vec<(&str, usize)> = Vec::new();
        let mut indices: HashMap<&str, usize> = HashMap::new();
        for entry in dict.iter() {
            for sample in &samples {
                let prefix = entry.name().strip_suffix(sample);
                let Some(prefix) = prefix.filter(|prefix| prefix.ends_with('.')) else { continue };
                let index = *indices.entry(prefix).or_insert(order.len());
                match order.get_mut(index) {
                    Some((_, count)) => *count += 1,
                    None => order.push((prefix, 1)),
                }
            }
        }
        // What stands before a whole network stands before most samples, what stands before a block of
        // it, which has namesakes of some, before few.
        order.retain(|&(_, count)| count * 2 >= samples.len());
        order.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        order.into_iter().map(|(prefix, _)| prefix).collect()
    }

    /// Finds the tensors of `dict` behind `prefix`.
    pub(super) fn look_up<'a>(&self, dict: &'a StateDict, prefix: &str) -> Found<'a> {
        let Some(canonical) = self.canonical else {
            let mut name = prefix.to_owned();
            let look_up = |alias: &Alias| {
                name.truncate(prefix.len());
                name.push_str(&alias.name);
                dict.get(&name)
            };
            let entries = self.aliases.iter().map(look_up).collect();
            return Found { entries, shadowed: HashSet::new() };
        };
        let mut by_name: HashMap<String, &TensorEntry> = HashMap::new();
        let mut shadowed = HashSet::new();
        for entry in dict.iter() {
            let Some(name) = entry.name().strip_prefix(prefix) else { continue };
            let (name, preferred) = canonical(name);
            match by_name.entry(name) {
                Entry::Vacant(vacant) => {
                    vacant.insert(entry);
                }
                Entry::Occupied(mut occupied) if preferred => {
                    shadowed.insert(occupied.insert(entry).name());
                }
                Entry::Occupied(_) => {
                    shadowed.insert(entry.name());
                }
            }
        }
        let entries = self.aliases.iter().map(|alias| by_name.get(&alias.name).copied()).collect();
        Found { entries, shadowed }
    }
}

/// What a file has under the names of a scheme.
pub(super) struct Found<'a> {
    /// For each parameter, in order.
    pub(super) entries: Vec<Option<&'a TensorEntry>>,
    /// Tensors that another one of the same name was preferred to.
    pub(super) shadowed: HashSet<&'a str>,
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
