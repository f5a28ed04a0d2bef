//! What can go wrong with data, each case with the file, member or field that is at fault.

use crate::{Format, Split};
use std::path::{Path, PathBuf};

/// The result of an operation on data.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this crate. [`Error::hint`] says what to try next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said: a part of the message, hence no source of it.
        error: std::io::Error,
    },
    /// Something is wrong with one sample of a dataset.
    #[error("{name}: {reason}")]
    Sample {
        /// The sample, as [`Record::name`](crate::Record::name) calls it.
        name: String,
        /// What is wrong with it.
        reason: Box<Error>,
    },

    /// A dataset URI starts with a scheme that does not exist.
    #[error("`{uri}`: there is no dataset scheme `{scheme}:`")]
    UnknownScheme {
        /// What was asked for.
        uri: String,
        /// The part before the colon.
        scheme: String,
    },
    /// `builtin:` with a name that is not embedded.
    #[error("`builtin:{name}`: no embedded dataset has this name")]
    UnknownBuiltin {
        /// The part after the colon.
        name: String,
    },
    /// Braces of a dataset URI cannot be expanded.
    #[error("`{uri}`: {reason}")]
    BadPattern {
        /// What was asked for.
        uri: String,
        /// What is wrong with the braces.
        reason: &'static str,
    },
    /// A path is neither a folder nor a tar.
    #[error("{}: neither a folder nor a `.tar` file", path.display())]
    NotADataset {
        /// The path.
        path: PathBuf,
    },
    /// A tar that is compressed as a whole.
    #[error("{}: a tar compressed by {tool}, in which no member can be read by itself", path.display())]
    PackedTar {
        /// The archive.
        path: PathBuf,
        /// What it was compressed with.
        tool: &'static str,
    },
    /// A link that leads nowhere stands where a folder could be.
    #[error("{}: a symbolic link that cannot be followed: {error}", path.display())]
    BrokenLink {
        /// The link.
        path: PathBuf,
        /// What the system said of what it points to.
        error: std::io::Error,
    },
    /// Train and test were wanted of a dataset that is one undivided part.
    #[error("`{uri}`: holds one part, where a train and a test part are needed")]
    NoSplits {
        /// The dataset.
        uri: String,
    },
    /// An index was wanted of a dataset that is not in tars.
    #[error("`{uri}`: only datasets in tars have an index")]
    NoIndex {
        /// The dataset.
        uri: String,
    },
    /// A dataset has the other split, but not this one.
    #[error("{}: no {split} part; looked for {looked_for}", path.display())]
    MissingSplit {
        /// The folder or pattern.
        path: PathBuf,
        /// What was asked for.
        split: Split,
        /// The names that would have done.
        looked_for: String,
    },
    /// A shard that the pattern names does not exist.
    #[error("{}: no such shard; {found} of the {expected} in `{pattern}` exist", path.display())]
    MissingShard {
        /// The pattern with its braces.
        pattern: String,
        /// The first shard that is missing.
        path: PathBuf,
        /// How many exist.
        found: usize,
        /// How many the pattern names.
        expected: usize,
    },

    /// A dataset has no sample.
    #[error("{}: no image found", path.display())]
    Empty {
        /// The dataset.
        path: PathBuf,
    },
    /// A class has no sample.
    #[error("{}: class `{class}` has no image", path.display())]
    EmptyClass {
        /// The dataset.
        path: PathBuf,
        /// The class without an image.
        class: String,
    },
    /// All samples are of the same class.
    #[error("{dataset}: all images are of one class, `{class}`")]
    OneClass {
        /// The dataset.
        dataset: String,
        /// The class.
        class: String,
    },
    /// Classes are looked for by name in a list that has a name twice.
    #[error(
        "class `{class}` is label {first} and label {second} of the class list; where classes are \
         found by their names, these must differ"
    )]
    DuplicateClass {
        /// The name.
        class: String,
        /// Its first label.
        first: u32,
        /// Another one.
        second: u32,
    },
    /// A sample's class is not in the given list of classes.
    #[error("{name}: class `{class}` is not one of the {classes} in the class list")]
    UnknownClass {
        /// The sample or folder.
        name: String,
        /// Its class.
        class: String,
        /// How many classes the list has.
        classes: usize,
    },
    /// Labels are needed of images that have none.
    #[error("{name}: pictures without labels, where every image needs one")]
    Unlabelled {
        /// The dataset or the sample.
        name: String,
    },
    /// A list of class names cannot be used.
    #[error("{}: {reason}", path.display())]
    BadClassList {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line.
        reason: String,
    },
    /// A file of the classes of images cannot be used.
    #[error("{}: {reason}", path.display())]
    BadLabelFile {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line.
        reason: String,
    },
    /// Two parts of a dataset do not have the same classes.
    #[error(
        "the two parts have different classes: label {label} is {} in one and {} in the other",
        .first.as_deref().unwrap_or("absent"), .second.as_deref().unwrap_or("absent")
    )]
    DifferentClasses {
        /// The first label that differs.
        label: usize,
        /// Its name in the first part.
        first: Option<String>,
        /// Its name in the second part.
        second: Option<String>,
    },
    /// A file does not lie where its class can be told.
    #[error("{name}: {reason}")]
    Layout {
        /// The file or member.
        name: String,
        /// Where it should lie.
        reason: String,
    },
    /// A sample has no label.
    #[error("{name}: no label for the image; expected a .cls, .json or .txt member of its key")]
    MissingLabel {
        /// The sample.
        name: String,
    },
    /// Images and labels of a tar that do not go together.
    #[error("{name}: {reason}")]
    Unpaired {
        /// The member, or the key that several share.
        name: String,
        /// What does not pair.
        reason: String,
    },
    /// A label lies beside an image whose folder is its class.
    #[error("{}: a label beside an image, but here the folder is the class", path.display())]
    LabelInFolder {
        /// The label.
        path: PathBuf,
    },
    /// A label cannot be read.
    #[error("{name}: {reason}")]
    BadLabel {
        /// The member or record.
        name: String,
        /// What was found and what was expected.
        reason: String,
    },
    /// A label is past the last class.
    #[error("{name}: label {label} is out of range; there are {classes} classes, counted from 0")]
    LabelOutOfRange {
        /// The sample.
        name: String,
        /// Its label.
        label: u64,
        /// How many classes there are.
        classes: usize,
    },
    /// Two members of an archive have the same name.
    #[error("{}: two members are called `{name}`", path.display())]
    DuplicateMember {
        /// The archive.
        path: PathBuf,
        /// The name.
        name: String,
    },
    /// A sample was asked for that does not exist.
    #[error("sample {index} was asked for, but there are {len}, counted from 0")]
    OutOfBounds {
        /// The position asked for.
        index: u64,
        /// How many samples there are.
        len: u64,
    },
    /// More samples were wanted than there are.
    #[error("{wanted} samples {of} were asked for, but there are only {found}")]
    TooFewSamples {
        /// How many were wanted.
        wanted: u64,
        /// Of which class or dataset.
        of: String,
        /// How many there are.
        found: u64,
    },
    /// A list names a sample that the source has not.
    #[error("no image is called `{name}`")]
    NotNamed {
        /// The name.
        name: String,
    },
    /// A share was to be held out of classes that have no two samples.
    #[error("no class has two images, of which one could be held out for evaluation")]
    TooFewToHoldOut,
    /// Something is larger than the limit for it.
    #[error("{name}: {found} {unit}, over the limit of {limit}")]
    TooLarge {
        /// The file, member or field.
        name: String,
        /// Its size.
        found: u64,
        /// What is counted.
        unit: &'static str,
        /// The most that is accepted.
        limit: u64,
    },

    /// A tar ends in the middle of a member or without its end mark.
    #[error(
        "{}: cut off at byte {length} while reading {what} at byte {offset}; {}",
        path.display(), last_member(last.as_deref())
    )]
    TarCut {
        /// The archive.
        path: PathBuf,
        /// What was being read.
        what: &'static str,
        /// Where it starts in the file.
        offset: u64,
        /// The length of the file in bytes.
        length: u64,
        /// The last member that is complete.
        last: Option<String>,
    },
    /// A tar header makes no sense.
    #[error("{}: bad tar header at byte {offset}: {reason}", path.display())]
    TarHeader {
        /// The archive.
        path: PathBuf,
        /// Where the header starts.
        offset: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// There is data after the end mark of a tar.
    #[error("{}: more data after the end mark of the archive, at byte {offset}", path.display())]
    TarTrailing {
        /// The archive.
        path: PathBuf,
        /// Where the data starts.
        offset: u64,
    },
    /// The end mark of a tar is followed by far more padding than any writer makes.
    #[error(
        "{}: {padding} bytes after the end mark of the archive, expected up to {most}",
        path.display()
    )]
    TarPadding {
        /// The archive.
        path: PathBuf,
        /// How many bytes follow.
        padding: u64,
        /// How many may.
        most: u64,
    },
    /// A member that looks like an image is a link or a sparse file.
    #[error("{}: `{name}` is {kind}; expected the file itself", path.display())]
    TarLink {
        /// The archive.
        path: PathBuf,
        /// The member.
        name: String,
        /// What it is instead of a file.
        kind: &'static str,
    },

    /// An IDX file does not start as one.
    #[error("{}: not an IDX file of bytes: {reason}", path.display())]
    IdxHeader {
        /// The file.
        path: PathBuf,
        /// What was found and what was expected.
        reason: String,
    },
    /// A file has another length than its header or format demands.
    #[error("{}: {found} bytes, expected {expected} ({reason})", path.display())]
    WrongLength {
        /// The file.
        path: PathBuf,
        /// Its length in bytes, unpacked.
        found: u64,
        /// The length in bytes that it should have.
        expected: u64,
        /// Why.
        reason: String,
    },
    /// An images file and its labels file do not belong together.
    #[error("{}: {labels} labels for {images} images", path.display())]
    LabelCount {
        /// The labels file.
        path: PathBuf,
        /// How many images there are.
        images: u64,
        /// How many labels there are.
        labels: u64,
    },

    /// Bytes that are no image file that can be read.
    #[error("not a JPEG, PNG, WebP, GIF, BMP, TIFF or PNM file: {found}")]
    NotAnImage {
        /// What it is, or how it starts.
        found: String,
    },
    /// An image file that is damaged or uses an unsupported feature.
    #[error("{format} file: {reason}")]
    BadImage {
        /// What the file claims to be.
        format: Format,
        /// What the decoder said.
        reason: String,
    },
    /// An image file that ends too early.
    #[error("{format} file cut off after {length} bytes: {reason}")]
    CutImage {
        /// What the file claims to be.
        format: Format,
        /// Its length in bytes.
        length: usize,
        /// What is missing.
        reason: &'static str,
    },
    /// An image with more pixels than the limit.
    #[error("{width}×{height} pixels, over the limit of {limit} (max_pixels)")]
    TooManyPixels {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The most pixels that are accepted.
        limit: u64,
    },

    /// An image cannot be resized.
    #[error("{width}×{height} pixels cannot be resized: {reason}")]
    Resize {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// What does not fit.
        reason: String,
    },
    /// A setting of a transform or a loader has a value that makes no sense.
    #[error("`{field}` {reason}")]
    BadSetting {
        /// The field, with the names of the tables that hold it.
        field: &'static str,
        /// What was found and what was expected.
        reason: String,
    },
    /// More samples of an epoch are unreadable than the error budget allows.
    #[error("more than {budget} unreadable samples in one epoch; the last is {name}: {reason}")]
    BudgetSpent {
        /// How many are allowed.
        budget: u64,
        /// The sample that was one too many.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A thread of the loader panicked.
    #[error("a bug stopped the loader at sample {index}: {message}")]
    WorkerPanicked {
        /// The index of the sample in its source.
        index: u64,
        /// The message of the panic.
        message: String,
    },
    /// The loader was stopped while this batch was made.
    #[error("the loader was stopped")]
    LoaderStopped,
}

impl Error {
    /// This error, with the sample that it is about.
    #[must_use]
    pub fn of_sample(self, name: impl Into<String>) -> Self {
        Self::Sample { name: name.into(), reason: Box::new(self) }
    }

    /// Whether an image has more pixels than the limit, which can be raised.
    pub fn is_too_large(&self) -> bool {
        match self {
            Self::Sample { reason, .. } => reason.is_too_large(),
            error => matches!(error, Self::TooManyPixels { .. }),
        }
    }

    /// What the user can try, where there is something to say.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Sample { reason, .. } => return reason.hint(),
            Self::UnknownScheme { .. } => {
                "known schemes are builtin, cifar10, cifar100, folder, idx, pictures, tar and wds; \
                 write ./NAME for a path that has a colon"
            }
            Self::UnknownBuiltin { .. } => "the embedded dataset is builtin:fashion-mnist",
            Self::NoSplits { .. } => {
                "name the two parts one by one, write {split} in the path, as in \
                 data/{split}.tar, or hold a share out for evaluation: --set data.hold_out=0.1"
            }
            Self::MissingShard { .. } => {
                "every shard from the first to the last number in the braces is read, \
                 and of CIFAR every batch"
            }
            Self::Empty { .. } => {
                "expected CLASS/NAME with .jpg, .png, .webp or another ending of images; without classes, \
                 pictures:PATH"
            }
            Self::PackedTar { tool: "gzip", .. } => "unpack it with gunzip",
            Self::PackedTar { .. } => "unpack it to a plain .tar",
            Self::BrokenLink { .. } => "remove the link, or put in place what it points to",
            Self::OneClass { .. } => {
                "expected CLASS/NAME.jpg with a folder for each class; labels beside images are \
                 read with wds:FILE.tar; --one-class (data.one_class = true) if one class is meant"
            }
            Self::Unlabelled { .. } => {
                "name folders of a class each, CLASS/NAME.jpg, without `pictures:`; pictures without labels \
                 are for self-supervised methods and for predict"
            }
            Self::DuplicateClass { .. } => {
                "a list whose names differ, as WordNet ids do, can be matched with a dataset"
            }
            Self::MissingLabel { .. } | Self::Unpaired { .. } => {
                "wds:FILE.tar pairs images and labels by their paths up to the first dot of the \
                 file name; tar:FILE.tar takes folders as classes and no labels"
            }
            Self::LabelInFolder { .. } => {
                "`tar cf FILE.tar -C FOLDER .` makes a dataset of its labels; without them, its \
                 folders are its classes"
            }
            Self::EmptyClass { .. } => {
                "remove the empty folder, or give the list of classes to keep its label"
            }
            Self::UnknownClass { .. } | Self::DifferentClasses { .. } => {
                "labels are counted in the order of the sorted class names, so both parts need \
                 the same names; a class list fixes them"
            }
            Self::TarCut { .. } => "copy or download the archive again",
            Self::NotNamed { .. } => "names stand one a line, whole or from the last slash on",
            Self::TooFewToHoldOut => "name a test part with data.test, or add images",
            Self::TarPadding { .. } => "cut the file behind its end mark, or pack it again",
            Self::TarTrailing { .. } => {
                "archives that were joined end to end must be repacked, or kept as shards"
            }
            Self::TarLink { .. } => "pack again with `tar --dereference --hard-dereference`",
            Self::TooManyPixels { .. } => {
                "--max-pixels N allows more, and --set data.max_pixels=N where a recipe is trained"
            }
            Self::NotAnImage { .. } => "convert it to one of these, or remove it",
            Self::CutImage { .. } => "the file was probably not copied or downloaded completely",
            _ => return None,
        })
    }

    pub(crate) fn setting(field: &'static str, reason: impl Into<String>) -> Self {
        Self::BadSetting { field, reason: reason.into() }
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        |error| Self::Io { path: path.to_owned(), error }
    }
}

fn last_member(last: Option<&str>) -> String {
    last.map_or_else(
        || "no member is complete".to_owned(),
        |name| format!("the last complete member is `{name}`"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_s_error_names_it_and_keeps_the_hint() {
        let cut = || Error::CutImage { format: Format::Png, length: 9, reason: "no end" };
        let error = cut().of_sample("a/1.png");
        assert_eq!(error.to_string(), "a/1.png: PNG file cut off after 9 bytes: no end");
        assert_eq!(error.hint(), cut().hint());
        assert!(error.hint().is_some());
    }
}
