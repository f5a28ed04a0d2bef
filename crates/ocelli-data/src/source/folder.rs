//! A folder of `CLASS/NAME.ext`.

use super::classes::{ClassNames, sorted_union};
use super::{SampleKey, has_image_extension, in_bounds, is_hidden};
use crate::{Error, Limits, Payload, Record, Result, Source};
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// A folder with one folder of image files for each class.
///
/// Samples are in the order of the class names, then of the file names, both by bytes. Links are
/// followed. Hidden files and files without an image extension are passed over; a folder inside a
/// class folder is an error. Memory: the file names, and about 8 bytes more for each sample.
#[derive(Debug)]
pub struct FolderSource {
    root: PathBuf,
    folders: Vec<ClassFolder>,
    /// The first index of each folder, and the number of all samples at the end.
    starts: Vec<u64>,
    classes: Vec<String>,
    limits: Limits,
}

#[derive(Debug)]
struct ClassFolder {
    name: String,
    label: u32,
    files: FileNames,
}

/// Many short names in two allocations.
#[derive(Debug, Default)]
struct FileNames {
    bytes: String,
    ends: Vec<usize>,
}

impl FileNames {
    fn new(names: &[String]) -> Self {
        let mut packed = Self { bytes: names.concat(), ends: Vec::with_capacity(names.len()) };
        let mut end = 0;
        packed.ends.extend(names.iter().map(|name| {
            end += name.len();
            end
        }));
        packed
    }

    fn get(&self, at: usize) -> &str {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.bytes[start..self.ends[at]]
    }
}

impl FolderSource {
    /// Lists the folder. With `classes` the labels are places in that list, and classes of the
    /// list that have no folder are allowed.
    ///
    /// # Errors
    /// When the folder cannot be read, has no image, a class without an image, a class that is not
    /// in `classes`, images outside of class folders or folders inside of them, or names that are
    /// not UTF-8.
    pub fn open(root: &Path, classes: Option<&[String]>, limits: Limits) -> Result<Self> {
        let names = class_folders(root)?;
        let listed: Vec<Vec<String>> =
            names.par_iter().map(|name| image_files(&root.join(name))).collect::<Result<_>>()?;
        if listed.iter().all(Vec::is_empty) {
            return Err(Error::Empty { path: root.to_owned() });
        }
        if let (None, Some(empty)) = (classes, listed.iter().position(Vec::is_empty)) {
            let class = names[empty].clone();
            return Err(Error::EmptyClass { path: root.to_owned(), class });
        }
        let mut table = ClassNames::default();
        for name in &names {
            table.id(name, || root.join(name).display().to_string())?;
        }
        let classes = classes.map_or_else(|| sorted_union(table.iter()), <[String]>::to_vec);
        let labels = table.labels(&classes)?;
        let mut starts = vec![0];
        let mut folders = Vec::with_capacity(names.len());
        for ((name, label), files) in names.into_iter().zip(labels).zip(&listed) {
            starts.push(starts.last().copied().unwrap_or(0) + files.len() as u64);
            folders.push(ClassFolder { name, label, files: FileNames::new(files) });
        }
        Ok(Self { root: root.to_owned(), folders, starts, classes, limits })
    }

    fn locate(&self, index: u64) -> Result<(&ClassFolder, &str)> {
        in_bounds(index, self.len())?;
        let at = self.starts.partition_point(|start| *start <= index) - 1;
        let folder = &self.folders[at];
        Ok((folder, folder.files.get((index - self.starts[at]) as usize)))
    }

    fn path(&self, index: u64) -> Result<PathBuf> {
        let (folder, file) = self.locate(index)?;
        Ok(self.root.join(&folder.name).join(file))
    }
}

impl Source for FolderSource {
    fn len(&self) -> u64 {
        self.starts.last().copied().unwrap_or(0)
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn label(&self, index: u64) -> Result<u32> {
        Ok(self.locate(index)?.0.label)
    }

    fn name(&self, index: u64) -> Result<String> {
        Ok(self.path(index)?.display().to_string())
    }

    fn key(&self, index: u64) -> Result<SampleKey> {
        let (folder, file) = self.locate(index)?;
        let path = self.path(index)?;
        let bytes = std::fs::metadata(&path).map_err(Error::io(&path))?.len();
        Ok(SampleKey { name: format!("{}/{file}", folder.name), bytes })
    }

    fn read(&self, index: u64) -> Result<Record> {
        let path = self.path(index)?;
        let bytes = self.limits.read_file(&path)?;
        let name = path.display().to_string();
        let (label, payload) = (self.label(index)?, Payload::Encoded(bytes));
        Ok(Record { name, label, others: Vec::new(), payload })
    }
}

/// The sorted names of the class folders.
fn class_folders(root: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for (name, is_folder) in entries(root)? {
        if is_folder {
            names.push(name);
        } else if has_image_extension(name.as_bytes()) {
            return Err(Error::Layout {
                name: root.join(name).display().to_string(),
                reason: "the image lies in no class folder; expected CLASS/NAME.ext".to_owned(),
            });
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// The sorted names of the image files of one class.
fn image_files(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for (name, is_folder) in entries(folder)? {
        if is_folder {
            return Err(Error::Layout {
                name: folder.join(name).display().to_string(),
                reason: "a folder inside a class folder; expected CLASS/NAME.ext".to_owned(),
            });
        }
        if has_image_extension(name.as_bytes()) {
            names.push(name);
        } else {
            tracing::debug!(file = %folder.join(name).display(), "no image extension, passed over");
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// The visible entries of a folder: name, and whether it is a folder itself.
fn entries(folder: &Path) -> Result<Vec<(String, bool)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(Error::io(folder))? {
        let entry = entry.map_err(Error::io(folder))?;
        let name = entry.file_name().into_string().map_err(|name| Error::Layout {
            name: folder.join(name).display().to_string(),
            reason: "the name is not UTF-8".to_owned(),
        })?;
        if is_hidden(name.as_bytes()) {
            continue;
        }
        let kind = entry.file_type().map_err(Error::io(folder))?;
        // Only a link costs a second system call.
        let is_folder = if kind.is_symlink() { entry.path().is_dir() } else { kind.is_dir() };
        found.push((name, is_folder));
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
