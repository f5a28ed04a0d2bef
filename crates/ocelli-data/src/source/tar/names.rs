//! Names of members that come twice.

use super::super::storage::Storage;
use super::header::{Blocks, Found, Member, read_member};
use super::member_path::clean_path;
use crate::{Error, Result};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The names of images so far: the hash of each, and where its header is.
#[derive(Default)]
pub(super) struct Names(HashMap<u64, u64>);

impl Names {
    /// Adds a name. In a tar, a later member replaces an earlier one of the same name; in a dataset that
    /// is an accident.
    pub(super) fn add(&mut self, storage: &Storage, member: &Member, path: &[&[u8]]) -> Result<()> {
        let mut hasher = DefaultHasher::new();
        path.hash(&mut hasher);
        let Some(before) = self.0.insert(hasher.finish(), member.header) else { return Ok(()) };
        match read_member(&mut Blocks::new(storage, 0), before)? {
            Found::Member(other) if clean_path(&other.path).as_deref() == Some(path) => {
                Err(Error::DuplicateMember {
                    path: storage.path().to_owned(),
                    name: member.display(),
                })
            }
            _ => Ok(()),
        }
    }
}
