//! The index of one tar: where each sample lies, in 16 bytes.

use super::super::NotImages;
use super::super::classes::ClassNames;
use super::super::sub_folders::SubFolders;
use super::header::{BLOCK, Member};
use super::label::Ranks;

/// One sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The number of the first header block, and in the low 16 bits how many header blocks there
    /// are. A tar may have 2⁴⁸ blocks, which are 128 PiB.
    blocks: u64,
    /// The length of the content in bytes.
    pub(super) length: u32,
    /// The label; during a scan the id of the class.
    pub(super) label: u32,
}

const _: () = assert!(size_of::<Entry>() == 16, "documented as 16 bytes a sample");

impl Entry {
    /// The caller has checked that the size fits.
    pub(super) fn new(member: &Member, label: u32) -> Self {
        let header_blocks = (member.data - member.header) / BLOCK;
        let blocks = ((member.header / BLOCK) << 16) | header_blocks;
        Self { blocks, length: member.size as u32, label }
    }

    /// The entry as an index file stores it.
    pub(super) fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.blocks.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.length.to_le_bytes());
        bytes[12..].copy_from_slice(&self.label.to_le_bytes());
        bytes
    }

    pub(super) fn from_bytes(bytes: [u8; 16]) -> Self {
        let value = u128::from_le_bytes(bytes);
        Self { blocks: value as u64, length: (value >> 64) as u32, label: (value >> 96) as u32 }
    }

    pub(super) fn with_label(self, label: u32) -> Self {
        Self { label, ..self }
    }

    /// Where the first header block starts, in bytes.
    pub(super) fn header(self) -> u64 {
        (self.blocks >> 16) * BLOCK
    }

    /// The length of all header blocks in bytes.
    pub(super) fn header_length(self) -> u64 {
        (self.blocks & 0xffff) * BLOCK
    }

    /// Where the content starts, in bytes.
    pub(super) fn data(self) -> u64 {
        self.header() + self.header_length()
    }
}

/// The samples of one tar, in their order, before the labels of all shards are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ShardIndex {
    pub(super) entries: Vec<Entry>,
    pub(super) labels: Labels,
    /// Class folders without an image.
    pub(super) empty_classes: Vec<String>,
    /// Files in class folders that are no images.
    pub(super) not_images: NotImages,
    /// Images in folders inside of class folders.
    pub(super) sub_folders: SubFolders,
    /// The kinds of members that labels are from.
    pub(super) ranks: Ranks,
}

/// What `Entry::label` counts in one shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Labels {
    /// Ids of class names.
    Names(ClassNames),
    /// Nothing: images have no labels.
    None,
    /// Labels as they are stored, up to this one, which this sample has.
    Numbers {
        /// The largest.
        max: u32,
        /// The sample that has it.
        sample: String,
    },
}
