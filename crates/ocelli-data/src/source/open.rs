//! Opening a dataset by one string.

use super::builtin;
use super::classes::compare_classes;
use super::uri::{self, Scheme};
use super::{Cifar, CifarSource, FolderSource, IdxSource, Source, TarLayout, TarSource};
use crate::{Error, Limits, Result};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

/// A part of a dataset.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// What a model learns from.
    #[default]
    Train,
    /// What a model is measured on.
    Test,
}

impl Split {
    /// The names that files and folders of this part have, the preferred one first.
    pub(super) fn names(self) -> &'static [&'static str] {
        match self {
            Self::Train => &["train"],
            Self::Test => &["test", "val", "validation"],
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Train => Self::Test,
            Self::Test => Self::Train,
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.names()[0])
    }
}

impl FromStr for Split {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Train, Self::Test]
            .into_iter()
            .find(|split| split.names().contains(&text))
            .ok_or_else(|| format!("`{text}` is no split; expected train or test"))
    }
}

/// What to open of a dataset, and how.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// The part, where there are two.
    pub split: Split,
    /// The classes in the order of their labels, where the dataset's own order will not do:
    /// a part that lacks a class, or numbered labels that should have names.
    pub classes: Option<Vec<String>>,
    /// What is too large.
    pub limits: Limits,
}

impl OpenOptions {
    /// The default options for one part.
    pub fn of(split: Split) -> Self {
        Self { split, ..Self::default() }
    }
}

/// Opens the dataset that `uri` names.
///
/// # Dataset URIs
///
/// | URI | dataset | where train and test are |
/// | --- | --- | --- |
/// | `builtin:fashion-mnist` | 12,000 images of Fashion-MNIST, embedded | in it |
/// | `idx:FOLDER` | the four IDX files of MNIST, plain or `.gz` | `train-…` and `t10k-…` files |
/// | `idx:FILE` | one images file; the labels file is beside it | one part |
/// | `cifar10:FOLDER`, `cifar100:FOLDER` | the binary version of CIFAR | `data_batch_1.bin`…, `test_batch.bin`; `train.bin`, `test.bin` |
/// | `cifar10:FILE`, `cifar100:FILE` | one batch of it | one part |
/// | `folder:FOLDER` | image files as `CLASS/NAME.ext` | `FOLDER/train`, `FOLDER/test`; else one part |
/// | `tar:FILE` | a tar of `CLASS/NAME.ext` | one part |
/// | `wds:FILE` | a WebDataset shard: `KEY.jpg`, `KEY.cls` | one part |
/// | a path without a scheme | a folder, or a `.tar` of either kind | `train.tar`, `test.tar` in a folder |
///
/// Every path may have `{split}`, which stands for `train` or `test`: `data/{split}.tar` has two
/// parts. Tar paths may have a range, which stands for that many shards:
/// `shards/train-{0000..0146}.tar`. A part called `val` or `validation` serves as test where there
/// is none called `test`.
///
/// A dataset that is one part is opened whole, whichever split is asked for; [`open_splits`]
/// refuses it, because training and testing on the same images is a mistake.
///
/// # Example
/// ```
/// use ocelli_data::{OpenOptions, Source, Split, open};
///
/// let test = open("builtin:fashion-mnist", &OpenOptions::of(Split::Test))?;
/// assert_eq!(test.len(), 2000);
/// assert_eq!(test.classes()[9], "Ankle boot");
/// # Ok::<(), ocelli_data::Error>(())
/// ```
///
/// # Errors
/// When the URI is malformed, names nothing that exists, or names a dataset that is empty,
/// damaged, cut or inconsistent.
pub fn open(uri: &str, options: &OpenOptions) -> Result<Arc<dyn Source>> {
    locate(uri, options.split)?.open(options)
}

/// Opens the train and the test part of a dataset that has both. The test part gets the classes
/// of the train part, so it may lack some of them.
///
/// # Errors
/// Like [`open`]; [`Error::NoSplits`] when the dataset is one part, and [`Error::UnknownClass`]
/// or [`Error::LabelOutOfRange`] when the test part has a class that the train part does not have.
pub fn open_splits(uri: &str, options: &OpenOptions) -> Result<(Arc<dyn Source>, Arc<dyn Source>)> {
    let part = |split| match locate(uri, split)? {
        Location { is_split: false, .. } => Err(Error::NoSplits { uri: uri.to_owned() }),
        location => Ok(location),
    };
    let (train, test) = (part(Split::Train)?, part(Split::Test)?);
    let train = train.open(options)?;
    let classes = Some(train.classes().to_vec());
    let test = test.open(&OpenOptions { classes, ..options.clone() })?;
    Ok((train, test))
}

/// Writes an index beside each tar of a dataset, so that opening it again need not read all
/// headers; see [`TarSource::write_indexes`]. Of a dataset with two parts it is for the one that
/// `options` name. Gives the files written.
///
/// # Errors
/// Like [`open`]; [`Error::NoIndex`] when the dataset is not in tars.
pub fn write_indexes(uri: &str, options: &OpenOptions) -> Result<Vec<PathBuf>> {
    match locate(uri, options.split)?.place {
        Place::Tar(shards, layout) => TarSource::write_indexes(&shards, layout, options.limits),
        _ => Err(Error::NoIndex { uri: uri.to_owned() }),
    }
}

/// One part of a dataset, before it is opened.
struct Location {
    place: Place,
    /// Whether there is a part for each split.
    is_split: bool,
}

enum Place {
    Builtin(String, Split),
    Cifar(Cifar, Vec<PathBuf>),
    Folder(PathBuf),
    Idx { images: PathBuf, labels: PathBuf },
    Tar(Vec<PathBuf>, Option<TarLayout>),
}

impl Location {
    fn open(&self, options: &OpenOptions) -> Result<Arc<dyn Source>> {
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

fn locate(uri: &str, split: Split) -> Result<Location> {
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
            (Some(tar), other) => {
                Ok(Location { place: Place::Tar(vec![tar], None), is_split: other.is_some() })
            }
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
        (None, Some(_)) if has_one_folder(folder)? => Err(missing_split(folder, split, "")),
        (Some(part), None) if has_one_folder(folder)? => Ok(one_part(Place::Folder(part))),
        _ => Ok(one_part(Place::Folder(folder.to_owned()))),
    }
}

fn has_one_folder(folder: &Path) -> Result<bool> {
    let entries = std::fs::read_dir(folder).map_err(Error::io(folder))?;
    Ok(entries.flatten().filter(|entry| entry.path().is_dir()).count() == 1)
}

fn locate_cifar(cifar: Cifar, path: &Path, split: Split) -> Result<Location> {
    if !path.is_dir() {
        return Ok(one_part(Place::Cifar(cifar, vec![path.to_owned()])));
    }
    let pattern = match (cifar, split) {
        (Cifar::Ten, Split::Train) => "data_batch_{1..5}.bin",
        (Cifar::Ten, Split::Test) => "test_batch.bin",
        (Cifar::Hundred, Split::Train) => "train.bin",
        (Cifar::Hundred, Split::Test) => "test.bin",
    };
    let batches = shards(&path.join(pattern).display().to_string())?;
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
    let paths = uri::expand_shards(pattern)?;
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

#[cfg(test)]
mod tests;
