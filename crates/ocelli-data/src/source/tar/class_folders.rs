//! The layout `CLASS/NAME.ext` inside a tar.

use super::super::classes::ClassNames;
use super::super::storage::Storage;
use super::super::{NotImages, has_image_extension, is_hidden};
use super::header::{Blocks, Found, Kind, Member, SYMBOLIC_LINK, read_member};
use super::index::{Entry, Labels, ShardIndex};
use super::label::Ranks;
use super::scan::Scanner;
use crate::{Error, Limits, Result};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Lists the samples of one tar.
///
/// All images must lie at the same depth, in folders with the same parent; that parent may be
/// anything (`CLASS/NAME.ext`, `./CLASS/NAME.ext`, `cifar10/train/CLASS/NAME.ext`).
pub(super) fn index(storage: &Storage, limits: Limits) -> Result<ShardIndex> {
    let mut builder = Builder::new(storage);
    let mut scanner = Scanner::new(storage);
    while let Some(member) = scanner.next()? {
        builder.add(&member, limits)?;
    }
    builder.finish()
}

/// What is seen of class folders in one tar, member by member.
pub(super) struct Builder<'a> {
    storage: &'a Storage,
    entries: Vec<Entry>,
    classes: ClassNames,
    /// The folder of the class folders, and the first image in it.
    parent: Option<(Vec<u8>, String)>,
    folders: BTreeSet<Vec<u8>>,
    /// Symbolic links that may stand for folders.
    links: BTreeSet<Vec<u8>>,
    /// The files of each folder that are no images.
    others: BTreeMap<Vec<u8>, NotImages>,
    /// The hash of each name, to find the entry with the same name. Dropped after the scan.
    names: HashMap<u64, usize>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(storage: &'a Storage) -> Self {
        Self {
            storage,
            entries: Vec::new(),
            classes: ClassNames::default(),
            parent: None,
            folders: BTreeSet::new(),
            links: BTreeSet::new(),
            others: BTreeMap::new(),
            names: HashMap::new(),
        }
    }

    /// Takes note of a member.
    pub(super) fn add(&mut self, member: &Member, limits: Limits) -> Result<()> {
        let Some(path) = clean_path(&member.path) else { return Ok(()) };
        if member.kind == Kind::Folder {
            self.folders.insert(path.join(&b'/'));
            return Ok(());
        }
        let Some((file, folders)) = path.split_last() else { return Ok(()) };
        if !has_image_extension(file) {
            self.add_other(member, file, folders);
            return Ok(());
        }
        super::check_image(self.storage, member, limits)?;
        let Some((class, parent)) = folders.split_last() else {
            return Err(self.bad_layout(member, "the image lies in no class folder"));
        };
        self.check_parent(member, parent.join(&b'/'))?;
        self.check_name(member, &path)?;
        let class = std::str::from_utf8(class)
            .map_err(|_| self.bad_layout(member, "the class name is not UTF-8"))?;
        let id = self.classes.id(class, || super::sample_name(self.storage, member))?;
        self.entries.push(Entry::new(member, id));
        Ok(())
    }

    fn add_other(&mut self, member: &Member, file: &[u8], folders: &[&[u8]]) {
        if member.kind == Kind::SYMBOLIC_LINK {
            self.links.insert([folders, &[file]].concat().join(&b'/'));
        }
        // Not every tar has members for its folders.
        for depth in 1..=folders.len() {
            let folder = folders[..depth].join(&b'/');
            if !self.folders.contains(&folder) {
                self.folders.insert(folder);
            }
        }
        let Some(class) = folders.last() else { return };
        let example = || {
            let [class, file] = [class, file].map(String::from_utf8_lossy);
            format!("{class}/{file}")
        };
        self.others.entry(folders.join(&b'/')).or_default().add(example);
    }

    fn check_parent(&mut self, member: &Member, parent: Vec<u8>) -> Result<()> {
        match &self.parent {
            Some((known, _)) if *known == parent => Ok(()),
            Some((_, first)) => {
                let reason =
                    format!("lies at another level or place than the first image, {first}");
                Err(self.bad_layout(member, &reason))
            }
            None => {
                self.parent = Some((parent, member.display()));
                Ok(())
            }
        }
    }

    /// In a tar, a later member replaces an earlier one of the same name; in a dataset that is
    /// an accident.
    fn check_name(&mut self, member: &Member, path: &[&[u8]]) -> Result<()> {
        let mut hasher = DefaultHasher::new();
        path.hash(&mut hasher);
        let Some(before) = self.names.insert(hasher.finish(), self.entries.len()) else {
            return Ok(());
        };
        let same = read_member(&mut Blocks::new(self.storage, 0), self.entries[before].header())?;
        match same {
            Found::Member(other) if clean_path(&other.path).as_deref() == Some(path) => {
                Err(Error::DuplicateMember {
                    path: self.storage.path().to_owned(),
                    name: member.display(),
                })
            }
            _ => Ok(()),
        }
    }

    /// The index of what was seen.
    pub(super) fn finish(self) -> Result<ShardIndex> {
        if let Some(link) = self.links.iter().find(|link| self.may_hide_images(link)) {
            let (path, kind) = (self.storage.path().to_owned(), SYMBOLIC_LINK);
            let name = String::from_utf8_lossy(link).into_owned();
            return Err(Error::TarLink { path, name, kind });
        }
        let empty = self.folders.iter().filter_map(|folder| self.empty_class(folder)).collect();
        let of_classes = self.others.iter().filter(|(folder, _)| self.class_at(folder).is_some());
        let not_images =
            of_classes.map(|(_, others)| others.clone()).fold(NotImages::default(), NotImages::and);
        Ok(ShardIndex {
            entries: self.entries,
            labels: Labels::Names(self.classes),
            empty_classes: empty,
            not_images,
            ranks: Ranks::default(),
        })
    }

    /// Whether a link stands where a class would be (the labels of all after it would be others), or
    /// in a class without looking like a file. Where there is no image, it may be any.
    fn may_hide_images(&self, link: &[u8]) -> bool {
        let (folder, name) = match link.iter().rposition(|byte| *byte == b'/') {
            Some(slash) => (&link[..slash], &link[slash + 1..]),
            None => (&link[..0], link),
        };
        let is_in_class = || self.class_at(folder).is_some() && !name.contains(&b'.');
        match &self.parent {
            None => true,
            Some((parent, _)) => folder == parent.as_slice() || is_in_class(),
        }
    }

    /// The name of the class, if `folder` is where a class lies but no image was seen in it.
    fn empty_class(&self, folder: &[u8]) -> Option<String> {
        let class = self.class_at(folder)?;
        (!self.classes.contains(&class)).then_some(class)
    }

    /// The name that a class in this folder has, if classes lie there.
    fn class_at(&self, folder: &[u8]) -> Option<String> {
        let (parent, _) = self.parent.as_ref()?;
        let class = if parent.is_empty() {
            folder
        } else {
            folder.strip_prefix(parent.as_slice())?.strip_prefix(b"/")?
        };
        let is_class = !class.is_empty() && !class.contains(&b'/');
        is_class.then(|| String::from_utf8_lossy(class).into_owned())
    }

    fn bad_layout(&self, member: &Member, reason: &str) -> Error {
        let reason = format!("{reason}; expected CLASS/NAME.ext");
        Error::Layout { name: super::sample_name(self.storage, member), reason }
    }
}

/// The parts of a path, or `None` if one of them is hidden or there are none.
pub(super) fn clean_path(path: &[u8]) -> Option<Vec<&[u8]>> {
    let parts: Vec<&[u8]> =
        path.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".").collect();
    let hidden = parts.iter().any(|part| is_hidden(part) && *part != b"..");
    (!hidden && !parts.is_empty()).then_some(parts)
}
