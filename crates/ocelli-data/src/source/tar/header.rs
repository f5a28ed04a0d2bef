//! One member of a tar: its header blocks, and the extension headers before them.
//!
//! Formats: POSIX.1-2017 `pax` (ustar and its extended headers) and the "Basic Tar Format"
//! chapter of the GNU tar manual (long names, numbers in base 256).

use super::super::storage::Storage;
use crate::{Error, Result};
use tar::{EntryType, Header};

pub(super) const BLOCK: u64 = 512;
/// The most bytes of one extension header. Names are short; this bounds memory.
const MAX_EXTENSION: u64 = 1 << 20;
/// The most blocks of all headers of one member: what an index entry can hold.
const MAX_HEADER_BLOCKS: u64 = u16::MAX as u64;

/// What the headers say about one member.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// Where the first header block starts, in bytes from the start of the file.
    pub(super) header: u64,
    /// Where the content starts.
    pub(super) data: u64,
    /// The length of the content in bytes.
    pub(super) size: u64,
    /// The name as it is stored.
    pub(super) path: Vec<u8>,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    /// What a link or a sparse file is called in a message.
    Other(&'static str),
}

/// What a symbolic link is called in a message.
pub(super) const SYMBOLIC_LINK: &str = "a symbolic link";

impl Kind {
    /// The one kind that may stand for a folder without being one.
    pub(super) const SYMBOLIC_LINK: Self = Self::Other(SYMBOLIC_LINK);
}

impl Member {
    /// The name for messages.
    pub(super) fn display(&self) -> String {
        String::from_utf8_lossy(&self.path).into_owned()
    }

    /// Where the next header starts.
    pub(super) fn end(&self) -> u64 {
        self.data + self.size.next_multiple_of(BLOCK)
    }
}

/// Reads blocks through a small window, so that small members do not cost a system call each.
pub(super) struct Blocks<'a> {
    storage: &'a Storage,
    window: Vec<u8>,
    /// Where the window starts in the file.
    start: u64,
    window_size: u64,
}

impl<'a> Blocks<'a> {
    pub(super) fn new(storage: &'a Storage, window_size: u64) -> Self {
        Self { storage, window: Vec::new(), start: 0, window_size }
    }

    pub(super) fn storage(&self) -> &'a Storage {
        self.storage
    }

    /// The `len` bytes at `offset`, or `None` if the file ends before.
    pub(super) fn bytes(&mut self, offset: u64, len: u64) -> Result<Option<&[u8]>> {
        let file = self.storage.len();
        if offset.checked_add(len).is_none_or(|end| end > file) {
            return Ok(None);
        }
        let inside = offset >= self.start && offset + len <= self.start + self.window.len() as u64;
        if !inside {
            let wanted = len.max(self.window_size).min(file - offset);
            self.window = self.storage.read_vec_at(wanted as usize, offset)?;
            self.start = offset;
        }
        let at = (offset - self.start) as usize;
        Ok(Some(&self.window[at..at + len as usize]))
    }
}

/// What [`read_member`] found.
#[derive(Debug)]
pub(super) enum Found {
    Member(Member),
    /// The zero block that marks the end, which starts at this offset.
    End(u64),
    /// The file ends while this is being read, which starts at this offset.
    Cut(&'static str, u64),
}

/// Reads the headers at `start`; whether the content is complete is for the caller to check.
pub(super) fn read_member(blocks: &mut Blocks<'_>, start: u64) -> Result<Found> {
    let mut position = start;
    let mut extensions = Extensions::default();
    loop {
        let Some(block) = blocks.bytes(position, BLOCK)? else {
            return Ok(Found::Cut("a header", position));
        };
        if block.iter().all(|byte| *byte == 0) {
            if position != start {
                return Err(bad(blocks, position, "an extension header without its member"));
            }
            return Ok(Found::End(position));
        }
        let header = Header::from_byte_slice(block).clone();
        let (kind, size) = check_header(&header).map_err(|reason| bad(blocks, position, reason))?;
        let data = position + BLOCK;
        if (data - start) / BLOCK > MAX_HEADER_BLOCKS {
            return Err(bad(blocks, start, "too many extension headers"));
        }
        if !is_extension(kind) {
            let member = extensions.member(&header, kind, size, start, data);
            return member.map(Found::Member).map_err(|reason| bad(blocks, position, reason));
        }
        if size > MAX_EXTENSION {
            let reason = format!("an extension header of {size} bytes");
            return Err(bad(blocks, position, reason));
        }
        let Some(content) = blocks.bytes(data, size)? else {
            return Ok(Found::Cut("an extension header", position));
        };
        extensions.add(kind, content).map_err(|reason| bad(blocks, position, reason))?;
        position = data + size.next_multiple_of(BLOCK);
    }
}

fn bad(blocks: &Blocks<'_>, offset: u64, reason: impl Into<String>) -> Error {
    let path = blocks.storage.path().to_owned();
    Error::TarHeader { path, offset, reason: reason.into() }
}

fn is_extension(kind: EntryType) -> bool {
    kind.is_gnu_longname()
        || kind.is_gnu_longlink()
        || kind.is_pax_local_extensions()
        || kind.is_pax_global_extensions()
}

/// The type and size that a header gives, after its checksum.
fn check_header(header: &Header) -> Result<(EntryType, u64), String> {
    let unreadable = |field: &'static str| move |_| format!("the {field} is not a number");
    let stored = header.cksum().map_err(unreadable("checksum"))?;
    let bytes = header.as_bytes();
    // The checksum counts its own field, bytes 148 to 156, as spaces.
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    let computed = sum(&bytes[..148]) + 8 * u32::from(b' ') + sum(&bytes[156..]);
    if stored != computed {
        return Err("the checksum does not fit; this is no tar, or it is damaged".to_owned());
    }
    let size = header.entry_size().map_err(unreadable("size"))?;
    Ok((header.entry_type(), size))
}

/// What extension headers say about the member that follows them.
#[derive(Default)]
struct Extensions {
    path: Option<Vec<u8>>,
    size: Option<u64>,
    sparse: bool,
}

impl Extensions {
    fn add(&mut self, kind: EntryType, content: &[u8]) -> Result<(), String> {
        if kind.is_gnu_longname() {
            let end = content.iter().position(|byte| *byte == 0).unwrap_or(content.len());
            self.path = Some(content[..end].to_vec());
        } else if kind.is_pax_local_extensions() {
            self.add_pax(content)?;
        }
        // Link targets and global records say nothing that a reader of images needs.
        Ok(())
    }

    /// Records of the form `LENGTH KEY=VALUE\n`, where the length counts the whole record.
    fn add_pax(&mut self, mut content: &[u8]) -> Result<(), String> {
        while !content.is_empty() {
            let (key, value, rest) = pax_record(content).ok_or("a malformed pax record")?;
            match key {
                b"path" => self.path = Some(value.to_vec()),
                b"size" => {
                    let size = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                    self.size = Some(size.ok_or("a pax size that is not a number")?);
                }
                _ if key.starts_with(b"GNU.sparse.") => self.sparse = true,
                _ => {}
            }
            content = rest;
        }
        Ok(())
    }

    fn member(
        self,
        header: &Header,
        kind: EntryType,
        size: u64,
        start: u64,
        data: u64,
    ) -> Result<Member, String> {
        let path = self.path.unwrap_or_else(|| header.path_bytes().into_owned());
        let is_file = kind.is_file() || kind.is_contiguous();
        let kind = match kind {
            _ if self.sparse || kind.is_gnu_sparse() => Kind::Other("a sparse file"),
            // Before ustar a folder was a file whose name ends in a slash.
            _ if kind.is_dir() || (is_file && path.ends_with(b"/")) => Kind::Folder,
            _ if is_file => Kind::File,
            _ if kind.is_symlink() => Kind::SYMBOLIC_LINK,
            _ if kind.is_hard_link() => Kind::Other("a hard link"),
            _ => Kind::Other("not a regular file"),
        };
        let size = self.size.unwrap_or(size);
        // Far more than any disk, and far from overflow in the sums that follow.
        if size >= 1 << 60 {
            return Err(format!("an absurd size of {size} bytes"));
        }
        Ok(Member { header: start, data, size, path, kind })
    }
}

/// The first record's key and value, and what follows it.
fn pax_record(content: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = content.iter().position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(&content[..space]).ok()?.parse().ok()?;
    let record = content.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    Some((&record[..equals], &record[equals + 1..], &content[length..]))
}
