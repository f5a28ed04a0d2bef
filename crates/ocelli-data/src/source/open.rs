//! Opening a dataset by one string.

use super::locate::{DatasetFiles, Location, locate};
use super::{OpenOptions, Source, Split, TarSource};
use crate::{Error, Result};
use std::path::PathBuf;
use std::sync::Arc;

/// Opens the dataset that `uri` names.
///
/// # Dataset URIs
///
/// | URI | dataset | train and test |
/// | --- | --- | --- |
/// | `builtin:fashion-mnist` | 12,000 images of Fashion-MNIST, embedded | in it |
/// | `idx:FOLDER` | the four IDX files of MNIST, plain or `.gz` | `train-…` and `t10k-…` files |
/// | `idx:FILE` | one images file; the labels file is beside it | one part |
/// | `cifar10:FOLDER`, `cifar100:FOLDER` | the binary version of CIFAR | `data_batch_1.bin`…, `test_batch.bin`; `train.bin`, `test.bin` |
/// | `cifar10:FILE`, `cifar100:FILE` | one batch of it | one part |
/// | `folder:FOLDER` | image files as `CLASS/NAME.ext` | `FOLDER/train`, `FOLDER/test`; else one part |
/// | `tar:FILE` | a tar of `CLASS/NAME.ext` | one part |
/// | `wds:FILE` | a WebDataset shard: `KEY.jpg`, `KEY.cls` | one part |
/// | `pictures:PATH` | the images of a folder or tar at any depth, without labels | one part |
/// | a path without a scheme | a folder, or a `.tar` of either kind | `train.tar`, `test.tar` in a folder |
///
/// A `.tar` without a scheme is a WebDataset if any of its members is a label: a `.cls`, a `.json`
/// with a `label` or `cls` for an image, or a `.txt` where images lie in no folder. Else its folders
/// are its classes, and are the same as those of the tree that was packed.
///
/// Every path may have `{split}`, which stands for `train` or `test`: `data/{split}.tar` has two
/// parts. Tar paths may have a range, which stands for that many shards:
/// `shards/train-{0000..0146}.tar`. A part called `val`, `validation`, `valid` or `dev` serves as
/// test where there is none called `test`; this is said in the log, and so is which of several is
/// not used.
///
/// A dataset that is one part is opened whole, whichever split is asked for; [`open_splits`]
/// refuses it, because training and testing on the same images is a mistake.
///
/// # Example
/// ```
/// use ocelli_data::{OpenOptions, Source, Split, open};
///
/// let test = open("builtin:fashion-mnist", &OpenOptions::new(Split::Test))?;
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

/// Opens the dataset that `uri` names, for what cannot do without labels.
///
/// # Errors
/// Like [`open`], and [`Error::Unlabelled`] when its images have no labels.
pub fn open_labelled(uri: &str, options: &OpenOptions) -> Result<Arc<dyn Source>> {
    let location = locate(uri, options.split)?;
    if location.is_labelled() {
        return location.open(options);
    }
    Err(Error::Unlabelled { name: uri.to_owned() })
}

/// Opens the train and the test part of a dataset that has both. The test part gets the classes
/// of the train part, so it may lack some of them.
///
/// # Errors
/// Like [`open_labelled`]; [`Error::NoSplits`] when the dataset is one part, and [`Error::UnknownClass`]
/// or [`Error::LabelOutOfRange`] when the test part has a class that the train part does not have.
pub fn open_splits(uri: &str, options: &OpenOptions) -> Result<(Arc<dyn Source>, Arc<dyn Source>)> {
    let part = |split| match locate(uri, split)? {
        location if !location.is_labelled() => Err(Error::Unlabelled { name: uri.to_owned() }),
        Location { is_split: false, .. } => Err(Error::NoSplits { uri: uri.to_owned() }),
        location => Ok(location),
    };
    let (train, test) = (part(Split::Train)?, part(Split::Test)?);
    let train = train.open(options)?;
    let classes = Some(train.classes().to_vec());
    let test = test.open(&OpenOptions { classes, ..options.clone() })?;
    Ok((train, test))
}

/// Whether a dataset is one part, which [`open_splits`] refuses.
///
/// # Errors
/// When the URI is malformed or names nothing that exists.
pub fn is_one_part(uri: &str) -> Result<bool> {
    Ok(!locate(uri, Split::Train)?.is_split)
}

/// Writes an index beside each tar of a dataset, so that opening it again need not read all
/// headers; see [`TarSource::write_indexes`]. Of a dataset with two parts it is for the one that
/// `options` name. Gives the files written.
///
/// # Errors
/// Like [`open`]; [`Error::NoIndex`] when the dataset is not in tars.
pub fn write_indexes(uri: &str, options: &OpenOptions) -> Result<Vec<PathBuf>> {
    match locate(uri, options.split)?.files {
        DatasetFiles::Tar(shards, layout) => {
            TarSource::write_indexes(&shards, layout, options.limits)
        }
        _ => Err(Error::NoIndex { uri: uri.to_owned() }),
    }
}

#[cfg(test)]
mod tests;
