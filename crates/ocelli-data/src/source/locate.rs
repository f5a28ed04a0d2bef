//! From a dataset URI to the files that hold it.

use super::builtin;
use super::classes::compare_classes;
use super::uri::{self, Scheme};
use super::{Cifar, CifarSource, FolderSource, IdxSource, OpenOptions, Source, Split};
use super::{TarLayout, TarSource, is_hidden};
use crate::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One part of a dataset, before it is opened.
pub(super) struct Location {
    pub(super) place: Place,
    /// Whether there is a part for each split.
    pub(super) is_split: bool,
}

/// What a dataset is made of.
pub(super) enum Place {
    Builtin(String, Split),
    Cifar(Cifar, Vec<PathBuf>),
    Folder(PathBuf),
    Idx { images: PathBuf, labels: PathBuf },
    Tar(Vec<PathBuf>, Option<TarLayout>),
}

impl Location {
    pub(super) fn open(&self, options: &OpenOptions) -> Result<Arc<dyn Source>> {
        let classes = options.classes.as_deref();
        let limits = options.limits;
        Ok(match &self.place {
            Place::Builtin(name, split) => {
                let source = builtin::open(name, *split)?;
                compare_classes(classes.unwrap_or(source.classes()), source.classes())?;
                source
            }
            Place::Cifar(cifar, batches) => Arc::new(CifarSource::open(*cifar, batches, classes)?),
            Place::Folder(path) => Arc::new(FolderSource::open(path, classes, limits)?),
            Place::Idx { images, labels } => {
                Arc::new(IdxSource::open(images, labels, classes, limits)?)
            }
            Place::Tar(shards, layout) => {
                Arc::new(TarSource::open(shards, *layout, classes, limits)?)
            }
        })
    }
}

/// Finds the part of a dataset.
pub(super) fn locate(uri: &str, split: Split) -> Result<Location> {
    let (scheme, rest) = uri::split_scheme(uri)?;
    if scheme == Scheme::Builtin {
        return Ok(Location { place: Place::Builtin(rest.to_owned(), split), is_split: true });
    }
    let replaced = uri::replace_split(rest, split)?;
    let by_pattern = replaced.is_some();
    let path = replaced.unwrap_or_else(|| rest.to_owned());
    let mut location = match scheme {
        Scheme::Cifar(cifar) => locate_cifar(cifar, Path::new(&path), split)?,
        Scheme::Idx => locate_idx(Path::new(&path), split)?,
        Scheme::Folder => locate_folder(Path::new(&path), split)?,
        Scheme::Tar => one_part(Place::Tar(shards(&path)?, Some(TarLayout::ClassFolders))),
        Scheme::WebDataset => one_part(Place::Tar(shards(&path)?, Some(TarLayout::WebDataset))),
        Scheme::Builtin | Scheme::Path => locate_path(&path, split)?,
    };
    location.is_split |= by_pattern;
    Ok(location)
}

fn one_part(place: Place) -> Location {
    Location { place, is_split: false }
}

/// A path without a scheme: a folder of either kind, or a tar of either layout.
fn locate_path(path: &str, split: Split) -> Result<Location> {
    let folder = Path::new(path);
    if folder.is_dir() {
        let part =
            |split: Split| split.names().iter().map(|name| folder.join(name).with_extension("tar"));
        let any = |split| part(split).find(|path| path.is_file());
        return match (any(split), any(split.other())) {
            (Some(tar), _) => Ok(Location { place: Place::Tar(vec![tar], None), is_split: true }),
            (None, Some(_)) => Err(missing_split(folder, split, ".tar")),
            (None, None) => locate_folder(folder, split),
        };
    }
    let is_tar = folder.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("tar"));
    if is_tar {
        return Ok(one_part(Place::Tar(shards(path)?, None)));
    }
    std::fs::metadata(folder).map_err(Error::io(folder))?;
    Err(Error::NotADataset { path: folder.to_owned() })
}

/// A folder of class folders, or of a folder of class folders for each split.
fn locate_folder(folder: &Path, split: Split) -> Result<Location> {
    let any = |split: Split| {
        split.names().iter().map(|name| folder.join(name)).find(|path| path.is_dir())
    };
    match (any(split), any(split.other())) {
        (Some(part), Some(_)) => Ok(Location { place: Place::Folder(part), is_split: true }),
        // With one of the two, `train` may be a class like any other (a railway, say); but a
        // dataset has more than one class.
        (Some(part), None) if has_one_folder(folder)? => {
            Ok(Location { place: Place::Folder(part), is_split: true })
        }
        (None, Some(_)) if has_one_folder(folder)? => Err(missing_split(folder, split, "")),
        _ => Ok(one_part(Place::Folder(folder.to_owned()))),
    }
}

fn has_one_folder(folder: &Path) -> Result<bool> {
    let entries = std::fs::read_dir(folder).map_err(Error::io(folder))?;
    let visible =
        entries.flatten().filter(|entry| !is_hidden(entry.file_name().as_encoded_bytes()));
    Ok(visible.filter(|entry| entry.path().is_dir()).count() == 1)
}

fn locate_cifar(cifar: Cifar, path: &Path, split: Split) -> Result<Location> {
    if !path.is_dir() {
        return Ok(one_part(Place::Cifar(cifar, vec![path.to_owned()])));
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
    Ok(Location { place: Place::Cifar(cifar, batches), is_split: true })
}

fn locate_idx(path: &Path, split: Split) -> Result<Location> {
    if !path.is_dir() {
        return Ok(one_part(Place::Idx { images: path.to_owned(), labels: labels_beside(path)? }));
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
                    return Ok(Location { place: Place::Idx { images, labels }, is_split: true });
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
