//! The dataset inside the library: 12,000 images of Fashion-MNIST.
//!
//! Fashion-MNIST: Xiao, Rasul and Vollgraf 2017, <https://arxiv.org/abs/1708.07747>; MIT licence,
//! in `assets/fashion-mnist/LICENSE`. The subset is the first 1,000 training images and the first
//! 200 test images of each of the ten classes, in the order of the official files;
//! `examples/make_fashion_mnist_subset.rs` makes it again, byte by byte.

use super::IdxSource;
use crate::{Error, Result, Split};
use std::sync::{Arc, OnceLock};

const TRAIN_IMAGES: &[u8] = include_bytes!("../../assets/fashion-mnist/train-images-idx3-ubyte.gz");
const TRAIN_LABELS: &[u8] = include_bytes!("../../assets/fashion-mnist/train-labels-idx1-ubyte.gz");
const TEST_IMAGES: &[u8] = include_bytes!("../../assets/fashion-mnist/t10k-images-idx3-ubyte.gz");
const TEST_LABELS: &[u8] = include_bytes!("../../assets/fashion-mnist/t10k-labels-idx1-ubyte.gz");

/// The labels in their order, as the authors' README names them.
const CLASSES: [&str; 10] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];

/// A dataset that is part of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuiltinDataset {
    /// What [`open`](crate::open) calls it.
    pub uri: &'static str,
    /// What it is, and where it comes from.
    pub description: &'static str,
    /// The licence of its images.
    pub licence: &'static str,
}

/// All datasets that are part of the library.
pub fn builtin_datasets() -> &'static [BuiltinDataset] {
    &[BuiltinDataset {
        uri: "builtin:fashion-mnist",
        description: "10,000 train and 2,000 test images of Fashion-MNIST (Xiao et al. 2017), \
                      28×28 grey, 10 classes",
        licence: "MIT",
    }]
}

/// The embedded dataset `name`, unpacked once and then shared.
pub(super) fn open(name: &str, split: Split) -> Result<Arc<IdxSource>> {
    static TRAIN: OnceLock<Arc<IdxSource>> = OnceLock::new();
    static TEST: OnceLock<Arc<IdxSource>> = OnceLock::new();
    if name != "fashion-mnist" {
        return Err(Error::UnknownBuiltin { name: name.to_owned() });
    }
    let (cell, images, labels) = match split {
        Split::Train => (&TRAIN, TRAIN_IMAGES, TRAIN_LABELS),
        Split::Test => (&TEST, TEST_IMAGES, TEST_LABELS),
    };
    if let Some(source) = cell.get() {
        return Ok(source.clone());
    }
    let classes = CLASSES.map(str::to_owned);
    let name = format!("builtin:{name} {split}");
    let source = IdxSource::from_bytes(&name, images, labels, Some(&classes))?;
    Ok(cell.get_or_init(|| Arc::new(source)).clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Source;

    #[test]
    fn every_class_has_its_share() -> Result<()> {
        for (split, per_class) in [(Split::Train, 1000), (Split::Test, 200)] {
            let source = open("fashion-mnist", split)?;
            let mut counts = [0; 10];
            for index in 0..source.len() {
                counts[source.read(index)?.required_label()? as usize] += 1;
            }
            assert_eq!(counts, [per_class; 10]);
            // Both official files begin with an ankle boot.
            assert_eq!(source.label(0)?, Some(9));
        }
        Ok(())
    }

    #[test]
    fn opening_twice_unpacks_once() -> Result<()> {
        let first = open("fashion-mnist", Split::Test)?;
        assert!(Arc::ptr_eq(&first, &open("fashion-mnist", Split::Test)?));
        Ok(())
    }

    #[test]
    fn every_listed_dataset_opens() -> Result<()> {
        for dataset in builtin_datasets() {
            let (train, test) = crate::open_splits(dataset.uri, &crate::OpenOptions::default())?;
            assert_eq!((train.len(), test.len()), (10_000, 2_000));
        }
        Ok(())
    }

    #[test]
    fn another_name_is_an_error() {
        assert!(matches!(open("mnist", Split::Test), Err(Error::UnknownBuiltin { .. })));
    }
}
