//! The layout `CLASS/NAME.ext` inside a tar.

use super::super::classes::ClassNames;
use super::super::storage::Storage;
use super::super::{has_image_extension, is_hidden};
use super::header::{Blocks, Found, Kind, Member, read_member};
use super::index::{Entry, Labels, ShardIndex};
use super::scan::Scanner;
use crate::{Error, Limits, Result};
use std::collections::{BTreeSet, HashMap};
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
    Ok(builder.finish())
}

struct Builder<'a> {
    storage: &'a Storage,
    entries: Vec<Entry>,
    classes: ClassNames,
    /// The folder of the class folders, and the first image in it.
    parent: Option<(Vec<u8>, String)>,
    folders: BTreeSet<Vec<u8>>,
    /// The hash of each name, to find the entry with the same name. Dropped after the scan.
    names: HashMap<u64, usize>,
}

impl<'a> Builder<'a> {
    fn new(storage: &'a Storage) -> Self {
        Self {
            storage,
            entries: Vec::new(),
            classes: ClassNames::default(),
            parent: None,
            folders: BTreeSet::new(),
            names: HashMap::new(),
        }
    }

    fn add(&mut self, member: &Member, limits: Limits) -> Result<()> {
        let Some(path) = clean_path(&member.path) else { return Ok(()) };
        if member.kind == Kind::Folder {
            self.folders.insert(path.join(&b'/'));
            return Ok(());
        }
        let Some((file, folders)) = path.split_last() else { return Ok(()) };
        if !has_image_extension(file) {
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

    fn finish(self) -> ShardIndex {
        let empty = self.folders.iter().filter_map(|folder| self.empty_class(folder)).collect();
        let labels = Labels::Names(self.classes);
        ShardIndex { entries: self.entries, labels, empty_classes: empty }
    }

    /// The name of the class, if `folder` is where a class lies but no image was seen in it.
    fn empty_class(&self, folder: &[u8]) -> Option<String> {
        let (parent, _) = self.parent.as_ref()?;
        let class = if parent.is_empty() {
            folder
        } else {
            folder.strip_prefix(parent.as_slice())?.strip_prefix(b"/")?
        };
        let class = String::from_utf8_lossy(class);
        let is_class = !class.is_empty() && !class.contains('/');
        (is_class && !self.classes.contains(&class)).then(|| class.into_owned())
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
