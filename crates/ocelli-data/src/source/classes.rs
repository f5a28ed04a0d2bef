//! Names of classes and the labels that they stand for.
//!
//! Where a dataset names its classes, the label of a class is its index in the sorted names, by
//! bytes unless a [`ClassOrder`] says otherwise. ImageNet's usual numbering is the same rule,
//! applied to WordNet ids.

mod list;
mod order;

pub use list::read_classes;
pub use order::ClassOrder;

use super::notice;
use crate::{Error, Result, Source};
use std::collections::HashMap;

/// The most classes that a dataset may have. It bounds memory when a label is absurd.
pub(super) const MAX_CLASSES: usize = 1 << 20;

/// Checks that two parts of a dataset number the same classes the same way.
///
/// # Errors
/// [`Error::DifferentClasses`] with the first label that differs.
pub fn check_same_classes(first: &dyn Source, second: &dyn Source) -> Result<()> {
    compare_classes(first.classes(), second.classes())
}

pub(super) fn compare_classes(first: &[String], second: &[String]) -> Result<()> {
    let longest = first.len().max(second.len());
    match (0..longest).find(|label| first.get(*label) != second.get(*label)) {
        None => Ok(()),
        Some(label) => Err(Error::DifferentClasses {
            label,
            first: first.get(label).cloned(),
            second: second.get(label).cloned(),
        }),
    }
}

/// Checks that a dataset, which messages call `dataset`, has more classes than one.
///
/// With a single class there is nothing to learn and nothing to measure; more often than not the
/// labels are somewhere else than where they were looked for.
///
/// # Errors
/// [`Error::OneClass`].
pub fn check_several_classes(source: &dyn Source, dataset: &str) -> Result<()> {
    match source.classes() {
        [class] => Err(Error::OneClass { dataset: dataset.to_owned(), class: class.clone() }),
        _ => Ok(()),
    }
}

/// The names `0` to `last`, for datasets that only number their classes.
pub(super) fn numbered_classes(last: usize) -> Vec<String> {
    (0..=last).map(|label| label.to_string()).collect()
}

/// Class names in the order in which a dataset mentions them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ClassNames {
    ids: HashMap<String, u32>,
    /// Each name, with the sample that mentioned it first.
    names: Vec<(String, String)>,
}

impl ClassNames {
    /// The number that stands for `class` until all names are known.
    pub(super) fn id(&mut self, class: &str, sample: impl FnOnce() -> String) -> Result<u32> {
        if let Some(id) = self.ids.get(class) {
            return Ok(*id);
        }
        if self.names.len() == MAX_CLASSES {
            return Err(Error::TooLarge {
                name: sample(),
                found: MAX_CLASSES as u64 + 1,
                unit: "classes",
                limit: MAX_CLASSES as u64,
            });
        }
        let id = self.names.len() as u32;
        self.ids.insert(class.to_owned(), id);
        self.names.push((class.to_owned(), sample()));
        Ok(id)
    }

    pub(super) fn contains(&self, class: &str) -> bool {
        self.ids.contains_key(class)
    }

    /// Each name, with the sample that mentioned it first, in the order of the ids.
    pub(super) fn mentions(&self) -> &[(String, String)] {
        &self.names
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|(class, _)| class.as_str())
    }

    /// The label of each id, given the final list of classes.
    pub(super) fn labels(&self, classes: &[String]) -> Result<Vec<u32>> {
        let by_name = labels_by_name(classes)?;
        let label = |(class, sample): &(String, String)| {
            by_name.get(class.as_str()).copied().ok_or_else(|| Error::UnknownClass {
                name: sample.clone(),
                class: class.clone(),
                classes: classes.len(),
            })
        };
        self.names.iter().map(label).collect()
    }
}

/// The label of each name in a list of classes, for finding classes by their names.
///
/// # Errors
/// [`Error::DuplicateClass`] when two labels have the same name, so that it could mean either.
pub(super) fn labels_by_name(classes: &[String]) -> Result<HashMap<&str, u32>> {
    let mut labels = HashMap::with_capacity(classes.len());
    for (class, label) in classes.iter().zip(0..) {
        if let Some(first) = labels.insert(class.as_str(), label) {
            return Err(Error::DuplicateClass { class: class.clone(), first, second: label });
        }
    }
    Ok(labels)
}

/// All names of several lists in this order, each once. Where the order of the text is not that of
/// the numbers in it, this is said, since nobody who means numbers would notice.
pub(super) fn sorted_union<'a>(
    names: impl Iterator<Item = &'a str>,
    order: ClassOrder,
    dataset: impl FnOnce() -> String,
) -> Vec<String> {
    let mut all: Vec<&str> = names.collect();
    all.sort_unstable();
    all.dedup();
    let mut all: Vec<String> = all.into_iter().map(str::to_owned).collect();
    match order {
        ClassOrder::Number => order.sort(&mut all),
        ClassOrder::Text => {
            if let Some(remark) = order::remark(&all) {
                notice::once(&format!("{}: {remark}", dataset()));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_name_that_could_mean_two_labels_is_refused_where_names_are_matched() {
        let mut names = ClassNames::default();
        names.id("heron", || "heron/1.png".to_owned()).unwrap();
        let birds = list(&["crane", "heron", "crane"]);
        let error = names.labels(&birds).unwrap_err();
        assert!(
            matches!(&error, Error::DuplicateClass { class, first: 0, second: 2 } if class == "crane"),
            "{error}"
        );
        assert_eq!(names.labels(&birds[..2]).unwrap(), [1]);
    }

    #[test]
    fn names_are_sorted_by_text_or_by_number() {
        let names = || ["10", "2", "1", "2"].into_iter();
        let sorted = |order| sorted_union(names(), order, || "d".to_owned());
        assert_eq!(sorted(ClassOrder::Text), ["1", "10", "2"]);
        assert_eq!(sorted(ClassOrder::Number), ["1", "2", "10"]);
    }
}
