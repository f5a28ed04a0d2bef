//! Which layout a tar has, as its members tell it.
//!
//! A label member makes a WebDataset: any `.cls`, or a `.json` that has a label for an image of its
//! key. A `.txt` may be a caption or a list of boxes; it is a label only where images lie in no
//! folder that could be a class. All members count, not the first few: labels may come after all
//! images. Class folders are listed in the same pass, so that they cost no second one.

use super::super::storage::Storage;
use super::class_folders;
use super::group::{Part, Role};
use super::header::Member;
use super::index::ShardIndex;
use super::index_file::{self, Known};
use super::label::{Rank, has_label, may_have_label};
use super::scan::Scanner;
use super::tar_layout::TarLayout;
use super::{pictures, webdataset};
use crate::{Error, Limits, Result};
use rayon::prelude::*;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// So many labels in JSON are enough to look for their images.
const ENOUGH: usize = 64;

/// The indexes of all shards, read from the files beside them where these fit.
pub(super) fn open(
    shards: &[Storage],
    layout: Option<TarLayout>,
    limits: Limits,
) -> Result<Vec<ShardIndex>> {
    let Some(layout) = layout else {
        return of_one_level(shards, choose(shards, true, limits)?.1);
    };
    let index = |shard: &Storage| match index_file::read(shard, Some(layout), limits) {
        Some((_, index)) => Ok(index),
        None => scan(shard, layout, limits),
    };
    of_one_level(shards, shards.par_iter().map(index).collect::<Result<_>>()?)
}

/// Refuses sub-folders in one of several shards: where the classes begin, each shard tells by itself,
/// and one that lacks a class could tell otherwise than the rest.
fn of_one_level(shards: &[Storage], indexes: Vec<ShardIndex>) -> Result<Vec<ShardIndex>> {
    let deeper = shards.iter().zip(&indexes).find_map(|(shard, index)| {
        Some((shard, index.sub_folders.example.as_ref()?)).filter(|_| shards.len() > 1)
    });
    let Some((shard, example)) = deeper else { return Ok(indexes) };
    Err(Error::Layout {
        name: format!("{}, {example}", shard.path().display()),
        reason: "lies at another level or place than the first image; expected CLASS/NAME.ext in \
                 every shard"
            .to_owned(),
    })
}

/// The indexes of all shards as they are now, and how their layout is known.
pub(super) fn index(
    shards: &[Storage],
    layout: Option<TarLayout>,
    limits: Limits,
) -> Result<(Known, Vec<ShardIndex>)> {
    let Some(layout) = layout else {
        let (layout, indexes) = choose(shards, false, limits)?;
        return Ok((Known { layout, by_members: true }, of_one_level(shards, indexes)?));
    };
    let scan = |shard| scan(shard, layout, limits);
    let indexes = shards.par_iter().map(scan).collect::<Result<_>>()?;
    Ok((Known { layout, by_members: false }, of_one_level(shards, indexes)?))
}

fn scan(shard: &Storage, layout: TarLayout, limits: Limits) -> Result<ShardIndex> {
    match layout {
        TarLayout::ClassFolders => class_folders::index(shard, limits),
        TarLayout::WebDataset => webdataset::index(shard, limits),
        TarLayout::Pictures => pictures::index(shard, limits),
    }
}

/// The layout that the members of all shards tell, and the index of each shard.
fn choose(
    shards: &[Storage],
    use_files: bool,
    limits: Limits,
) -> Result<(TarLayout, Vec<ShardIndex>)> {
    let from_file = |shard: &Storage| {
        let (layout, index) = use_files.then(|| index_file::read(shard, None, limits)).flatten()?;
        Some(Survey { layout, index: Ok(index) })
    };
    let is_webdataset = match shards.first() {
        Some(first) if from_file(first).is_none() => webdataset::begins_as_webdataset(first)?,
        _ => false,
    };
    let survey = |shard: &Storage| match from_file(shard) {
        Some(survey) => Ok(survey),
        None if is_webdataset => {
            let (layout, index) = (TarLayout::WebDataset, webdataset::index(shard, limits));
            Ok(Survey { layout, index })
        }
        None => Survey::new(shard, limits),
    };
    let surveys: Vec<Survey> = shards.par_iter().map(survey).collect::<Result<_>>()?;
    let labelled = surveys.iter().any(|survey| survey.layout == TarLayout::WebDataset);
    let layout = if labelled { TarLayout::WebDataset } else { TarLayout::ClassFolders };
    let index = |(shard, survey): (&Storage, Survey)| {
        if survey.layout == layout { survey.index } else { scan(shard, layout, limits) }
    };
    let indexes = shards.par_iter().zip(surveys).map(index).collect::<Result<_>>()?;
    Ok((layout, indexes))
}

/// The layout of one shard by itself.
struct Survey {
    layout: TarLayout,
    /// The index in this layout, or what keeps it from having one.
    index: Result<ShardIndex>,
}

impl Survey {
    /// Looks at all members.
    fn new(shard: &Storage, limits: Limits) -> Result<Self> {
        let mut folders = class_folders::Builder::new(shard);
        let mut trouble = None;
        let mut clues = Clues::default();
        let mut scanner = Scanner::new(shard);
        while let Some(member) = scanner.next()? {
            if trouble.is_none() {
                // It is no trouble if these turn out to be no class folders.
                trouble = folders.add(&member, limits).err();
            }
            clues.add(member, &mut scanner)?;
        }
        if clues.tell_of_labels() {
            let index = webdataset::index(shard, limits);
            return Ok(Self { layout: TarLayout::WebDataset, index });
        }
        let index = trouble.map_or_else(|| folders.finish(), Err);
        Ok(Self { layout: TarLayout::ClassFolders, index })
    }
}

/// What tells class folders from samples with labels.
#[derive(Default)]
struct Clues {
    has_cls: bool,
    /// Whether an image lies in no folder, and whether text does.
    outside: (bool, bool),
    /// The hash of the key of each image.
    images: HashSet<u64>,
    /// The same of JSON that has a label, as many as are enough.
    labelled: Vec<u64>,
}

impl Clues {
    fn add(&mut self, member: Member, scanner: &mut Scanner<'_>) -> Result<()> {
        let Some((key, role, Part { member, .. })) = Part::from_member(member) else {
            return Ok(());
        };
        let is_outside = !key.contains(&b'/');
        match role {
            Role::Image => {
                self.outside.0 |= is_outside;
                self.images.insert(hash(&key));
            }
            Role::Label(Rank::Cls) => self.has_cls = true,
            Role::Label(Rank::Txt) => self.outside.1 |= is_outside,
            Role::Label(Rank::Json) => {
                self.outside.1 |= is_outside;
                let is_enough = self.has_cls || self.labelled.len() >= ENOUGH;
                if !is_enough && may_have_label(&member) && has_label(&scanner.content(&member)?) {
                    self.labelled.push(hash(&key));
                }
            }
        }
        Ok(())
    }

    fn tell_of_labels(&self) -> bool {
        self.has_cls
            || self.outside == (true, true)
            || self.labelled.iter().any(|key| self.images.contains(key))
    }
}

fn hash(key: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}
