//! The dictionaries of tensors in what a checkpoint holds.
//!
//! Training scripts save a state dict beside counters, options, an optimizer and averages, at any
//! depth and under any key, and often a tensor beside them all. So every dictionary that holds a
//! tensor is a section; which of them is the network's, [`Fit`](crate::weights::fit::Fit) finds out.

use super::rebuild;
use crate::weights::{
    ReadOptions,
    error::{Result, WeightsError},
    location::is_averaged,
    pickle::{Pickle, Value, ValueId},
    source::Source,
};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// The keys under which checkpoints keep their tensors, the most likely first.
const USUAL: &[&str] = &[
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "module",
    "net",
    "network",
    "weights",
    "params",
];

/// How deep dictionaries are looked for.
const DEPTH: usize = 6;
/// How many dictionaries and lists are looked into.
const LOOKED_INTO: usize = 4096;
/// How many sections are kept. An optimizer may keep one for each parameter.
const MOST: usize = 32;
/// Items of a list or a tuple that are looked at.
const ITEMS: usize = 16;
/// The longest key, in bytes, of a dictionary in a dictionary.
const KEY: usize = 128;

/// A dictionary that holds tensors.
pub(super) struct Section<'a> {
    /// The keys that lead there, with dots between them; empty for the file's own dictionary.
    pub(super) path: String,
    /// Its tensors in order. A key that is set twice keeps its position and takes the last value, as
    /// in Python.
    pub(super) tensors: Vec<(&'a Arc<str>, ValueId)>,
}

/// The section that was asked for, or all, the most likely first.
pub(super) fn choose<'a>(
    source: &Source,
    options: &ReadOptions,
    pickle: &'a Pickle,
) -> Result<Vec<Section<'a>>> {
    let mut found = find(pickle);
    let missing = |found: &[Section]| WeightsError::NoStateDict {
        file: source.name().to_owned(),
        section: options.section.clone(),
        sections: found.iter().map(|section| section.path.clone()).collect(),
        holds: pickle.root().kind(),
        keys: match pickle.root() {
            Value::Dict(pairs) => keys(pickle, pairs),
            _ => Vec::new(),
        },
    };
    if let Some(wanted) = &options.section {
        let at = found.iter().position(|section| section.path == *wanted);
        return match at {
            Some(at) => Ok(vec![found.swap_remove(at)]),
            None => Err(missing(&found)),
        };
    }
    let largest = found.iter().map(|section| section.tensors.len()).max().unwrap_or_default();
    // What has less than half as many tensors as another one is hardly the network.
    found.sort_by_key(|section| (section.tensors.len() * 2 < largest, rank(&section.path)));
    found.truncate(MOST);
    if found.is_empty() { Err(missing(&found)) } else { Ok(found) }
}

/// What comes first where nothing else tells: averaged weights, as for timm; then the usual keys.
fn rank(path: &str) -> usize {
    let last = path.rsplit('.').next().unwrap_or(path);
    let usual = USUAL.iter().position(|key| *key == last);
    match usual {
        _ if is_averaged(path) => 0,
        Some(index) => 1 + index,
        None => 1 + USUAL.len(),
    }
}

/// All sections, from the outside in.
fn find(pickle: &Pickle) -> Vec<Section<'_>> {
    let mut sections = Vec::new();
    // A dictionary may stand in several others, or contain itself.
    let mut seen = HashSet::from([pickle.root_id()]);
    let mut waiting = VecDeque::from([(String::new(), pickle.root_id(), 0)]);
    while let Some((path, id, depth)) = waiting.pop_front() {
        let mut visit = |key: &str, id: ValueId| {
            let inside =
                matches!(pickle.get(id), Value::Dict(_) | Value::List(_) | Value::Tuple(_));
            let near = depth < DEPTH && key.len() <= KEY && seen.len() < LOOKED_INTO;
            if inside && near && seen.insert(id) {
                let dot = if path.is_empty() { "" } else { "." };
                waiting.push_back((format!("{path}{dot}{key}"), id, depth + 1));
            }
        };
        match pickle.get(id) {
            Value::Dict(pairs) => {
                let mut tensors: Vec<(&Arc<str>, ValueId)> = Vec::new();
                let mut indices = HashMap::new();
                for (key, value) in pairs {
                    // Numbers are the keys of what an optimizer knows of its parameters.
                    let Some(key) = pickle.shared_text(*key) else { continue };
                    if !rebuild::is_tensor(pickle, *value) {
                        visit(key, *value);
                        continue;
                    }
                    let index = *indices.entry(key).or_insert(tensors.len());
                    match tensors.get_mut(index) {
                        Some(tensor) => tensor.1 = *value,
                        None => tensors.push((key, *value)),
                    }
                }
                if !tensors.is_empty() {
                    sections.push(Section { path, tensors });
                }
            }
            Value::List(items) | Value::Tuple(items) => {
                for (index, item) in items.iter().take(ITEMS).enumerate() {
                    visit(&index.to_string(), *item);
                }
            }
            _ => {}
        }
    }
    sections
}

/// The keys of a dictionary that are text.
fn keys(pickle: &Pickle, pairs: &[(ValueId, ValueId)]) -> Vec<String> {
    pairs.iter().filter_map(|(key, _)| pickle.text(*key)).map(str::to_owned).collect()
}
