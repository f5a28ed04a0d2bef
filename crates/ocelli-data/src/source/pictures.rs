//! Pictures without labels: those of a folder, or files one by one.

use super::file_names::FileNames;
use super::folder::tree::Tree;
use super::{NotImages, SampleKey, in_bounds};
use crate::{Error, Limits, Payload, Record, Result, Source};
use std::path::{Path, PathBuf};

/// The image files of a folder at any depth, without labels.
///
/// Samples are in the order of their names with the folders before them, by bytes. Links, hidden files
/// and files without an image extension are treated as in class folders. Memory: the file names, and
/// about 8 bytes more for each sample.
#[derive(Debug)]
pub struct PictureFolder {
    root: PathBuf,
    files: FileNames,
    limits: Limits,
    not_images: NotImages,
}

impl PictureFolder {
    /// Lists the folder.
    ///
    /// # Errors
    /// When the folder cannot be read, has no image, links in place of folders that lead nowhere or in a
    /// circle, or names that are not UTF-8.
    pub fn open(root: &Path, limits: Limits) -> Result<Self> {
        let listed = Tree::without_labels(root)?;
        listed.others.tell(|| root.display().to_string());
        if listed.images.is_empty() {
            return Err(Error::Empty { path: root.to_owned() });
        }
        let (files, not_images) = (FileNames::new(&listed.images), listed.others);
        Ok(Self { root: root.to_owned(), files, limits, not_images })
    }

    fn file(&self, index: u64) -> Result<&str> {
        Ok(self.files.get(in_bounds(index, self.len())?))
    }

    fn path(&self, index: u64) -> Result<PathBuf> {
        Ok(self.root.join(self.file(index)?))
    }
}

impl Source for PictureFolder {
    fn len(&self) -> u64 {
        self.files.len() as u64
    }

    fn classes(&self) -> &[String] {
        &[]
    }

    fn label(&self, index: u64) -> Result<Option<u32>> {
        in_bounds(index, self.len())?;
        Ok(None)
    }

    fn name(&self, index: u64) -> Result<String> {
        Ok(self.path(index)?.display().to_string())
    }

    fn key(&self, index: u64) -> Result<SampleKey> {
        let path = self.path(index)?;
        let bytes = std::fs::metadata(&path).map_err(Error::io(&path))?.len();
        Ok(SampleKey { name: self.file(index)?.to_owned(), bytes })
    }

    fn read(&self, index: u64) -> Result<Record> {
        let path = self.path(index)?;
        let payload = Payload::Encoded(self.limits.read_file(&path)?);
        let name = path.display().to_string();
        Ok(Record { name, label: None, others: Vec::new(), payload })
    }

    fn not_images(&self) -> NotImages {
        self.not_images.clone()
    }
}

/// Files of pictures, one by one, without labels.
#[derive(Clone, Debug)]
pub struct PictureFiles {
    paths: Vec<PathBuf>,
    limits: Limits,
}

impl PictureFiles {
    /// These files, which need not be there before they are read.
    pub fn new(paths: Vec<PathBuf>, limits: Limits) -> Self {
        Self { paths, limits }
    }
}

impl Source for PictureFiles {
    fn len(&self) -> u64 {
        self.paths.len() as u64
    }

    fn classes(&self) -> &[String] {
        &[]
    }

    fn label(&self, index: u64) -> Result<Option<u32>> {
        in_bounds(index, self.len())?;
        Ok(None)
    }

    fn name(&self, index: u64) -> Result<String> {
        Ok(self.paths[in_bounds(index, self.len())?].display().to_string())
    }

    fn read(&self, index: u64) -> Result<Record> {
        let name = self.name(index)?;
        let payload = Payload::Encoded(self.limits.read_file(&self.paths[index as usize])?);
        Ok(Record { name, label: None, others: Vec::new(), payload })
    }
}

#[cfg(test)]
mod tests;
