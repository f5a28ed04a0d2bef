//! The layout `CLASS/NAME.ext` inside a tar, with or without further folders between the two.

mod root;

use super::super::classes::ClassNames;
use super::super::storage::Storage;
use super::super::sub_folders::{SubFolders, looks_like_a_part};
use super::super::{NotImages, has_image_extension};
use super::header::{Kind, Member, SYMBOLIC_LINK};
use super::index::{Entry, Labels, ShardIndex};
use super::label::Ranks;
use super::member_path::clean_path;
use super::names::Names;
use super::scan::Scanner;
use crate::{Error, Limits, Result};
use root::Root;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Lists the samples of one tar.
///
/// The class folders are the first in which the paths of images part; what stands before them may be
/// anything (`CLASS/NAME.ext`, `./CLASS/NAME.ext`, `cifar10/train/CLASS/NAME.ext`), and everything below
/// them is of their class.
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
    /// The images; until the end, their labels are indices into `image_folders`.
    entries: Vec<Entry>,
    /// The folders of images, in the order in which they are mentioned.
    image_folders: Vec<ImageFolder>,
    /// The index of each of them by its path.
    indices: HashMap<Vec<u8>, u32>,
    folders: BTreeSet<Vec<u8>>,
    /// Symbolic links that may stand for folders.
    links: BTreeSet<Vec<u8>>,
    /// The files of each folder that are no images, the example without its folder.
    others: BTreeMap<Vec<u8>, NotImages>,
    names: Names,
}

/// A folder in which images lie.
struct ImageFolder {
    path: Vec<u8>,
    images: u64,
    /// The name of the first image, without its folders.
    first: Vec<u8>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(storage: &'a Storage) -> Self {
        Self {
            storage,
            entries: Vec::new(),
            image_folders: Vec::new(),
            indices: HashMap::new(),
            folders: BTreeSet::new(),
            links: BTreeSet::new(),
            others: BTreeMap::new(),
            names: Names::default(),
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
        super::checks::check_image(self.storage, member, limits)?;
        if folders.is_empty() {
            let name = super::checks::sample_name(self.storage, member);
            return Err(bad_layout(name, "the image lies in no class folder"));
        }
        self.names.add(self.storage, member, &path)?;
        let index = self.index_of(folders.join(&b'/'), file)?;
        self.entries.push(Entry::new(member, index));
        Ok(())
    }

    /// The index of the folder of an image, which is counted.
    fn index_of(&mut self, folder: Vec<u8>, file: &[u8]) -> Result<u32> {
        if let Some(&index) = self.indices.get(&folder) {
            self.image_folders[index as usize].images += 1;
            return Ok(index);
        }
        let index = u32::try_from(self.image_folders.len());
        let index =
            index.map_err(|_| bad_layout(self.name_of(&folder, file), "too many folders"))?;
        self.indices.insert(folder.clone(), index);
        self.image_folders.push(ImageFolder { path: folder, images: 1, first: file.to_vec() });
        Ok(index)
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
        if !folders.is_empty() {
            let example = || String::from_utf8_lossy(file).into_owned();
            self.others.entry(folders.join(&b'/')).or_default().add(example);
        }
    }

    /// The index of what was seen.
    pub(super) fn finish(mut self) -> Result<ShardIndex> {
        let root = Root::from_image_folders(
            self.image_folders.iter().map(|folder| folder.path.as_slice()),
        );
        if let Some(link) = self.links.iter().find(|link| may_hide_images(link, root.as_ref())) {
            let (path, kind) = (self.storage.path().to_owned(), SYMBOLIC_LINK);
            let name = String::from_utf8_lossy(link).into_owned();
            return Err(Error::TarLink { path, name, kind });
        }
        let (classes, sub_folders) = self.name_classes(root.as_ref())?;
        let empty: BTreeSet<String> = (self.folders.iter())
            .filter_map(|folder| root.as_ref()?.class_of(folder))
            .map(|class| String::from_utf8_lossy(class).into_owned())
            .filter(|class| !classes.contains(class))
            .collect();
        let mut not_images = NotImages::default();
        for (folder, others) in &self.others {
            let Some(below) = root.as_ref().and_then(|root| root.below(folder)) else { continue };
            let named = |file: &String| format!("{}/{file}", String::from_utf8_lossy(below));
            let (count, example) = (others.count, others.example.as_ref().map(named));
            not_images = not_images.and(NotImages { count, example });
        }
        Ok(ShardIndex {
            entries: self.entries,
            labels: Labels::Names(classes),
            empty_classes: empty.into_iter().collect(),
            not_images,
            sub_folders,
            ranks: Ranks::default(),
        })
    }

    /// The classes of the images, which get the ids of these for labels.
    fn name_classes(&mut self, root: Option<&Root>) -> Result<(ClassNames, SubFolders)> {
        let (mut classes, mut below) = (ClassNames::default(), SubFolders::default());
        let mut ids = Vec::with_capacity(self.image_folders.len());
        // Images of each class that lie in its folder itself.
        let mut direct: HashMap<u32, u64> = HashMap::new();
        for folder in &self.image_folders {
            let ImageFolder { path, images, first } = folder;
            let class = root.and_then(|root| root.class_of(path)).unwrap_or(path);
            let name = || self.name_of(path, first);
            let class = std::str::from_utf8(class)
                .map_err(|_| bad_layout(name(), "the class name is not UTF-8"))?;
            let id = classes.id(class, name)?;
            ids.push(id);
            let is_deeper =
                root.and_then(|root| root.below(path)).is_some_and(|it| it.contains(&b'/'));
            let (count, deeper) = if is_deeper { (0, *images) } else { (*images, 0) };
            *direct.entry(id).or_default() += count;
            below.add(deeper, || {
                let inside = root.and_then(|root| root.below(path)).unwrap_or(path);
                [inside, first].map(String::from_utf8_lossy).join("/")
            });
        }
        for (folder, id) in self.image_folders.iter().zip(&ids).rev() {
            let class = root.and_then(|root| root.class_of(&folder.path)).unwrap_or_default();
            if direct.get(id) == Some(&0)
                && let Some(reason) = looks_like_a_part(&String::from_utf8_lossy(class))
            {
                let name = self.name_of(&folder.path, &folder.first);
                return Err(Error::Layout { name, reason });
            }
        }
        for entry in &mut self.entries {
            entry.label = ids[entry.label as usize];
        }
        Ok((classes, below))
    }

    /// What messages call an image.
    fn name_of(&self, folder: &[u8], file: &[u8]) -> String {
        let [folder, file] = [folder, file].map(String::from_utf8_lossy);
        format!("{}, {folder}/{file}", self.storage.path().display())
    }
}

/// Whether a link stands where a class would be (the labels of all after it would be others), or
/// in a class without looking like a file. Where there is no image, it may be any.
fn may_hide_images(link: &[u8], root: Option<&Root>) -> bool {
    let (folder, name) = match link.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&link[..slash], &link[slash + 1..]),
        None => (&link[..0], link),
    };
    root.is_none_or(|root| {
        root.is(folder) || root.class_of(folder).is_some() && !name.contains(&b'.')
    })
}

fn bad_layout(name: String, reason: &str) -> Error {
    Error::Layout { name, reason: format!("{reason}; expected CLASS/NAME.ext") }
}
