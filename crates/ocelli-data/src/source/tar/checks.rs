//! What a member is called, and whether it can be an image.

use super::super::storage::Storage;
use super::header::{Kind, Member};
use crate::{Error, Limits, Result};

/// Checks that a member with the name of an image can be one.
pub(super) fn check_image(storage: &Storage, member: &Member, limits: Limits) -> Result<()> {
    if let Kind::Other(kind) = member.kind {
        return Err(Error::TarLink {
            path: storage.path().to_owned(),
            name: member.display(),
            kind,
        });
    }
    let limits = Limits { file_bytes: limits.file_bytes.min(u32::MAX.into()), ..limits };
    limits.check_file(|| sample_name(storage, member), member.size)
}

/// What messages call a member.
pub(super) fn sample_name(storage: &Storage, member: &Member) -> String {
    format!("{}, {}", storage.path().display(), member.display())
}
