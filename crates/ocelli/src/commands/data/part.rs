//! Which part of a dataset is meant.

use ocelli::data::{ClassOrder, OpenOptions, Split, read_classes};
use std::path::PathBuf;

pub(super) const DATASETS: &str = "\
Datasets are named by one string:
  builtin:fashion-mnist             embedded images
  photos/                           CLASS/NAME.jpg, or train/ and test/ with such
  train.tar                         the same in a tar, or a WebDataset shard
  tar:train.tar, wds:train.tar      one of the two, whatever is in it
  'shards/{split}-{0000..0146}.tar' many shards of two parts
  idx:mnist/                        the four IDX files of MNIST, plain or .gz
  cifar10:cifar-10-batches-bin/     the binary batches of CIFAR-10, or cifar100:
  pictures:inbox/                   images of a folder or a tar at any depth, without classes

Examples:
  ocelli data list photos/
  ocelli data verify 'shards/train-{0000..0146}.tar'
  ocelli data index train.tar";

/// Which part of a dataset, and what its labels mean.
#[derive(Debug, clap::Args)]
pub(super) struct PartArgs {
    /// The part, where a dataset has two
    #[arg(long, value_name = "train|test", default_value = "train")]
    pub(super) split: Split,
    /// A file with one class name a line, in the order of the labels, or with lines like 0,cat
    #[arg(long, value_name = "FILE")]
    pub(super) classes: Option<PathBuf>,
    /// How classes are numbered that have names in the dataset and in no file: as text (0, 1, 10, 2), or
    /// by the numbers in their names (0, 1, 2, 10)
    #[arg(long, value_name = "text|number", default_value_t)]
    pub(super) class_order: ClassOrder,
}

impl PartArgs {
    pub(super) fn resolve(&self) -> anyhow::Result<OpenOptions> {
        let classes = self.classes.as_deref().map(read_classes).transpose()?;
        let class_order = self.class_order;
        Ok(OpenOptions { classes, class_order, ..OpenOptions::new(self.split) })
    }
}
