//! Compressed tars, which have no positions that members could be read at.

use super::super::storage::Storage;
use crate::{Error, Result};

/// How files of common compressors begin: some bytes at an offset.
const MAGICS: [(usize, &[u8], &str); 4] = [
    (0, &[0x1f, 0x8b], "gzip"),
    (0, &[0xfd, b'7', b'z', b'X', b'Z', 0], "xz"),
    (0, &[0x28, 0xb5, 0x2f, 0xfd], "zstd"),
    // The letters before are such as a member may be called.
    (4, b"1AY&SY", "bzip2"),
];
const LONGEST: u64 = 10;

/// Refuses a tar that must be unpacked first, whatever its name is.
pub(super) fn refuse(storage: &Storage) -> Result<()> {
    let start = storage.read_vec_at(storage.len().min(LONGEST) as usize, 0)?;
    let is_magic = |at: usize, magic: &[u8]| start.get(at..at + magic.len()) == Some(magic);
    match MAGICS.iter().find(|(at, magic, _)| is_magic(*at, magic)) {
        Some((_, _, tool)) => Err(Error::PackedTar { path: storage.path().to_owned(), tool }),
        None => Ok(()),
    }
}
