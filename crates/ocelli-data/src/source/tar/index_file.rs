//! An index kept beside its tar, so that the next run need not read all headers again.
//!
//! | bytes | content (integers are little-endian) |
//! | --- | --- |
//! | 8 | `OCELTAR` and the version, 4 |
//! | 8 | length of the tar in bytes |
//! | 8 + 4 | its time of modification: seconds since 1970 and nanoseconds |
//! | 1 | layout: 0 class folders, 1 WebDataset, 4 pictures, plus 2 if it was not told by the members |
//! | 1 | labels: 0 ids of the names that follow, 1 numbers, 2 none |
//! | 4 | number of names (for numbers: the largest label) |
//! | per name | its length (4) and bytes, and those of the first sample that mentions it |
//! | 4 | number of class folders without an image; per folder, length (4) and bytes of its name |
//! | 8 | number of files in class folders that are no images |
//! | 4 + | length and bytes of the name of one of them, empty if there is none |
//! | 8 | number of images in folders inside of class folders |
//! | 4 + | length and bytes of the name of the first of them, empty if there is none |
//! | 1 | the kinds of members that labels are from, see [`Ranks`] |
//! | 8 | number of samples |
//! | 16 each | the samples: header blocks (8), length in bytes (4), label (4), see [`Entry`] |
//! | 32 | BLAKE3 of the headers of up to 64 samples, evenly spread, as they stand in the tar |
//! | 32 | BLAKE3 of everything before |
//!
//! Version 1 chose layouts by the first members only, and counted no other files; version 2 had no sample
//! of the headers, which tells a tar that was changed under the same length and time; version 3 knew no folders inside of class
//! folders.
//!
//! For numbered labels there is one name, which is empty, with the sample of the largest label.
//! An index that is stale, damaged or of another version is passed over: it only saves time.

use super::super::NotImages;
use super::super::classes::{ClassNames, MAX_CLASSES};
use super::super::storage::Storage;
use super::super::sub_folders::SubFolders;
use super::index::{Entry, Labels, ShardIndex};
use super::label::Ranks;
use super::tar_layout::TarLayout;
use crate::{Error, Limits, Result};
use ocelli_common::write_whole;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

const MAGIC: &[u8; 8] = b"OCELTAR\x04";
const CHECKSUM_BYTES: usize = blake3::OUT_LEN;

/// Where the index of a tar is.
fn path_of(tar: &Path) -> PathBuf {
    let mut path = tar.as_os_str().to_owned();
    path.push(".ocelli-index");
    path.into()
}

/// How the layout of a tar is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) layout: TarLayout,
    /// Whether the members told it, and nobody else.
    pub(super) by_members: bool,
}

/// Writes the index of `tar`: whole, or not at all.
pub(super) fn write(tar: &Storage, known: Known, index: &ShardIndex) -> Result<PathBuf> {
    let path = path_of(tar.path());
    check_is_ours(&path)?;
    let mut bytes = encode(tar, known, index);
    bytes.extend_from_slice(sample_of_headers(tar, &index.entries)?.as_bytes());
    bytes.extend_from_slice(blake3::hash(&bytes).as_bytes());
    write_whole(&path, &bytes).map_err(Error::io(&path))?;
    Ok(path)
}

/// Refuses to replace a file that is no index.
fn check_is_ours(path: &Path) -> Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let file = Storage::open(path)?;
    let known = &MAGIC[..MAGIC.len() - 1];
    let head = file.read_vec_at(known.len().min(file.len() as usize), 0)?;
    if head.is_empty() || head == known {
        return Ok(());
    }
    let reason = "it stands where the index would be, and is none; rename or remove it".to_owned();
    Err(Error::Layout { name: path.display().to_string(), reason })
}

/// The hash of some headers of a tar.
fn sample_of_headers(tar: &Storage, entries: &[Entry]) -> Result<blake3::Hash> {
    const MOST: usize = 64;
    let mut hasher = blake3::Hasher::new();
    let distance = entries.len().div_ceil(MOST).max(1);
    for entry in entries.iter().step_by(distance) {
        hasher.update(&tar.read_vec_at(entry.header_length() as usize, entry.header())?);
    }
    Ok(hasher.finalize())
}

/// The index of `tar`, if there is one that fits and was made for this layout, or, where none is
/// asked for, for the one that its members tell.
pub(super) fn read(
    tar: &Storage,
    layout: Option<TarLayout>,
    limits: Limits,
) -> Option<(TarLayout, ShardIndex)> {
    let path = path_of(tar.path());
    tar.modified()?;
    let file = Storage::open(&path).ok()?;
    // More than any index of this tar can have; this bounds memory.
    if file.len() > 64 + tar.len() {
        tracing::warn!(index = %path.display(), "too long for its tar, passed over");
        return None;
    }
    let bytes = file.read_vec_at(file.len() as usize, 0).ok()?;
    let (content, checksum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM_BYTES)?)?;
    if blake3::hash(content).as_bytes() != checksum {
        tracing::warn!(index = %path.display(), "damaged, passed over");
        return None;
    }
    let Some((known, body)) = content.strip_prefix(state(tar).as_slice()).and_then(known) else {
        tracing::warn!(index = %path.display(), "made for another state of its tar, passed over");
        return None;
    };
    if layout.map_or(!known.by_members, |layout| layout != known.layout) {
        tracing::debug!(index = %path.display(), "made for another layout, passed over");
        return None;
    }
    let (body, sample) = body.split_at_checked(body.len().checked_sub(CHECKSUM_BYTES)?)?;
    let index = decode(body)?;
    let sound = |entry: &Entry| {
        let end = entry.data() + u64::from(entry.length);
        end <= tar.len() && u64::from(entry.length) <= limits.file_bytes
    };
    if !index.entries.iter().all(sound) {
        return None;
    }
    if sample_of_headers(tar, &index.entries).ok()?.as_bytes() != sample {
        tracing::warn!(index = %path.display(), "its tar has other members now, passed over");
        return None;
    }
    Some((known.layout, index))
}

/// What must be the same for the index to be used.
fn state(tar: &Storage) -> Vec<u8> {
    let modified = tar.modified().unwrap_or(UNIX_EPOCH);
    let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut bytes = MAGIC.to_vec();
    bytes.extend(tar.len().to_le_bytes());
    bytes.extend(since.as_secs().to_le_bytes());
    bytes.extend(since.subsec_nanos().to_le_bytes());
    bytes
}

fn known(bytes: &[u8]) -> Option<(Known, &[u8])> {
    let (byte, rest) = bytes.split_first()?;
    let layout = match byte & !2 {
        0 => TarLayout::ClassFolders,
        1 => TarLayout::WebDataset,
        4 => TarLayout::Pictures,
        _ => return None,
    };
    Some((Known { layout, by_members: byte & 2 == 0 }, rest))
}

fn encode(tar: &Storage, known: Known, index: &ShardIndex) -> Vec<u8> {
    let mut bytes = state(tar);
    let layout = match known.layout {
        TarLayout::ClassFolders => 0,
        TarLayout::WebDataset => 1,
        TarLayout::Pictures => 4,
    };
    bytes.push(layout | if known.by_members { 0 } else { 2 });
    let (kind, number, names) = match &index.labels {
        Labels::Names(names) => (0, names.mentions().len() as u32, names.mentions().to_vec()),
        Labels::Numbers { max, sample } => (1, *max, vec![(String::new(), sample.clone())]),
        Labels::None => (2, 0, Vec::new()),
    };
    bytes.push(kind);
    bytes.extend(number.to_le_bytes());
    for (name, sample) in &names {
        put_text(&mut bytes, name);
        put_text(&mut bytes, sample);
    }
    bytes.extend((index.empty_classes.len() as u32).to_le_bytes());
    for class in &index.empty_classes {
        put_text(&mut bytes, class);
    }
    bytes.extend(index.not_images.count.to_le_bytes());
    put_text(&mut bytes, index.not_images.example.as_deref().unwrap_or_default());
    bytes.extend(index.sub_folders.count.to_le_bytes());
    put_text(&mut bytes, index.sub_folders.example.as_deref().unwrap_or_default());
    bytes.push(index.ranks.to_byte());
    bytes.extend((index.entries.len() as u64).to_le_bytes());
    bytes.extend(index.entries.iter().flat_map(|entry| entry.to_bytes()));
    bytes
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u32).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

/// What follows the header. Gives `None` for what no writer writes.
fn decode(bytes: &[u8]) -> Option<ShardIndex> {
    let mut reader = Reader { bytes };
    let [kind] = reader.array()?;
    let number = u32::from_le_bytes(reader.array()?);
    let labels = if kind == 0 {
        let mut names = ClassNames::default();
        for id in 0..number {
            let (name, sample) = (reader.text()?, reader.text()?);
            (names.id(&name, || sample).ok()? == id).then_some(())?;
        }
        Labels::Names(names)
    } else if kind == 2 {
        Labels::None
    } else {
        reader.text()?;
        ((number as usize) < MAX_CLASSES).then_some(())?;
        Labels::Numbers { max: number, sample: reader.text()? }
    };
    let empty = u32::from_le_bytes(reader.array()?);
    let empty_classes = (0..empty).map(|_| reader.text()).collect::<Option<_>>()?;
    let mut counted = || {
        let count = u64::from_le_bytes(reader.array()?);
        Some((count, Some(reader.text()?).filter(|_| count > 0)))
    };
    let (count, example) = counted()?;
    let not_images = NotImages { count, example };
    let (count, example) = counted()?;
    let sub_folders = SubFolders { count, example };
    let [ranks] = reader.array()?;
    let ranks = Ranks::from_byte(ranks)?;
    let count = u64::from_le_bytes(reader.array()?);
    let (chunks, rest) = reader.bytes.as_chunks();
    if chunks.len() as u64 != count || !rest.is_empty() {
        return None;
    }
    let entries: Vec<Entry> = chunks.iter().map(|chunk| Entry::from_bytes(*chunk)).collect();
    let in_range = |entry: &Entry| match kind {
        0 => entry.label < number,
        _ => entry.label <= number,
    };
    let sound = entries.iter().all(in_range);
    let index = ShardIndex { entries, labels, empty_classes, not_images, sub_folders, ranks };
    sound.then_some(index)
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.bytes.split_first_chunk()?;
        self.bytes = rest;
        Some(*array)
    }

    fn text(&mut self) -> Option<String> {
        let len = u32::from_le_bytes(self.array()?) as usize;
        let (text, rest) = self.bytes.split_at_checked(len)?;
        self.bytes = rest;
        String::from_utf8(text.to_vec()).ok()
    }
}
