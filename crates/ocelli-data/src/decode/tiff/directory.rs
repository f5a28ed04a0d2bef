//! The first image file directory: tags and their values.

use super::refusal::{bad, cut};
use crate::Result;

pub(super) const WIDTH: u16 = 256;
pub(super) const HEIGHT: u16 = 257;
pub(super) const BITS_PER_SAMPLE: u16 = 258;
pub(super) const COMPRESSION: u16 = 259;
pub(super) const PHOTOMETRIC: u16 = 262;
pub(super) const FILL_ORDER: u16 = 266;
pub(super) const STRIP_OFFSETS: u16 = 273;
pub(super) const ORIENTATION: u16 = 274;
pub(super) const SAMPLES_PER_PIXEL: u16 = 277;
pub(super) const ROWS_PER_STRIP: u16 = 278;
pub(super) const STRIP_BYTE_COUNTS: u16 = 279;
pub(super) const PLANAR_CONFIGURATION: u16 = 284;
pub(super) const PREDICTOR: u16 = 317;
pub(super) const COLOUR_MAP: u16 = 320;
pub(super) const TILE_WIDTH: u16 = 322;
pub(super) const TILE_LENGTH: u16 = 323;
pub(super) const TILE_OFFSETS: u16 = 324;
pub(super) const TILE_BYTE_COUNTS: u16 = 325;
pub(super) const EXTRA_SAMPLES: u16 = 338;
pub(super) const SAMPLE_FORMAT: u16 = 339;

/// The entries of the first directory of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Directory<'a> {
    /// The whole file.
    pub(super) bytes: &'a [u8],
    pub(super) is_big_endian: bool,
    /// Whether offsets have 64 bits.
    is_long: bool,
    entries: &'a [u8],
}

impl<'a> Directory<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        let is_big_endian = bytes.starts_with(b"M");
        let is_long = bytes.get(2..4).is_some_and(|version| version.contains(&b'+'));
        let mut this = Self { bytes, is_big_endian, is_long, entries: &[] };
        this.entries = this.find_entries().ok_or_else(|| cut(bytes.len()))?;
        Ok(this)
    }

    fn find_entries(&self) -> Option<&'a [u8]> {
        let (start, count_bytes, entry_bytes) = if self.is_long {
            (self.uint(self.bytes.get(8..16)?), 8, 20)
        } else {
            (self.uint(self.bytes.get(4..8)?), 2, 12)
        };
        let start = usize::try_from(start).ok()?;
        let table = self.bytes.get(start..)?;
        let (count, table) = table.split_at_checked(count_bytes)?;
        table.get(..usize::try_from(self.uint(count)).ok()?.checked_mul(entry_bytes)?)
    }

    /// Width and height in pixels, as they are stored.
    pub(super) fn size(&self) -> Result<(u32, u32)> {
        let side = |tag| {
            let number = self.number(tag)?.unwrap_or(0);
            u32::try_from(number).map_err(|_| bad(format!("{number} pixels in one direction")))
        };
        let (width, height) = (side(WIDTH)?, side(HEIGHT)?);
        if width == 0 || height == 0 {
            return Err(bad("the image has no pixels"));
        }
        Ok((width, height))
    }

    /// The first number of a tag, if there is the tag.
    pub(super) fn number(&self, tag: u16) -> Result<Option<u64>> {
        Ok(self.values(tag)?.first().copied())
    }

    /// All values of a tag, none if there is no such tag. They take no more memory than eight
    /// times the file.
    pub(super) fn values(&self, tag: u16) -> Result<Vec<u64>> {
        let Some(entry) = self.entries().find(|entry| self.uint(&entry[..2]) == u64::from(tag))
        else {
            return Ok(Vec::new());
        };
        let width = match self.uint(&entry[2..4]) {
            1 => 1,
            3 => 2,
            4 | 13 => 4,
            16 => 8,
            kind => return Err(bad(format!("tag {tag} is of kind {kind}, expected a number"))),
        };
        let (count, value) = entry[4..].split_at(if self.is_long { 8 } else { 4 });
        let missing = || cut(self.bytes.len());
        let length = usize::try_from(self.uint(count)).ok().and_then(|n| n.checked_mul(width));
        let length = length.ok_or_else(missing)?;
        let values = if length <= value.len() {
            &value[..length]
        } else {
            let start = usize::try_from(self.uint(value)).map_err(|_| missing())?;
            let rest = self.bytes.get(start..).ok_or_else(missing)?;
            rest.get(..length).ok_or_else(missing)?
        };
        Ok(values.chunks_exact(width).map(|number| self.uint(number)).collect())
    }

    fn entries(&self) -> std::slice::ChunksExact<'a, u8> {
        self.entries.chunks_exact(if self.is_long { 20 } else { 12 })
    }

    /// A number in the order of bytes of the file.
    pub(super) fn uint(&self, bytes: &[u8]) -> u64 {
        let add = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        if self.is_big_endian { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file whose directory has one entry.
    fn file(tag: u16, kind: u16, count: u32, value: u32) -> Vec<u8> {
        let mut bytes = b"MM\0*\0\0\0\x08\0\x01".to_vec();
        bytes.extend([tag, kind].iter().flat_map(|number| number.to_be_bytes()));
        bytes.extend([count, value].iter().flat_map(|number| number.to_be_bytes()));
        bytes
    }

    #[test]
    fn numbers_stand_in_the_entry_or_elsewhere() {
        let values = |bytes: &[u8]| Directory::read(bytes).unwrap().values(WIDTH);
        assert_eq!(values(&file(WIDTH, 4, 1, 77)).unwrap(), [77]);
        assert_eq!(values(&file(WIDTH, 3, 2, 0x0102_0304)).unwrap(), [0x102, 0x304]);
        assert_eq!(values(&file(WIDTH, 3, 3, 4)).unwrap(), [0, 8, 1]);
        assert!(values(&file(HEIGHT, 4, 1, 77)).unwrap().is_empty());
        assert!(values(&file(WIDTH, 4, u32::MAX, 0)).is_err());
        assert!(values(&file(WIDTH, 11, 1, 0)).is_err());
        let whole = file(WIDTH, 4, 1, 77);
        assert!((0..whole.len()).all(|length| Directory::read(&whole[..length]).is_err()));
    }
}
