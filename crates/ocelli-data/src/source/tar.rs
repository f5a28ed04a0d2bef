//! Tar files, whole or in shards, read in place.
//!
//! Opening makes one pass over the headers and skips the contents (two where only labels among the
//! members tell that it is no tar of class folders); what stays in memory is an index of 16 bytes
//! for each sample, and the names of the classes (during the pass, about 60 bytes more for each
//! sample, to find names that come twice and images that have labels). Samples are then read at any
//! position from any thread, by positioned reads without a lock. The name of a sample is read
//! again from its header when it is wanted.

mod checks;
mod class_folders;
mod group;
mod header;
mod index;
mod index_file;
mod label;
mod layout;
mod member_path;
mod names;
mod packed;
mod pictures;
mod scan;
mod tar_layout;
mod webdataset;

pub use tar_layout::TarLayout;

use super::classes::{ClassNames, ClassOrder, numbered_classes, sorted_union};
use super::storage::Storage;
use super::{NotImages, SampleKey, in_bounds, notice};
use crate::{Error, Limits, Payload, Record, Result, Source};
use checks::sample_name;
use header::{Blocks, Found, Member, read_member};
use index::{Entry, Labels, ShardIndex};
use label::{Rank, Ranks};
use rayon::prelude::*;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Images in one or more tars.
///
/// Samples are in the order of the shards, then of the members.
#[derive(Debug)]
pub struct TarSource {
    shards: Vec<Storage>,
    /// The first index of each shard, and the number of all samples at the end.
    starts: Vec<u64>,
    entries: Vec<Entry>,
    classes: Vec<String>,
    not_images: NotImages,
}

impl TarSource {
    /// Indexes the shards in parallel; without a `layout` their members tell it.
    ///
    /// With `classes` the labels are indices into that list, and classes of the list without an
    /// image are allowed.
    ///
    /// # Errors
    /// When a shard cannot be read, is damaged or cut, has an image whose class or label cannot be
    /// told, is compressed, or is over a limit; when images and labels do not pair, when a link
    /// stands in place of a class, when a class has no image or there is no image at all.
    pub fn open(
        shards: &[PathBuf],
        layout: Option<TarLayout>,
        classes: Option<&[String]>,
        limits: Limits,
    ) -> Result<Self> {
        Self::open_in_order(shards, layout, classes, ClassOrder::default(), limits)
    }

    /// The same with the classes in a certain order, where they have names and no list has them.
    ///
    /// # Errors
    /// Like [`TarSource::open`].
    pub fn open_in_order(
        shards: &[PathBuf],
        layout: Option<TarLayout>,
        classes: Option<&[String]>,
        order: ClassOrder,
        limits: Limits,
    ) -> Result<Self> {
        let shards = shards.iter().map(|path| Storage::open(path)).collect::<Result<_>>()?;
        Self::new(shards, layout, classes, order, limits)
    }

    /// The same for one tar in memory, which messages call `name`.
    ///
    /// # Errors
    /// Like [`TarSource::open`].
    pub fn from_bytes(name: &str, bytes: Vec<u8>, layout: Option<TarLayout>) -> Result<Self> {
        let storage = Storage::in_memory(Path::new(name), bytes);
        Self::new(vec![storage], layout, None, ClassOrder::default(), Limits::default())
    }

    fn new(
        shards: Vec<Storage>,
        layout: Option<TarLayout>,
        classes: Option<&[String]>,
        order: ClassOrder,
        limits: Limits,
    ) -> Result<Self> {
        shards.iter().try_for_each(packed::refuse)?;
        let indexes = layout::open(&shards, layout, limits)?;
        let not_images = tell(&shards, &indexes);
        let has_texts = indexes.iter().any(|index| index.ranks.has(Rank::Txt));
        let classes = match classes {
            _ if layout == Some(TarLayout::Pictures) => Vec::new(),
            Some(classes) => classes.to_vec(),
            None => all_classes(&shards, &indexes, order)?,
        };
        let mut starts = vec![0];
        let mut entries = Vec::new();
        for shard in indexes {
            append(&mut entries, shard, &classes)?;
            starts.push(entries.len() as u64);
        }
        if entries.is_empty() {
            let path = shards.first().map(|shard| shard.path().to_owned()).unwrap_or_default();
            return Err(Error::Empty { path });
        }
        if has_texts && entries.len() > 1 && entries.len() == classes.len() {
            let first =
                shards.first().map_or_else(String::new, |it| it.path().display().to_string());
            notice::once(&format!(
                "{first}: every image has a class of its own; are these captions?"
            ));
        }
        entries.shrink_to_fit();
        Ok(Self { shards, starts, entries, classes, not_images })
    }

    /// Indexes the shards and writes each index beside its shard, as `FILE.tar.ocelli-index`.
    ///
    /// [`TarSource::open`] uses such a file instead of a pass over the headers, as long as the tar
    /// has the length and the time of modification that it had then. Gives the files written.
    ///
    /// # Errors
    /// Like [`TarSource::open`], and when a file cannot be written.
    pub fn write_indexes(
        shards: &[PathBuf],
        layout: Option<TarLayout>,
        limits: Limits,
    ) -> Result<Vec<PathBuf>> {
        let shards: Vec<Storage> =
            shards.iter().map(|path| Storage::open(path)).collect::<Result<_>>()?;
        shards.iter().try_for_each(packed::refuse)?;
        let (known, indexes) = layout::index(&shards, layout, limits)?;
        tell(&shards, &indexes);
        let both = shards.par_iter().zip(indexes);
        both.map(|(shard, index)| index_file::write(shard, known, &index)).collect()
    }

    fn locate(&self, index: u64) -> Result<(&Storage, Entry)> {
        let at = in_bounds(index, self.len())?;
        let shard = self.starts.partition_point(|start| *start <= index) - 1;
        Ok((&self.shards[shard], self.entries[at]))
    }
}

impl Source for TarSource {
    fn len(&self) -> u64 {
        self.entries.len() as u64
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn label(&self, index: u64) -> Result<Option<u32>> {
        let (_, entry) = self.locate(index)?;
        Ok((!self.classes.is_empty()).then_some(entry.label))
    }

    fn name(&self, index: u64) -> Result<String> {
        let (shard, entry) = self.locate(index)?;
        Ok(sample_name(shard, &member(shard, entry)?))
    }

    fn key(&self, index: u64) -> Result<SampleKey> {
        let (shard, entry) = self.locate(index)?;
        let name = member(shard, entry)?.display();
        Ok(SampleKey { name, bytes: entry.length.into() })
    }

    fn read(&self, index: u64) -> Result<Record> {
        let (shard, entry) = self.locate(index)?;
        let bytes = shard.read_vec_at(entry.length as usize, entry.data())?;
        let name = self.name(index)?;
        let (label, payload) = (self.label(index)?, Payload::Encoded(bytes));
        Ok(Record { name, label, others: Vec::new(), payload })
    }

    fn not_images(&self) -> NotImages {
        self.not_images.clone()
    }
}

/// The header of a sample, read again.
fn member(shard: &Storage, entry: Entry) -> Result<Member> {
    let mut blocks = Blocks::new(shard, entry.header_length());
    match read_member(&mut blocks, entry.header())? {
        Found::Member(member) => Ok(member),
        Found::End(_) | Found::Cut(..) => Err(Error::TarHeader {
            path: shard.path().to_owned(),
            offset: entry.header(),
            reason: "the file has changed since it was indexed".to_owned(),
        }),
    }
}

/// Says what is worth knowing of the shards, and gives the files that are no images.
fn tell(shards: &[Storage], indexes: &[ShardIndex]) -> NotImages {
    let name = || match shards {
        [] => String::new(),
        [only] => only.path().display().to_string(),
        [first, .., last] => format!("{} to {}", first.path().display(), last.path().display()),
    };
    let others = indexes.iter().map(|index| index.not_images.clone());
    let not_images = others.fold(NotImages::default(), NotImages::and);
    not_images.tell(name);
    for (shard, index) in shards.iter().zip(indexes) {
        index.sub_folders.tell(|| shard.path().display().to_string());
    }
    let ranks = indexes.iter().fold(Ranks::default(), |ranks, index| ranks.and(index.ranks));
    if let Some(remark) = ranks.remark() {
        notice::once(&format!("{}: {remark}", name()));
    }
    not_images
}

/// The classes of all shards together, each of which must have an image.
fn all_classes(
    shards: &[Storage],
    indexes: &[ShardIndex],
    order: ClassOrder,
) -> Result<Vec<String>> {
    let dataset = || shards.first().map_or_else(String::new, |it| it.path().display().to_string());
    let classes = mentioned_classes(indexes, order, dataset)?;
    let known: HashSet<&String> = classes.iter().collect();
    for (shard, index) in shards.iter().zip(indexes) {
        if let Some(class) = index.empty_classes.iter().find(|class| !known.contains(class)) {
            let path = shard.path().to_owned();
            return Err(Error::EmptyClass { path, class: class.clone() });
        }
    }
    Ok(classes)
}

fn mentioned_classes(
    indexes: &[ShardIndex],
    order: ClassOrder,
    dataset: impl FnOnce() -> String,
) -> Result<Vec<String>> {
    let mut max: Option<(u32, &str)> = None;
    let mut names = Vec::new();
    for index in indexes.iter().filter(|index| !index.entries.is_empty()) {
        match &index.labels {
            Labels::Names(table) => names.push(table),
            Labels::None => {}
            Labels::Numbers { max: label, sample } => {
                max = max.max(Some((*label, sample)));
            }
        }
    }
    match max {
        None => Ok(sorted_union(names.into_iter().flat_map(ClassNames::iter), order, dataset)),
        Some((last, _)) if names.is_empty() => Ok(numbered_classes(last as usize)),
        Some((_, sample)) => Err(Error::BadLabel {
            name: sample.to_owned(),
            reason: "a number, but other shards have names of classes".to_owned(),
        }),
    }
}

/// Adds the samples of one shard, with their labels in `classes`.
fn append(entries: &mut Vec<Entry>, shard: ShardIndex, classes: &[String]) -> Result<()> {
    match shard.labels {
        Labels::Names(names) => {
            let labels = names.labels(classes)?;
            let labelled = |entry: Entry| entry.with_label(labels[entry.label as usize]);
            entries.extend(shard.entries.into_iter().map(labelled));
        }
        Labels::Numbers { max, sample } if max as usize >= classes.len() => {
            return Err(Error::LabelOutOfRange {
                name: sample,
                label: max.into(),
                classes: classes.len(),
            });
        }
        Labels::Numbers { .. } | Labels::None => entries.extend(shard.entries),
    }
    Ok(())
}

#[cfg(test)]
mod tests;
