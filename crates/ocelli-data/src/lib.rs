//! Image datasets for Ocelli: sources, decoding, resizing, augmentation and the exact-resume
//! loader.
//!
//! The way of one image: a [`Source`] gives a [`Record`] (encoded bytes or pixels, with a label),
//! [`decode`] turns it into an [`Image`], a transform crops, resizes, augments and normalises it,
//! and the loader stacks the results into batches. Nothing here knows tensors or devices.

#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

pub mod augment;
mod decode;
mod error;
mod fingerprint;
mod image;
mod imagenet;
mod limits;
mod loader;
mod resize;
mod source;
#[cfg(test)]
mod testing;
mod transform;
mod verify;

pub use decode::{Channels, DecodeOptions, Format, decode, dimensions};
pub use error::{Error, Result};
pub use fingerprint::{CONTENT_BYTES, DataDifference, Fingerprint};
pub use image::Image;
pub use imagenet::{ImagenetClass, are_imagenet_classes, imagenet_classes};
pub use limits::Limits;
pub use loader::{
    Batch, ClassBalanced, ClusterBatches, ClusterRule, Collisions, Epoch, Loader, LoaderConfig,
    Order, Positions, Sampler, Skipped, Targets,
};
pub use ocelli_common::{CropMode, Interpolation};
pub use resize::{Region, Resize, Window, resize};
pub use source::{
    BuiltinDataset, Cifar, CifarSource, ClassOrder, FolderSource, IdxSource, Joined, LabelFile,
    MultiLabelSource, NotImages, OpenOptions, Payload, PictureFiles, PictureFolder, Record,
    SampleKey, Source, Split, Subset, TarLayout, TarSource, builtin_datasets, check_same_classes,
    check_several_classes, class_counts, has_image_extension, is_hidden, is_one_part, open,
    open_labelled, open_splits, read_classes, write_indexes,
};
pub use transform::{
    EvalConfig, EvalTransform, InputConfig, Scratch, TrainConfig, TrainCrop, TrainTransform,
    Transform,
};
pub use verify::{CorruptSample, VerifyReport, verify};
