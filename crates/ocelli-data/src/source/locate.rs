//! From a dataset URI to the files that hold it.

use super::builtin;
use super::classes::compare_classes;
use super::notice;
use super::uri::{self, Scheme};
use super::{
    Cifar, CifarSource, FolderSource, IdxSource, OpenOptions, PictureFolder, Source, Split,
};
use super::{TarLayout, TarSource, is_hidden};
use crate::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One part of a dataset, before it is opened.
pub(super) struct Location {
    pub(super) files: DatasetFiles,
    /// Whether there is a part for each split.
    pub(super) is_split: bool,
}

/// What a dataset is made of.
pub(super) enum DatasetFiles {
    Builtin(String, Split),
    Cifar(Cifar, Vec<PathBuf>),
    Folder(PathBuf),
    Idx { images: PathBuf, labels: PathBuf },
    Pictures(PathBuf),
    Tar(Vec<PathBuf>, Option<TarLayout>),
}

impl Location {
    /// Whether the images have labels.
    pub(super) fn is_labelled(&self) -> bool {
        !matches!(
            self.files,
            DatasetFiles::Pictures(_) | DatasetFiles::Tar(_, Some(TarLayout::Pictures))
        )
    }

    pub(super) fn open(&self, options: &OpenOptions) -> Result<Arc<dyn Source>> {
        let classes = options.classes.as_deref();
        let (order, limits) = (options.class_order, options.limits);
        Ok(match &self.files {
            DatasetFiles::Builtin(name, split) => {
                let source = builtin::open(name, *split)?;
                compare_classes(classes.unwrap_or(source.classes()), source.classes())?;
                source
            }
            DatasetFiles::Cifar(cifar, batches) => {
                Arc::new(CifarSource::open(*cifar, batches, classes)?)
            }
            DatasetFiles::Folder(path) => {
                Arc::new(FolderSource::open_in_order(path, classes, order, limits)?)
            }
            DatasetFiles::Idx { images, labels } => {
                Arc::new(IdxSource::open(images, labels, classes, limits)?)
            }
            DatasetFiles::Pictures(path) => Arc::new(PictureFolder::open(path, limits)?),
            DatasetFiles::Tar(shards, layout) => {
                Arc::new(TarSource::open_in_order(shards, *layout, classes, order, limits)?)
            }
        })
    }
}

/// Finds the part of a dataset.
pub(super) fn locate(uri: &str, split: Split) -> Result<Location> {
    let (scheme, rest) = uri::split_scheme(uri)?;
    if scheme == Scheme::Builtin {
        return Ok(Location {
            files: DatasetFiles::Builtin(rest.to_owned(), split),
            is_split: true,
        });
    }
    let replaced = uri::replace_split(rest, split)?;
    let by_pattern = replaced.is_some();
    let path = replaced.unwrap_or_else(|| rest.to_owned());
    let mut location = match scheme {
        Scheme::Cifar(cifar) => locate_cifar(cifar, Path::new(&path), split)?,
        Scheme::Idx => locate_idx(Path::new(&path), split)?,
        Scheme::Folder => locate_folder(Path::new(&path), split)?,
        Scheme::Tar => one_part(DatasetFiles::Tar(shards(&path)?, Some(TarLayout::ClassFolders))),
        Scheme::WebDataset => {
            one_part(DatasetFiles::Tar(shards(&path)?, Some(TarLayout::WebDataset)))
        }
        Scheme::Pictures => one_part(locate_pictures(&path)?),
        Scheme::Builtin | Scheme::Path => locate_path(&path, split)?,
    };
    location.is_split |= by_pattern;
    Ok(location)
}

fn one_part(files: DatasetFiles) -> Location {
    Location { files, is_split: false }
}

/// A path without a scheme: a folder of either kind, or a tar of either layout.
fn locate_path(path: &str, split: Split) -> Result<Location> {
    let folder = Path::new(path);
    if folder.is_dir() {
        if let Some(location) = locate_tars(folder, split, ".tar") {
            return location;
        }
        // Packed tars are often left beside what they were unpacked to.
        if count_folders(folder)? == 0 {
            let packed = PACKED.iter().find_map(|packed| locate_tars(folder, split, packed));
            if let Some(location) = packed {
                return location;
            }
        }
        return locate_folder(folder, split);
    }
    if is_tar(path) {
        return Ok(one_part(DatasetFiles::Tar(shards(path)?, None)));
    }
    Err(neither_folder_nor_tar(folder))
}

/// The pictures of a folder, or of tars.
fn locate_pictures(path: &str) -> Result<DatasetFiles> {
    let folder = Path::new(path);
    if folder.is_dir() {
        return Ok(DatasetFiles::Pictures(folder.to_owned()));
    }
    if is_tar(path) {
        return Ok(DatasetFiles::Tar(shards(path)?, Some(TarLayout::Pictures)));
    }
    Err(neither_folder_nor_tar(folder))
}

fn is_tar(path: &str) -> bool {
    let extension = Path::new(path).extension();
    let name = path.to_ascii_lowercase();
    extension.is_some_and(|extension| extension.eq_ignore_ascii_case("tar"))
        || PACKED.iter().any(|extension| name.ends_with(extension))
}

fn neither_folder_nor_tar(path: &Path) -> Error {
    match std::fs::metadata(path) {
        Ok(_) => Error::NotADataset { path: path.to_owned() },
        Err(error) => Error::io(path)(error),
    }
}

/// How names of tars end that are packed as a whole. They are opened as tars, which says so.
const PACKED: [&str; 6] = [".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".txz", ".tar.zst"];

/// The tar of a part in a folder; `None` if there is none for either part.
fn locate_tars(folder: &Path, split: Split, extension: &str) -> Option<Result<Location>> {
    let part = |split: Split| -> Vec<PathBuf> {
        let tar = |name: &&str| folder.join(format!("{name}{extension}"));
        split.names().iter().map(tar).filter(|path| path.is_file()).collect()
    };
    let tars = part(split);
    if !tars.is_empty() {
        let tar = first_part(folder, split, tars);
        return Some(Ok(Location { files: DatasetFiles::Tar(vec![tar], None), is_split: true }));
    }
    let is_other = !part(split.other()).is_empty();
    is_other.then(|| Err(missing_split(folder, split, extension)))
}

/// A folder of class folders, or of a folder of class folders for each split.
fn locate_folder(folder: &Path, split: Split) -> Result<Location> {
    let any = |split: Split| -> Vec<PathBuf> {
        let part = |name: &&str| folder.join(name);
        split.names().iter().map(part).filter(|path| path.is_dir()).collect()
    };
    let (parts, others) = (any(split), any(split.other()));
    // With one of the two, `train` may be a class like any other (a railway, say); but a
    // dataset has more than one class.
    let is_split = match (parts.is_empty(), others.is_empty()) {
        (false, false) => true,
        (false, true) => count_folders(folder)? == 1,
        (true, false) if count_folders(folder)? == 1 => {
            return Err(missing_split(folder, split, ""));
        }
        _ => false,
    };
    if is_split {
        let part = first_part(folder, split, parts);
        return Ok(Location { files: DatasetFiles::Folder(part), is_split: true });
    }
    Ok(one_part(DatasetFiles::Folder(folder.to_owned())))
}

/// The first of several parts that could serve, which is said where it is not the one that
/// everybody expects.
fn first_part(folder: &Path, split: Split, mut parts: Vec<PathBuf>) -> PathBuf {
    let name =
        |path: &PathBuf| format!("`{}`", path.file_name().unwrap_or_default().to_string_lossy());
    let first = parts.remove(0);
    let shown = name(&first);
    let others: Vec<String> = parts.iter().map(name).collect();
    let folder = folder.display();
    if !others.is_empty() {
        let others = others.join(" and ");
        notice::once(&format!(
            "{folder}: {shown} is the {split} part; {others} beside it is not used"
        ));
    } else if !shown[1..].starts_with(split.names()[0]) {
        notice::once(&format!("{folder}: {shown} is the {split} part"));
    }
    first
}

fn count_folders(folder: &Path) -> Result<usize> {
    let entries = std::fs::read_dir(folder).map_err(Error::io(folder))?;
    let visible =
        entries.flatten().filter(|entry| !is_hidden(entry.file_name().as_encoded_bytes()));
    Ok(visible.filter(|entry| entry.path().is_dir()).count())
}

fn locate_cifar(cifar: Cifar, path: &Path, split: Split) -> Result<Location> {
    if !path.is_dir() {
        return Ok(one_part(DatasetFiles::Cifar(cifar, vec![path.to_owned()])));
    }
    let names: &[&str] = match (cifar, split) {
        (Cifar::Ten, Split::Train) => &[
            "data_batch_1.bin",
            "data_batch_2.bin",
            "data_batch_3.bin",
            "data_batch_4.bin",
            "data_batch_5.bin",
        ],
        (Cifar::Ten, Split::Test) => &["test_batch.bin"],
        (Cifar::Hundred, Split::Train) => &["train.bin"],
        (Cifar::Hundred, Split::Test) => &["test.bin"],
    };
    let batches = names.iter().map(|name| path.join(name)).collect();
    let batches = check_shards(&path.display().to_string(), batches)?;
    Ok(Location { files: DatasetFiles::Cifar(cifar, batches), is_split: true })
}

fn locate_idx(path: &Path, split: Split) -> Result<Location> {
    if !path.is_dir() {
        return Ok(one_part(DatasetFiles::Idx {
            images: path.to_owned(),
            labels: labels_beside(path)?,
        }));
    }
    let prefixes: &[&str] = match split {
        Split::Train => &["train"],
        Split::Test => &["t10k", "test"],
    };
    for prefix in prefixes {
        for dot in ["-idx", ".idx"] {
            for gz in ["", ".gz"] {
                let images = path.join(format!("{prefix}-images{dot}3-ubyte{gz}"));
                if images.is_file() {
                    let labels = labels_beside(&images)?;
                    return Ok(Location {
                        files: DatasetFiles::Idx { images, labels },
                        is_split: true,
                    });
                }
            }
        }
    }
    let looked_for = format!("{}-images-idx3-ubyte[.gz]", prefixes.join(" or "));
    Err(Error::MissingSplit { path: path.to_owned(), split, looked_for })
}

/// The labels file that belongs to an images file.
fn labels_beside(images: &Path) -> Result<PathBuf> {
    let name = images.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let labels = name.replace("-images", "-labels").replace("idx3", "idx1").replace("idx4", "idx1");
    if labels == name {
        return Err(Error::Layout {
            name: images.display().to_string(),
            reason: "expected NAME-images-idx3-ubyte, with NAME-labels-idx1-ubyte beside it"
                .to_owned(),
        });
    }
    let plain = images.with_file_name(labels.trim_end_matches(".gz"));
    let packed = images.with_file_name(format!("{}.gz", labels.trim_end_matches(".gz")));
    Ok(if plain.is_file() || !packed.is_file() { plain } else { packed })
}

/// The shards of a pattern, all of which must exist.
fn shards(pattern: &str) -> Result<Vec<PathBuf>> {
    check_shards(pattern, uri::expand_shards(pattern)?)
}

/// Checks that all files exist that belong together.
fn check_shards(pattern: &str, paths: Vec<PathBuf>) -> Result<Vec<PathBuf>> {
    let missing = paths.iter().find(|path| !path.exists());
    match missing {
        // One missing file is reported by opening it.
        Some(path) if paths.len() > 1 => Err(Error::MissingShard {
            pattern: pattern.to_owned(),
            path: path.clone(),
            found: paths.iter().filter(|path| path.exists()).count(),
            expected: paths.len(),
        }),
        _ => Ok(paths),
    }
}

fn missing_split(path: &Path, split: Split, extension: &str) -> Error {
    let names: Vec<String> =
        split.names().iter().map(|name| format!("{name}{extension}")).collect();
    Error::MissingSplit { path: path.to_owned(), split, looked_for: names.join(", ") }
}
