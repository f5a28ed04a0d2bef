//! Images inside a tar without labels, at any depth.

use super::super::storage::Storage;
use super::super::sub_folders::SubFolders;
use super::super::{NotImages, has_image_extension};
use super::checks::check_image;
use super::header::{Kind, SYMBOLIC_LINK};
use super::index::{Entry, Labels, ShardIndex};
use super::label::Ranks;
use super::member_path::clean_path;
use super::names::Names;
use super::scan::Scanner;
use crate::{Error, Limits, Result};

/// Lists the images of one tar, in the order of the members.
pub(super) fn index(storage: &Storage, limits: Limits) -> Result<ShardIndex> {
    let mut entries = Vec::new();
    let mut not_images = NotImages::default();
    let mut names = Names::default();
    let mut scanner = Scanner::new(storage);
    while let Some(member) = scanner.next()? {
        let Some(path) = clean_path(&member.path) else { continue };
        let Some(file) = path.last().filter(|_| member.kind != Kind::Folder) else { continue };
        if has_image_extension(file) {
            check_image(storage, &member, limits)?;
            names.add(storage, &member, &path)?;
            entries.push(Entry::new(&member, 0));
        } else if member.kind == Kind::SYMBOLIC_LINK && !file.contains(&b'.') {
            // It may stand for a folder of images.
            let (path, name) = (storage.path().to_owned(), member.display());
            return Err(Error::TarLink { path, name, kind: SYMBOLIC_LINK });
        } else {
            not_images.add(|| member.display());
        }
    }
    Ok(ShardIndex {
        entries,
        labels: Labels::None,
        empty_classes: Vec::new(),
        not_images,
        sub_folders: SubFolders::default(),
        ranks: Ranks::default(),
    })
}
