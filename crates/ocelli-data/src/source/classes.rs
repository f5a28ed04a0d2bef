//! Names of classes and the labels that they stand for.
//!
//! Where a dataset names its classes, the label of a class is its place in the sorted names, by
//! bytes. ImageNet's usual numbering is the same rule, applied to WordNet ids.

use crate::{Error, Result, Source};
use std::collections::HashMap;
use std::path::Path;

/// The most classes that a dataset may have. It bounds memory when a label is absurd.
pub(super) const MAX_CLASSES: usize = 1 << 20;

/// Reads a list of class names, one a line, in the order of their labels.
///
/// A line may have more fields, separated by tabs. If all first fields count the lines from 0,
/// the names are in the second; what follows the name is ignored.
///
/// # Errors
/// When the file cannot be read, has no line, has an empty or repeated name, or is no UTF-8.
pub fn read_classes(path: &Path) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
    parse_classes(&text).map_err(|reason| Error::BadClassList { path: path.to_owned(), reason })
}

fn parse_classes(text: &str) -> Result<Vec<String>, String> {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    if lines.is_empty() {
        return Err("no class name".to_owned());
    }
    if lines.len() > MAX_CLASSES {
        return Err(format!("{} lines, at most {MAX_CLASSES} are accepted", lines.len()));
    }
    let numbered = lines.iter().enumerate().all(|(number, line)| {
        line.split_once('\t').is_some_and(|(first, _)| first.parse() == Ok(number))
    });
    let mut seen = HashMap::with_capacity(lines.len());
    let mut classes = Vec::with_capacity(lines.len());
    for (number, line) in lines.iter().enumerate() {
        let name = line.split('\t').nth(usize::from(numbered)).unwrap_or_default().trim();
        if name.is_empty() {
            return Err(format!("line {}: no class name", number + 1));
        }
        if let Some(before) = seen.insert(name, number) {
            return Err(format!("`{name}` is in line {} and in line {}", before + 1, number + 1));
        }
        classes.push(name.to_owned());
    }
    Ok(classes)
}

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
        let places: HashMap<&str, u32> =
            classes.iter().enumerate().map(|(label, name)| (name.as_str(), label as u32)).collect();
        let label = |(class, sample): &(String, String)| {
            places.get(class.as_str()).copied().ok_or_else(|| Error::UnknownClass {
                name: sample.clone(),
                class: class.clone(),
                classes: classes.len(),
            })
        };
        self.names.iter().map(label).collect()
    }
}

/// All names of several lists, sorted, each once.
pub(super) fn sorted_union<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut all: Vec<&str> = names.collect();
    all.sort_unstable();
    all.dedup();
    all.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_list_is_one_name_a_line() {
        assert_eq!(parse_classes("cat\ndog\n").unwrap(), ["cat", "dog"]);
        assert_eq!(parse_classes("b\tsecond\na\tfirst\n").unwrap(), ["b", "a"]);
    }

    #[test]
    fn numbered_lines_have_the_name_in_the_second_field() {
        let text = "0\tn01440764\ttench\n1\tn01443537\tgoldfish\n";
        assert_eq!(parse_classes(text).unwrap(), ["n01440764", "n01443537"]);
    }

    #[test]
    fn digits_as_class_names_are_not_line_numbers() {
        assert_eq!(parse_classes("0\n1\n").unwrap(), ["0", "1"]);
        assert_eq!(parse_classes("1\tone\n0\tzero\n").unwrap(), ["1", "0"]);
    }

    #[test]
    fn a_bad_list_names_the_line() {
        assert_eq!(parse_classes("").unwrap_err(), "no class name");
        assert_eq!(parse_classes("cat\n\ndog").unwrap_err(), "line 2: no class name");
        assert_eq!(parse_classes("a\nb\na").unwrap_err(), "`a` is in line 1 and in line 3");
    }
}
