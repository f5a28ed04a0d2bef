//! Where images come from.

mod builtin;
mod cifar;
mod classes;
mod file_names;
mod folder;
mod idx;
mod joined;
mod locate;
mod multi_label;
mod not_images;
mod notice;
mod open;
mod open_options;
mod pictures;
mod split;
mod storage;
mod sub_folders;
mod subset;
mod tar;
mod uri;

pub use builtin::{BuiltinDataset, builtin_datasets};
pub use cifar::{Cifar, CifarSource};
pub use classes::{ClassOrder, check_same_classes, check_several_classes, read_classes};
pub use folder::FolderSource;
pub use idx::IdxSource;
pub use joined::Joined;
pub use multi_label::{LabelFile, MultiLabelSource};
pub use not_images::NotImages;
pub use open::{is_one_part, open, open_labelled, open_splits, write_indexes};
pub use open_options::OpenOptions;
pub use pictures::{PictureFiles, PictureFolder};
pub use split::Split;
pub use subset::{Subset, class_counts};
pub use tar::{TarLayout, TarSource};

use crate::{DecodeOptions, Error, Image, Result, decode};
use std::sync::Arc;

/// A finite set of images that can be read at any position, from any thread.
///
/// Either all have a label, less than the number of classes, or none has and there are no classes.
pub trait Source: Send + Sync {
    /// How many samples there are.
    fn len(&self) -> u64;

    /// Whether there is no sample.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The names of the classes, in the order of their labels; none where images have no labels.
    fn classes(&self) -> &[String];

    /// The sample at `index`, in the source's own order.
    ///
    /// # Errors
    /// When `index` is past the end or the sample cannot be read.
    fn read(&self, index: u64) -> Result<Record>;

    /// The label of the sample at `index`, if it has one, without reading its picture where the source can.
    ///
    /// # Errors
    /// When `index` is past the end or the sample cannot be read.
    fn label(&self, index: u64) -> Result<Option<u32>> {
        Ok(self.read(index)?.label)
    }

    /// What to call the sample at `index` in a message, without reading its picture where the
    /// source can.
    ///
    /// # Errors
    /// When `index` is past the end or the sample cannot be read.
    fn name(&self, index: u64) -> Result<String> {
        Ok(self.read(index)?.name)
    }

    /// Further classes of the sample at `index`, where it is of several, without reading its picture.
    ///
    /// # Errors
    /// When `index` is past the end.
    fn others(&self, index: u64) -> Result<Vec<u32>> {
        in_bounds(index, self.len())?;
        Ok(Vec::new())
    }

    /// What tells the sample at `index` from the others wherever the dataset lies, without reading its
    /// picture where the source can.
    ///
    /// # Errors
    /// When `index` is past the end or the sample cannot be read.
    fn key(&self, index: u64) -> Result<SampleKey> {
        let Record { name, payload, .. } = self.read(index)?;
        Ok(SampleKey { name, bytes: payload.len() })
    }

    /// The files beside the images that are none, where the classes are folders.
    fn not_images(&self) -> NotImages {
        NotImages::default()
    }
}

impl<S: Source + ?Sized> Source for Arc<S> {
    fn len(&self) -> u64 {
        (**self).len()
    }

    fn classes(&self) -> &[String] {
        (**self).classes()
    }

    fn read(&self, index: u64) -> Result<Record> {
        (**self).read(index)
    }

    fn label(&self, index: u64) -> Result<Option<u32>> {
        (**self).label(index)
    }

    fn name(&self, index: u64) -> Result<String> {
        (**self).name(index)
    }

    fn others(&self, index: u64) -> Result<Vec<u32>> {
        (**self).others(index)
    }

    fn key(&self, index: u64) -> Result<SampleKey> {
        (**self).key(index)
    }

    fn not_images(&self) -> NotImages {
        (**self).not_images()
    }
}

/// What tells a sample from the others of its dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleKey {
    /// Its name below the path of the dataset, as in `CLASS/NAME.jpg`: the same after a move.
    pub name: String,
    /// The length of its picture as it is stored, in bytes.
    pub bytes: u64,
}

/// One sample as a source holds it.
#[derive(Clone, Debug)]
pub struct Record {
    /// What to call the sample in a message: the path, or the member of an archive.
    pub name: String,
    /// The class, counted from zero, where images have labels.
    pub label: Option<u32>,
    /// Further classes, where the sample is of several.
    pub others: Vec<u32>,
    /// The picture.
    pub payload: Payload,
}

impl Record {
    /// The class, for what cannot do without.
    ///
    /// # Errors
    /// [`Error::Unlabelled`] with the name of the sample.
    pub fn required_label(&self) -> Result<u32> {
        self.label.ok_or_else(|| Error::Unlabelled { name: self.name.clone() })
    }

    /// The picture as pixels.
    ///
    /// # Errors
    /// [`Error::Sample`] with the name of the sample, when [`decode`] refuses it.
    pub fn decode(self, options: &DecodeOptions) -> Result<Image> {
        match self.payload {
            Payload::Encoded(bytes) => {
                decode(&bytes, options).map_err(|error| error.of_sample(self.name))
            }
            Payload::Pixels(image) => Ok(options.channels.convert(image)),
        }
    }
}

/// A picture, before or after decoding.
#[derive(Clone, Debug)]
pub enum Payload {
    /// The bytes of a file that [`decode`] takes.
    Encoded(Vec<u8>),
    /// Pixels that the source stores as such.
    Pixels(Image),
}

impl Payload {
    /// The length of the picture as it is stored, in bytes.
    fn len(&self) -> u64 {
        match self {
            Self::Encoded(bytes) => bytes.len() as u64,
            Self::Pixels(image) => image.pixels.len() as u64,
        }
    }
}

/// `index` as a position in memory.
fn in_bounds(index: u64, len: u64) -> Result<usize> {
    if index < len { Ok(index as usize) } else { Err(Error::OutOfBounds { index, len }) }
}

/// Whether a file is taken for an image by its name. Endings of what cannot be decoded are here
/// too: such a file is then an error instead of a sample that is missing unnoticed.
pub fn has_image_extension(name: &[u8]) -> bool {
    const EXTENSIONS: [&str; 24] = [
        "jpg", "jpeg", "jpe", "jfif", "png", "apng", "webp", "gif", "bmp", "dib", "tif", "tiff",
        "pbm", "pgm", "ppm", "pnm", "pam", "heic", "heif", "avif", "jxl", "jp2", "j2k", "jpx",
    ];
    let Some(dot) = name.iter().rposition(|byte| *byte == b'.') else { return false };
    let extension = &name[dot + 1..];
    EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known.as_bytes()))
}

/// Whether a file or folder is one that systems leave behind, as `.DS_Store`, `._photo.jpg` and
/// `__MACOSX`. Such are passed over wherever a folder is looked through.
pub fn is_hidden(name: &[u8]) -> bool {
    name.starts_with(b".") || name == b"__MACOSX"
}
