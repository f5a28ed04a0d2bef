//! A folder of `CLASS/NAME.ext`.

use super::classes::{ClassNames, ClassOrder, sorted_union};
use super::{NotImages, SampleKey, has_image_extension, in_bounds, is_hidden};
use crate::{Error, Limits, Payload, Record, Result, Source};
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// A folder with one folder of image files for each class.
///
/// Samples are in the order of the class names, then of the file names, both by bytes. Links are
/// followed; one that leads nowhere and could have been a folder is an error, and so is a folder
/// inside a class folder. Hidden files are passed over, and files without an image extension are
/// counted. Memory: the file names, and about 8 bytes more for each sample.
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
    /// in `classes`, images outside of class folders, folders or labels inside of them, links that
    /// lead nowhere in place of folders, or names that are not UTF-8.
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
        let listed: Vec<Listed> = names
            .par_iter()
            .map(|name| Listed::of(&root.join(name), name))
            .collect::<Result<_>>()?;
        let others = listed.iter().map(|folder| folder.others.clone());
        let not_images = others.fold(NotImages::default(), NotImages::and);
        not_images.tell(shown);
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

    fn not_images(&self) -> NotImages {
        self.not_images.clone()
    }
}

/// The sorted names of the class folders.
fn class_folders(root: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for (name, kind) in entries(root)? {
        match kind {
            Kind::Folder => names.push(name),
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
    names.sort_unstable();
    Ok(names)
}

/// What lies in one class folder.
struct Listed {
    /// The sorted names of the image files.
    images: Vec<String>,
    others: NotImages,
}

impl Listed {
    fn of(folder: &Path, class: &str) -> Result<Self> {
        let mut images = Vec::new();
        let mut others = Vec::new();
        for (name, kind) in entries(folder)? {
            match kind {
                Kind::Folder => {
                    return Err(Error::Layout {
                        name: folder.join(name).display().to_string(),
                        reason: "a folder inside a class folder; expected CLASS/NAME.ext"
                            .to_owned(),
                    });
                }
                // That a link to an image leads nowhere, its reader will say.
                _ if has_image_extension(name.as_bytes()) => images.push(name),
                Kind::Broken(error) if !name.contains('.') => {
                    return Err(Error::BrokenLink { path: folder.join(name), error });
                }
                Kind::Broken(_) | Kind::File => others.push(name),
            }
        }
        images.sort_unstable();
        others.sort_unstable();
        refuse_labels(folder, &images, &others)?;
        let mut not_images = NotImages::default();
        for name in others {
            not_images.add(|| format!("{class}/{name}"));
        }
        Ok(Self { images, others: not_images })
    }
}

/// A tar of the same files would have these labels; that here the folders are the classes may be a
/// surprise.
fn refuse_labels(folder: &Path, images: &[String], others: &[String]) -> Result<()> {
    let is_of_image = |label: &&String| {
        let extension = Path::new(label).extension();
        if !extension.is_some_and(|extension| extension.eq_ignore_ascii_case("cls")) {
            return false;
        }
        let key = label.split('.').next().unwrap_or_default();
        let at = images.partition_point(|image| image.as_str() < key);
        images.get(at).is_some_and(|image| image.starts_with(key))
    };
    match others.iter().find(is_of_image) {
        Some(label) => Err(Error::LabelInFolder { path: folder.join(label) }),
        None => Ok(()),
    }
}

/// What an entry of a folder is, after following links.
enum Kind {
    File,
    Folder,
    /// A link that cannot be followed, and why.
    Broken(std::io::Error),
}

/// The visible entries of a folder.
fn entries(folder: &Path) -> Result<Vec<(String, Kind)>> {
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
        let kind = match kind.is_symlink().then(|| std::fs::metadata(entry.path())) {
            Some(Err(error)) => Kind::Broken(error),
            Some(Ok(target)) if target.is_dir() => Kind::Folder,
            None if kind.is_dir() => Kind::Folder,
            Some(Ok(_)) | None => Kind::File,
        };
        found.push((name, kind));
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
