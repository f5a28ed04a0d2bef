//! A folder of `CLASS/NAME.ext`, with or without further folders between the two.

pub(super) mod tree;

use super::classes::{ClassNames, ClassOrder, sorted_union};
use super::file_names::FileNames;
use super::sub_folders::{SubFolders, looks_like_a_part};
use super::{NotImages, SampleKey, has_image_extension, in_bounds};
use crate::{Error, Limits, Payload, Record, Result, Source};
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use tree::{Kind, Tree, entries};

/// A folder with one folder of image files for each class.
///
/// All images below a class folder are of its class, at any depth. Samples are in the order of the
/// class names, then of the file names with the folders before them, both by bytes. Links are followed;
/// one that leads nowhere and could have been a folder is an error, and so is one in a circle. Hidden
/// files are passed over, and files without an image extension are counted. Memory: the file names, and
/// about 8 bytes more for each sample.
#[derive(Debug)]
pub struct FolderSource {
    root: PathBuf,
    folders: Vec<ClassFolder>,
    /// The first index of each folder, and the number of all samples at the end.
    starts: Vec<u64>,
    classes: Vec<String>,
    limits: Limits,
    not_images: NotImages,
}

#[derive(Debug)]
struct ClassFolder {
    name: String,
    label: u32,
    files: FileNames,
}

impl FolderSource {
    /// Lists the folder. With `classes` the labels are indices into that list, and classes of the
    /// list that have no folder are allowed.
    ///
    /// # Errors
    /// When the folder cannot be read, has no image, a class without an image, a class that is not
    /// in `classes`, images outside of class folders, labels inside of them, a part in place of a class,
    /// links in place of folders that lead nowhere or in a circle, or names that are not UTF-8.
    pub fn open(root: &Path, classes: Option<&[String]>, limits: Limits) -> Result<Self> {
        Self::open_in_order(root, classes, ClassOrder::default(), limits)
    }

    /// The same with the classes in a certain order, where no list has them.
    ///
    /// # Errors
    /// Like [`FolderSource::open`].
    pub fn open_in_order(
        root: &Path,
        classes: Option<&[String]>,
        order: ClassOrder,
        limits: Limits,
    ) -> Result<Self> {
        let shown = || root.display().to_string();
        let names = class_folders(root)?;
        let listed: Vec<Tree> = names
            .par_iter()
            .map(|name| Tree::list(&root.join(name), name))
            .collect::<Result<_>>()?;
        let others = listed.iter().map(|folder| folder.others.clone());
        let not_images = others.fold(NotImages::default(), NotImages::and);
        not_images.tell(shown);
        tell_of_sub_folders(root, &names, &listed)?;
        if listed.iter().all(|folder| folder.images.is_empty()) {
            return Err(Error::Empty { path: root.to_owned() });
        }
        let empty = listed.iter().position(|folder| folder.images.is_empty());
        if let (None, Some(empty)) = (classes, empty) {
            let class = names[empty].clone();
            return Err(Error::EmptyClass { path: root.to_owned(), class });
        }
        let mut table = ClassNames::default();
        for name in &names {
            table.id(name, || root.join(name).display().to_string())?;
        }
        let classes = match classes {
            Some(classes) => classes.to_vec(),
            None => sorted_union(table.iter(), order, shown),
        };
        let labels = table.labels(&classes)?;
        let mut starts = vec![0];
        let mut folders = Vec::with_capacity(names.len());
        for ((name, label), listed) in names.into_iter().zip(labels).zip(&listed) {
            starts.push(starts.last().copied().unwrap_or(0) + listed.images.len() as u64);
            folders.push(ClassFolder { name, label, files: FileNames::new(&listed.images) });
        }
        Ok(Self { root: root.to_owned(), folders, starts, classes, limits, not_images })
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

    fn label(&self, index: u64) -> Result<Option<u32>> {
        Ok(Some(self.locate(index)?.0.label))
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

    fn not_images(&self) -> NotImages {
        self.not_images.clone()
    }
}

/// The sorted names of the class folders.
fn class_folders(root: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for (name, kind) in entries(root)? {
        match kind {
            Kind::Folder | Kind::LinkedFolder => names.push(name),
            _ if has_image_extension(name.as_bytes()) => {
                return Err(Error::Layout {
                    name: root.join(name).display().to_string(),
                    reason: "the image lies in no class folder; expected CLASS/NAME.ext".to_owned(),
                });
            }
            // It may have been a class, and the labels of all after it would be others.
            Kind::Broken(error) => {
                return Err(Error::BrokenLink { path: root.join(name), error });
            }
            Kind::File => {}
        }
    }
    Ok(names)
}

/// Says how many images lie in sub-folders, and refuses a part in place of a class.
fn tell_of_sub_folders(root: &Path, names: &[String], listed: &[Tree]) -> Result<()> {
    let mut below = SubFolders::default();
    for (name, tree) in names.iter().zip(listed) {
        let is_below = |image: &&String| image.contains('/');
        let count = tree.images.iter().filter(is_below).count();
        let first = || tree.images.iter().find(is_below).map_or("", String::as_str);
        below.add(count as u64, || format!("{name}/{}", first()));
        if count > 0
            && count == tree.images.len()
            && let Some(reason) = looks_like_a_part(name)
        {
            return Err(Error::Layout { name: root.display().to_string(), reason });
        }
    }
    below.tell(|| root.display().to_string());
    Ok(())
}

#[cfg(test)]
mod tests;
