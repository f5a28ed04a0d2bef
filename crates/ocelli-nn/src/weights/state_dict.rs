//! Named tensors, in order, as a file of weights holds them.

use super::{
    Limits,
    error::{Result, WeightsError},
    tensor_entry::{IN_MEMORY, TensorEntry},
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// Modules that training code puts around others, which are no part of a network's own names.
const INNER_WRAPPERS: &[&str] = &[
    "module",
    "_orig_mod",
    "_fsdp_wrapped_module",
    "_forward_module",
    "_checkpoint_wrapped_module",
];

/// Whether a wrapper stands inside a name, behind a module that is none.
fn has_inner_wrapper(name: &str) -> bool {
    let mut parts = name.split('.').skip_while(|part| INNER_WRAPPERS.contains(part));
    parts.any(|part| INNER_WRAPPERS.contains(&part))
}

/// How to read a file of weights.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// Which dictionary of a PyTorch checkpoint to take, by the keys that lead there with dots
    /// between them, as in `model_ema` or `callbacks.EMA.weights`. Without it all are read, and the
    /// one that fits a network is found when it is loaded; of equal ones averaged weights are
    /// preferred to the last step's, as timm does.
    pub section: Option<String>,
    /// What to remove from the start of every name, as in `module.`; found as the section is if
    /// absent.
    pub prefix: Option<String>,
    /// What the file may claim.
    pub limits: Limits,
}

/// An ordered list of named tensors, and the text that came with it.
///
/// A PyTorch checkpoint may hold several lists. This is the likeliest one then, and
/// [`sections`](Self::sections) has them all; whoever looks for the tensors of a network, as
/// [`load`](super::load) does, looks into each.
#[derive(Clone, Debug)]
pub struct StateDict {
    file: String,
    section: Option<String>,
    prefix: Option<String>,
    entries: Vec<TensorEntry>,
    index: HashMap<Arc<str>, usize>,
    /// The other lists of the same file.
    others: Vec<StateDict>,
    /// What the file says about itself, as in `arch`.
    pub metadata: BTreeMap<String, String>,
}

impl Default for StateDict {
    fn default() -> Self {
        Self::new()
    }
}

impl StateDict {
    /// An empty list.
    pub fn new() -> Self {
        Self::named(IN_MEMORY)
    }

    /// An empty list that messages call `file`.
    pub fn named(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            section: None,
            prefix: None,
            entries: Vec::new(),
            index: HashMap::new(),
            others: Vec::new(),
            metadata: BTreeMap::new(),
        }
    }

    /// One list with others behind it; an empty one if there is none.
    pub(super) fn from_sections(sections: Vec<Self>) -> Self {
        let mut sections = sections.into_iter();
        let mut first = sections.next().unwrap_or_default();
        first.others = sections.collect();
        first
    }

    /// Says where in its file the list stands, and what every name begins with if it is known.
    pub(super) fn set_location(&mut self, section: &str, prefix: Option<String>) {
        self.section = (!section.is_empty()).then(|| section.to_owned());
        self.prefix = prefix;
    }

    /// Adds a tensor at the end.
    ///
    /// # Errors
    /// [`WeightsError::Tensor`] when there is one of that name already.
    pub fn push(&mut self, entry: TensorEntry) -> Result<()> {
        if self.index.contains_key(entry.name()) {
            let reason = "there are two of that name".to_owned();
            return Err(self.tensor_error(entry.name(), reason));
        }
        self.index.insert(entry.shared_name(), self.entries.len());
        self.entries.push(entry);
        Ok(())
    }

    /// What messages call the file.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The dictionary of the file that this list is, as in `model_ema`; `None` for that of the file
    /// itself.
    pub fn section(&self) -> Option<&str> {
        self.section.as_deref()
    }

    /// All lists of the file, the likeliest first: this one, and what else a checkpoint holds.
    pub fn sections(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.others)
    }

    /// The same list without wrappers around single modules, as in `features.module.0.weight`; `None`
    /// where there are none, or names would be the same.
    pub(super) fn unwrapped(&self) -> Option<Self> {
        if !self.iter().any(|entry| has_inner_wrapper(entry.name())) {
            return None;
        }
        let mut plain = Self::named(&self.file);
        plain.section.clone_from(&self.section);
        plain.prefix.clone_from(&self.prefix);
        for entry in self.iter() {
            let parts = entry.name().split('.').filter(|part| !INNER_WRAPPERS.contains(part));
            let name = parts.collect::<Vec<_>>().join(".");
            plain.push(entry.clone().renamed(name)).ok()?;
        }
        Some(plain)
    }

    /// What to remove from the start of every name, if that was said.
    pub(super) fn asked_prefix(&self) -> Option<&str> {
        self.prefix.as_deref()
    }

    /// The number of tensors.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no tensor.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The tensors in the order of the file.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &TensorEntry> {
        self.entries.iter()
    }

    /// The tensor of that name.
    pub fn get(&self, name: &str) -> Option<&TensorEntry> {
        self.index.get(name).map(|&index| &self.entries[index])
    }

    /// Whether there is a tensor of that name.
    pub fn contains(&self, name: &str) -> bool {
        self.index.contains_key(name)
    }

    /// Refuses a list that is over the limits for tensors.
    pub(crate) fn checked(self, limits: &Limits) -> Result<Self> {
        let within = |what: &str, actual: usize, limit: usize| {
            if actual <= limit {
                return Ok(());
            }
            Err(WeightsError::TooLarge {
                file: self.file.clone(),
                what: what.to_owned(),
                actual: actual as u64,
                limit: limit as u64,
            })
        };
        within("number of tensors", self.len(), limits.tensors)?;
        let mut total: usize = 0;
        for entry in &self.entries {
            let values = entry.view().len();
            within(&format!("values of tensor `{}`", entry.name()), values, limits.tensor_values)?;
            total = total.saturating_add(values);
        }
        within("values of all tensors together", total, limits.total_values)?;
        Ok(self)
    }

    pub(crate) fn tensor_error(&self, name: &str, reason: String) -> WeightsError {
        WeightsError::Tensor { file: self.file.clone(), name: name.to_owned(), reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::DType;

    #[test]
    fn a_name_cannot_be_given_twice() {
        let mut dict = StateDict::new();
        let entry = TensorEntry::new("a", DType::F32, &[2], vec![1.0, 2.0]).unwrap();
        dict.push(entry.clone()).unwrap();
        assert_eq!(
            dict.push(entry).unwrap_err().to_string(),
            "memory: tensor `a`: there are two of that name"
        );
    }

    #[test]
    fn limits_hold_for_one_tensor_and_for_all() {
        let mut dict = StateDict::new();
        for name in ["a", "b"] {
            dict.push(TensorEntry::new(name, DType::F32, &[3], vec![0.0; 3]).unwrap()).unwrap();
        }
        let limits = Limits::default();
        assert!(dict.clone().checked(&limits).is_ok());
        let refused = |limits| dict.clone().checked(&limits).unwrap_err().to_string();
        assert_eq!(
            refused(Limits { tensor_values: 2, ..limits }),
            "memory: values of tensor `a`: 3 is over the limit of 2"
        );
        assert!(refused(Limits { total_values: 5, ..limits }).contains("all tensors together: 6"));
        assert!(refused(Limits { tensors: 1, ..limits }).contains("number of tensors: 2"));
    }
}
