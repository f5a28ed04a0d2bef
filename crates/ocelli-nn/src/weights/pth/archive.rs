//! Where the entries of a zip lie.
//!
//! Only what PyTorch writes is read: entries that are stored as they are, with or without Zip64
//! records. The directory at the end is what counts, as for PyTorch itself; each local header has to
//! agree with it. A library that looks for the directory by its marks instead can be led astray:
//! between directory and end PyTorch always puts 76 bytes of Zip64 records, which is also the length
//! of the directory's first entry if the file's stem has 21 characters.

use super::storage::StorageSpan;
use crate::weights::{
    Limits,
    error::{Result, WeightsError},
    source::Source,
};
use std::collections::{HashMap, hash_map::Entry as Slot};

/// The end of the directory, without its comment.
const END: u64 = 22;
/// The longest comment behind it.
const COMMENT: u64 = 65_535;
/// The Zip64 locator, right before the end of the directory.
const LOCATOR: u64 = 20;
/// The Zip64 end of the directory, without extensions.
const END_64: u64 = 56;
/// An entry of the directory, without name, extra fields and comment.
const CENTRAL: usize = 46;
/// The header before an entry's bytes, without name and extra fields.
const LOCAL: u64 = 30;
/// Beside the tensors there are a handful of small entries.
const SMALL_ENTRIES: usize = 64;
/// The tag of the extra field with sizes of 64 bits.
const ZIP64_TAG: u16 = 1;

/// The entries of a zip.
pub(super) struct Archive<'a> {
    source: &'a Source,
    entries: HashMap<String, Entry>,
    /// Where the directory opens: all entries lie before it.
    end: u64,
}

/// What the directory says of an entry.
#[derive(Clone, Copy)]
struct Entry {
    encrypted: bool,
    method: u16,
    packed: u64,
    size: u64,
    header: u64,
}

/// Where the directory lies, and how many entries it has.
struct Directory {
    start: u64,
    length: u64,
    count: u64,
}

impl<'a> Archive<'a> {
    /// Reads the directory.
    pub(super) fn open(source: &'a Source, limits: &Limits) -> Result<Self> {
        let directory = Directory::find(source)?;
        let within = |what: &str, actual: u64, limit: u64| {
            if actual <= limit {
                return Ok(());
            }
            let (file, what) = (source.name().to_owned(), what.to_owned());
            Err(WeightsError::TooLarge { file, what, actual, limit })
        };
        let most = limits.tensors.saturating_add(SMALL_ENTRIES) as u64;
        within("number of entries of the zip", directory.count, most)?;
        within("bytes of the directory of the zip", directory.length, limits.header_bytes)?;
        let bytes = source.read(directory.start, directory.length, "the directory of the zip")?;
        let mut archive = Self { source, entries: HashMap::new(), end: directory.start };
        let mut rest = Fields(&bytes);
        for _ in 0..directory.count {
            let entry = Entry::read(&mut rest);
            let (name, entry) = entry.ok_or_else(|| malformed(source, "a bad directory"))?;
            match archive.entries.entry(name) {
                Slot::Vacant(vacant) => vacant.insert(entry),
                Slot::Occupied(occupied) => {
                    let name = occupied.key();
                    return Err(malformed(source, &format!("two entries called `{name}`")));
                }
            };
        }
        Ok(archive)
    }

    /// The names of the entries, in no order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Where the bytes of the entry `name` lie; `None` if there is none.
    pub(super) fn span(&self, name: &str) -> Result<Option<StorageSpan>> {
        let Some(entry) = self.entries.get(name) else { return Ok(None) };
        let fail = |what: &str| malformed(self.source, &format!("entry `{name}` {what}"));
        if entry.encrypted {
            return Err(fail("is encrypted"));
        }
        if entry.method != 0 || entry.packed != entry.size {
            return Err(fail("is compressed, which PyTorch never does"));
        }
        let header = self.source.read(entry.header, LOCAL, &format!("entry `{name}`"))?;
        let lengths = || {
            let mut fields = Fields(&header);
            (fields.u32()? == u32::from_le_bytes(*b"PK\x03\x04")).then_some(())?;
            fields.skip(22)?;
            Some((u64::from(fields.u16()?), u64::from(fields.u16()?)))
        };
        let (name_length, extra) = lengths().ok_or_else(|| fail("has no header"))?;
        let own_name =
            self.source.read(entry.header + LOCAL, name_length, "the name of an entry")?;
        if String::from_utf8_lossy(&own_name) != name {
            return Err(fail("has another name in its header"));
        }
        let start = entry.header + LOCAL + name_length + extra;
        let end = start.checked_add(entry.size);
        match end.filter(|end| *end <= self.end) {
            Some(_) => Ok(Some(StorageSpan { start, length: entry.size })),
            None => Err(fail("does not end before the directory")),
        }
    }
}

impl Directory {
    /// Finds the directory from the end of the file.
    fn find(source: &Source) -> Result<Self> {
        let cut =
            || malformed(source, "the directory at its end is missing; the file is cut short");
        let length = source.len().min(END + COMMENT);
        let start = source.len() - length;
        let tail = source.read(start, length, "the end of the zip")?;
        let is_end = |window: &[u8]| window.starts_with(b"PK\x05\x06");
        let at = tail.windows(END as usize).rposition(is_end).ok_or_else(cut)?;
        let end = start + at as u64;
        let read = |fields: &mut Fields| {
            fields.skip(10)?;
            let count = u64::from(fields.u16()?);
            let length = u64::from(fields.u32()?);
            Some(Self { count, length, start: u64::from(fields.u32()?) })
        };
        let mut found = read(&mut Fields(&tail[at..])).ok_or_else(cut)?;
        let mut before = end;
        if found.is_in_zip64() {
            before = found.take_zip64(source, end)?;
        }
        match found.start.checked_add(found.length) {
            Some(end) if end <= before => Ok(found),
            _ => Err(malformed(source, "its directory lies outside the file")),
        }
    }

    /// Whether a number is too large for its field, so that it stands in the Zip64 record.
    fn is_in_zip64(&self) -> bool {
        self.count == u64::from(u16::MAX)
            || self.length == u64::from(u32::MAX)
            || self.start == u64::from(u32::MAX)
    }

    /// Takes the fields from the Zip64 record before `end`. Returns where the record opens.
    fn take_zip64(&mut self, source: &Source, end: u64) -> Result<u64> {
        let what = "the Zip64 record of its directory";
        let missing = || malformed(source, &format!("{what} is missing"));
        let locator_start = end.checked_sub(LOCATOR).ok_or_else(missing)?;
        let locator = source.read(locator_start, LOCATOR, what)?;
        let read = |fields: &mut Fields| {
            (fields.u32()? == u32::from_le_bytes(*b"PK\x06\x07")).then_some(())?;
            fields.skip(4)?;
            fields.u64()
        };
        let start = read(&mut Fields(&locator)).ok_or_else(missing)?;
        if start.checked_add(END_64).is_none_or(|end| end > locator_start) {
            return Err(missing());
        }
        let record = source.read(start, END_64, what)?;
        let read = |fields: &mut Fields| {
            (fields.u32()? == u32::from_le_bytes(*b"PK\x06\x06")).then_some(())?;
            fields.skip(28)?;
            Some(Self { count: fields.u64()?, length: fields.u64()?, start: fields.u64()? })
        };
        *self = read(&mut Fields(&record)).ok_or_else(missing)?;
        Ok(start)
    }
}

impl Entry {
    /// Takes the next entry of the directory.
    fn read(rest: &mut Fields) -> Option<(String, Self)> {
        let mut fixed = Fields(rest.take(CENTRAL)?);
        (fixed.u32()? == u32::from_le_bytes(*b"PK\x01\x02")).then_some(())?;
        fixed.skip(4)?;
        let flags = fixed.u16()?;
        let method = fixed.u16()?;
        fixed.skip(8)?;
        let (packed, size) = (u64::from(fixed.u32()?), u64::from(fixed.u32()?));
        let lengths = [fixed.u16()?, fixed.u16()?, fixed.u16()?].map(usize::from);
        fixed.skip(8)?;
        let header = u64::from(fixed.u32()?);
        let name = String::from_utf8_lossy(rest.take(lengths[0])?).into_owned();
        let extra = rest.take(lengths[1])?;
        rest.skip(lengths[2])?;
        // Sizes that do not fit 32 bits stand in the extra field, in this order.
        let mut sizes = [size, packed, header];
        let is_wide = |size: &u64| *size == u64::from(u32::MAX);
        if sizes.iter().any(is_wide) {
            let mut field = zip64_field(extra)?;
            for size in sizes.iter_mut().filter(|size| is_wide(size)) {
                *size = field.u64()?;
            }
        }
        let [size, packed, header] = sizes;
        Some((name, Self { encrypted: flags & 1 != 0, method, packed, size, header }))
    }
}

/// The extra field with numbers of 64 bits.
fn zip64_field(extra: &[u8]) -> Option<Fields<'_>> {
    let mut rest = Fields(extra);
    loop {
        let (tag, length) = (rest.u16()?, rest.u16()?);
        let field = rest.take(length.into())?;
        if tag == ZIP64_TAG {
            return Some(Fields(field));
        }
    }
}

/// Little-endian numbers, one after the other; `None` where there are no more bytes.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.take(count).map(drop)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}

fn malformed(source: &Source, reason: &str) -> WeightsError {
    let reason = format!("broken zip: {reason}");
    WeightsError::Container { file: source.name().to_owned(), reason }
}
