//! The layout of WebDataset: members with the same key are one sample.
//!
//! Format: <https://github.com/webdataset/webdataset> ("The WebDataset Format"). The key of a
//! member is its path up to the first dot of its file name, the rest is the extension; members of a
//! sample are neighbours. We read more than that: labels that are further away are found by their
//! keys, and where several images share a key, the one of a label is called as it is. What does not
//! pair is an error, never a sample less.

use super::super::NotImages;
use super::super::classes::ClassNames;
use super::super::storage::Storage;
use super::super::sub_folders::SubFolders;
use super::group::{Group, Pair, Part, Role, Trouble};
use super::header::Member;
use super::index::{Entry, Labels, ShardIndex};
use super::label::{Label, Rank, Ranks, decide};
use super::scan::Scanner;
use crate::{Error, Limits, Result};
use std::collections::HashMap;

/// How many members are looked at first.
const PEEK: usize = 64;

/// Lists the samples of one shard.
pub(super) fn index(storage: &Storage, limits: Limits) -> Result<ShardIndex> {
    let mut builder = Builder::new(storage);
    let mut scanner = Scanner::new(storage);
    let (mut key, mut group) = (Vec::new(), Group::default());
    while let Some(member) = scanner.next()? {
        let Some((its_key, role, part)) = Part::from_member(member) else { continue };
        if role == Role::Image {
            super::checks::check_image(storage, &part.member, limits)?;
        }
        if its_key != key {
            let key = std::mem::replace(&mut key, its_key);
            builder.finish(key, std::mem::take(&mut group))?;
        }
        group.add(role, part);
    }
    builder.finish(key, group)?;
    builder.end()
}

/// Whether a `.cls` is among the first members, which tells the layout without a look at the others.
pub(super) fn begins_as_webdataset(storage: &Storage) -> Result<bool> {
    let mut scanner = Scanner::new(storage);
    for _ in 0..PEEK {
        let Some(member) = scanner.next()? else { break };
        if let Some((_, Role::Label(Rank::Cls), _)) = Part::from_member(member) {
            return Ok(true);
        }
    }
    Ok(false)
}

struct Builder<'a> {
    storage: &'a Storage,
    entries: Vec<Entry>,
    labels: Option<Labels>,
    ranks: Ranks,
    /// Members whose partners are not beside them, by their key.
    waiting: HashMap<Vec<u8>, Group>,
    /// Whether some samples are told apart by what follows the first dot of their names.
    has_dotted_names: bool,
}

impl<'a> Builder<'a> {
    fn new(storage: &'a Storage) -> Self {
        Self {
            storage,
            entries: Vec::new(),
            labels: None,
            ranks: Ranks::default(),
            waiting: HashMap::new(),
            has_dotted_names: false,
        }
    }

    /// Notes the samples of neighbours, or puts them aside until all members are known.
    fn finish(&mut self, key: Vec<u8>, group: Group) -> Result<()> {
        if group.is_empty() {
            return Ok(());
        }
        if !group.is_complete() {
            self.waiting.entry(key).or_default().append(group);
            return Ok(());
        }
        for pair in self.pair(group)? {
            self.has_dotted_names |= pair.is_dotted();
            self.add(&pair)?;
        }
        Ok(())
    }

    fn end(mut self) -> Result<ShardIndex> {
        let mut waiting: Vec<Group> = std::mem::take(&mut self.waiting).into_values().collect();
        waiting.sort_by_key(Group::start);
        let were_apart = !waiting.is_empty();
        self.has_dotted_names |= waiting.iter().any(|group| group.images.len() > 1);
        for group in waiting {
            for pair in self.pair(group)? {
                self.check_names(&pair)?;
                self.add(&pair)?;
            }
        }
        if were_apart {
            self.entries.sort_by_key(|entry| entry.header());
        }
        Ok(ShardIndex {
            entries: self.entries,
            labels: self.labels.unwrap_or_else(|| Labels::Names(ClassNames::default())),
            empty_classes: Vec::new(),
            not_images: NotImages::default(),
            sub_folders: SubFolders::default(),
            ranks: self.ranks,
        })
    }

    /// Where names have dots, a key is shared by many samples: being the only ones of a key that are
    /// left proves nothing, and a label that is called as no image has lost its own.
    fn check_names(&self, pair: &Pair) -> Result<()> {
        let is_lost = |_: &&String| self.has_dotted_names || pair.is_dotted();
        if let Some(label) = pair.spare.as_ref().filter(is_lost) {
            return Err(self.unpaired(format!("no image is called as `{label}` is")));
        }
        if self.has_dotted_names && !pair.is_by_name {
            let image = pair.image.member.display();
            return Err(self.unpaired(format!("no label is called as `{image}` is")));
        }
        Ok(())
    }

    fn pair(&self, group: Group) -> Result<Vec<Pair>> {
        group.pair().map_err(|trouble| match trouble {
            Trouble::Twice(name) => {
                Error::DuplicateMember { path: self.storage.path().to_owned(), name }
            }
            Trouble::Unpaired(reason) => self.unpaired(reason),
        })
    }

    fn unpaired(&self, reason: String) -> Error {
        Error::Unpaired { name: self.storage.path().display().to_string(), reason }
    }

    fn add(&mut self, pair: &Pair) -> Result<()> {
        let image: &Member = &pair.image.member;
        let sample = || super::checks::sample_name(self.storage, image);
        let members = pair.labels.iter().map(|(rank, label)| (*rank, &label.member));
        let (label, rank) = decide(self.storage, members, sample)?;
        let label = self.note_label(label, super::checks::sample_name(self.storage, image))?;
        self.ranks.add(rank);
        self.entries.push(Entry::new(image, label));
        Ok(())
    }

    /// The number that stands for the label in this shard.
    fn note_label(&mut self, label: Label, sample: String) -> Result<u32> {
        match (label, &mut self.labels) {
            (Label::Name(class), Some(Labels::Names(names))) => names.id(&class, || sample),
            (Label::Name(class), labels @ None) => {
                let mut names = ClassNames::default();
                let id = names.id(&class, || sample)?;
                *labels = Some(Labels::Names(names));
                Ok(id)
            }
            (Label::Number(number), Some(Labels::Numbers { max, .. })) if number <= *max => {
                Ok(number)
            }
            (Label::Number(number), labels @ (None | Some(Labels::Numbers { .. }))) => {
                *labels = Some(Labels::Numbers { max: number, sample });
                Ok(number)
            }
            _ => Err(Error::BadLabel {
                name: sample,
                reason: "some labels are numbers and some are names of classes".to_owned(),
            }),
        }
    }
}
