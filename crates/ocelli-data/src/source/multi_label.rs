//! Images that are of several classes.
//!
//! ImageNet-21k has the same picture under several of its classes; EfficientNetV2 is pre-trained on
//! the set of them. A dataset gives each sample one class; a file can give it more.

use super::classes::labels_by_name;
use super::{NotImages, SampleKey, Source, in_bounds};
use crate::{Error, Limits, Record, Result};
use rayon::prelude::*;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// ImageNet-21k's file is far smaller.
const LARGEST_FILE: u64 = 1 << 30;

/// A file that says which images are of further classes: a line each, with the name of the image and
/// the names of the classes, separated by tabs.
///
/// ```text
/// n01440764/n01440764_10026.JPEG<TAB>n01439121<TAB>n02512053
/// ```
///
/// The name may be as short as it is unambiguous: a sample is meant where its own name is that, or
/// ends with it after a slash.
#[derive(Clone, Debug)]
pub struct LabelFile {
    path: PathBuf,
    lines: Vec<Line>,
    /// The line of each name.
    by_name: HashMap<String, u32>,
}

#[derive(Clone, Debug)]
struct Line {
    /// Counted from 1.
    number: usize,
    classes: Vec<String>,
}

impl LabelFile {
    /// Reads the file.
    ///
    /// # Errors
    /// [`Error::BadLabelFile`] when it is not UTF-8, a line has no class or an empty field, or a name
    /// comes twice.
    pub fn read(path: &Path) -> Result<Self> {
        let limits = Limits { file_bytes: LARGEST_FILE, ..Limits::default() };
        let bytes = limits.read_file(path)?;
        let text = String::from_utf8(bytes).map_err(|_| Error::BadLabelFile {
            path: path.to_owned(),
            reason: "not UTF-8".into(),
        })?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self> {
        let mut file = Self { path: path.to_owned(), lines: Vec::new(), by_name: HashMap::new() };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let number = index + 1;
            let mut fields = line.split('\t').map(str::trim);
            let name = fields.next().unwrap_or_default().to_owned();
            let classes: Vec<String> = fields.map(str::to_owned).collect();
            if name.is_empty() || classes.is_empty() || classes.iter().any(String::is_empty) {
                let expected = "expected the name of an image, a tab, and classes between tabs";
                return Err(file.refuse(format!("line {number}: {expected}")));
            }
            if let Some(before) = file.by_name.insert(name.clone(), file.lines.len() as u32) {
                let before = file.lines[before as usize].number;
                return Err(
                    file.refuse(format!("`{name}` is in line {before} and in line {number}"))
                );
            }
            file.lines.push(Line { number, classes });
        }
        Ok(file)
    }

    /// Where it was read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The line that means the sample called `name`; the longest of several names.
    fn line_of(&self, name: &str) -> Option<u32> {
        // The members of a tar come after its name, a comma and a space.
        let is_end = |(at, c): &(usize, char)| match c {
            '/' | '\\' => true,
            ' ' => name[..*at].ends_with(','),
            _ => false,
        };
        let ends = name.char_indices().filter(is_end).map(|(at, _)| &name[at + 1..]);
        std::iter::once(name).chain(ends).find_map(|end| self.by_name.get(end).copied())
    }

    /// The labels of each line.
    fn labels(&self, classes: &[String]) -> Result<Vec<Vec<u32>>> {
        let by_name = labels_by_name(classes)?;
        let labels = |line: &Line| -> Result<Vec<u32>> {
            let label = |class: &String| {
                by_name.get(class.as_str()).copied().ok_or_else(|| Error::UnknownClass {
                    name: format!("{}, line {}", self.path.display(), line.number),
                    class: class.clone(),
                    classes: classes.len(),
                })
            };
            line.classes.iter().map(label).collect()
        };
        self.lines.iter().map(labels).collect()
    }

    /// How many images it names.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether it names none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Says in the log how many images have further classes, and how many lines are of none.
    ///
    /// # Errors
    /// [`Error::BadLabelFile`] when `named`, the images that were found, are none.
    pub fn check_named(&self, named: usize) -> Result<()> {
        if named == 0 {
            return Err(self.refuse("it names no image of the dataset".to_owned()));
        }
        let (path, lines) = (self.path.display(), self.len());
        tracing::info!("{path} names {named} images");
        if named < lines {
            tracing::warn!("{path}: {} of {lines} lines name no image", lines - named);
        }
        Ok(())
    }

    fn ambiguous(&self, line: usize) -> Error {
        let number = self.lines[line].number;
        let reason = "it is the name of several samples; write more of their paths";
        self.refuse(format!("line {number}: {reason}"))
    }

    fn refuse(&self, reason: String) -> Error {
        Error::BadLabelFile { path: self.path.clone(), reason }
    }
}

/// A source some of whose samples have further classes.
///
/// Memory: 4 bytes for each sample, and 4 for each further class.
pub struct MultiLabelSource {
    source: Arc<dyn Source>,
    /// Where the further classes of each sample begin, and of the last end.
    starts: Vec<u32>,
    classes: Vec<u32>,
    /// Which lines of the file name a sample.
    meant: Vec<bool>,
}

impl MultiLabelSource {
    /// Gives the samples of `source` the classes of `file`. Reads the name of every sample once.
    ///
    /// # Errors
    /// [`Error::UnknownClass`] when the source has no such class, [`Error::BadLabelFile`] when a line
    /// means more than one sample, and when a name cannot be read.
    pub fn new(source: Arc<dyn Source>, file: &LabelFile) -> Result<Self> {
        let labels = file.labels(source.classes())?;
        let lines: Vec<Option<u32>> = (0..source.len())
            .into_par_iter()
            .map(|index| Ok(file.line_of(&source.name(index)?)))
            .collect::<Result<_>>()?;

        let mut meant = vec![false; labels.len()];
        let (mut starts, mut classes) = (vec![0], Vec::new());
        for line in lines {
            if let Some(line) = line.map(|line| line as usize) {
                if std::mem::replace(&mut meant[line], true) {
                    return Err(file.ambiguous(line));
                }
                classes.extend_from_slice(&labels[line]);
            }
            starts.push(classes.len() as u32);
        }
        Ok(Self { source, starts, classes, meant })
    }

    /// Gives two parts of a dataset the classes of `file`, which may be of one of them alone.
    ///
    /// # Errors
    /// As [`new`](Self::new), and when a line means a sample of each.
    pub fn from_parts(parts: [Arc<dyn Source>; 2], file: &LabelFile) -> Result<[Self; 2]> {
        let [one, other] = parts;
        let (one, other) = (Self::new(one, file)?, Self::new(other, file)?);
        let mut both = one.meant.iter().zip(&other.meant);
        match both.position(|(one, other)| *one && *other) {
            None => Ok([one, other]),
            Some(line) => Err(file.ambiguous(line)),
        }
    }

    /// How many samples the file names.
    pub fn named(&self) -> usize {
        self.meant.iter().filter(|meant| **meant).count()
    }
}

impl Source for MultiLabelSource {
    fn len(&self) -> u64 {
        self.source.len()
    }

    fn classes(&self) -> &[String] {
        self.source.classes()
    }

    fn read(&self, index: u64) -> Result<Record> {
        let others = self.others(index)?;
        let record = self.source.read(index)?;
        Ok(Record { others, ..record })
    }

    fn others(&self, index: u64) -> Result<Vec<u32>> {
        let at = in_bounds(index, self.len())?;
        let label = self.source.label(index)?;
        let mut others = self.source.others(index)?;
        for class in &self.classes[self.starts[at] as usize..self.starts[at + 1] as usize] {
            if Some(*class) != label && !others.contains(class) {
                others.push(*class);
            }
        }
        Ok(others)
    }

    fn key(&self, index: u64) -> Result<SampleKey> {
        self.source.key(index)
    }

    fn label(&self, index: u64) -> Result<Option<u32>> {
        self.source.label(index)
    }

    fn name(&self, index: u64) -> Result<String> {
        self.source.name(index)
    }

    fn not_images(&self) -> NotImages {
        self.source.not_images()
    }
}

#[cfg(test)]
mod tests;
