//! One file in IDX.
//!
//! Format: <https://yann.lecun.com/exdb/mnist/> (the last section), also kept in the README of
//! Fashion-MNIST. All integers are big-endian:
//!
//! | bytes | content |
//! | --- | --- |
//! | 2 | zero |
//! | 1 | element type; 8 is an unsigned byte, the only one read here |
//! | 1 | number of dimensions |
//! | 4 each | the dimensions, the slowest first |
//! | the rest | the elements, in rows |

use super::gzip::Unpacker;
use crate::source::storage::Storage;
use crate::{Error, Limits, Result};
use std::io::Read;
use std::path::Path;

/// The most bytes that a packed IDX file may unpack to; it is held in memory.
pub(super) const MAX_UNPACKED: u64 = 2 << 30;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const UNSIGNED_BYTE: u8 = 8;

/// The size of every image of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) height: u32,
    pub(super) width: u32,
    pub(super) channels: u8,
}

impl Shape {
    /// The length of an image in bytes.
    pub(super) fn bytes(self) -> usize {
        self.height as usize * self.width as usize * usize::from(self.channels)
    }
}

/// One IDX file of unsigned bytes whose header has been checked against its length.
#[derive(Debug)]
pub(super) struct IdxArray {
    pub(super) storage: Storage,
    pub(super) dimensions: Vec<u32>,
    /// Where the elements begin, in bytes.
    pub(super) start: u64,
}

impl IdxArray {
    pub(super) fn open(path: &Path) -> Result<Self> {
        Self::new(Storage::open(path)?)
    }

    pub(super) fn new(storage: Storage) -> Result<Self> {
        let mut magic = [0; 2];
        if storage.len() >= 2 {
            storage.read_exact_at(&mut magic, 0)?;
        }
        if magic == GZIP_MAGIC {
            let packed = storage.reader();
            let unpacked = unpack(&storage, Unpacker::new(packed))?;
            return Self::plain(Storage::in_memory(storage.path(), unpacked));
        }
        Self::plain(storage)
    }

    fn plain(storage: Storage) -> Result<Self> {
        let (dimensions, total) = read_header(&storage, &mut storage.reader())?;
        if storage.len() != total {
            return Err(wrong_length(&storage, storage.len(), &dimensions, total));
        }
        let start = 4 + 4 * dimensions.len() as u64;
        Ok(Self { storage, dimensions, start })
    }

    pub(super) fn image_shape(&self, limits: Limits) -> Result<Shape> {
        let (height, width, channels) = match *self.dimensions {
            [_, height, width] => (height, width, 1),
            [_, height, width, 3] => (height, width, 3),
            _ => {
                return Err(self.bad_header(format!(
                    "dimensions {:?}; images have [images, height, width] or \
                     [images, height, width, 3]",
                    self.dimensions
                )));
            }
        };
        if height == 0 || width == 0 {
            return Err(self.bad_header(format!("images of {width}×{height} pixels")));
        }
        limits
            .check_pixels(width, height)
            .map_err(|error| error.of_sample(self.storage.path().display().to_string()))?;
        Ok(Shape { height, width, channels })
    }

    pub(super) fn bad_header(&self, reason: String) -> Error {
        Error::IdxHeader { path: self.storage.path().to_owned(), reason }
    }
}

/// Unpacks exactly what the header inside promises, so that a gzip bomb stays small.
fn unpack(storage: &Storage, mut packed: impl Read) -> Result<Vec<u8>> {
    let (dimensions, total) = read_header(storage, &mut packed)?;
    if total > MAX_UNPACKED {
        return Err(Error::TooLarge {
            name: storage.path().display().to_string(),
            found: total,
            unit: "bytes unpacked",
            limit: MAX_UNPACKED,
        });
    }
    let mut bytes = header_bytes(&dimensions);
    let rest = total - bytes.len() as u64;
    // One byte more than promised tells a file that is too long.
    packed.take(rest + 1).read_to_end(&mut bytes).map_err(Error::io(storage.path()))?;
    if bytes.len() as u64 != total {
        return Err(wrong_length(storage, bytes.len() as u64, &dimensions, total));
    }
    Ok(bytes)
}

/// The dimensions, and the length in bytes that the whole file must have.
fn read_header(storage: &Storage, reader: &mut impl Read) -> Result<(Vec<u32>, u64)> {
    let bad = |reason| Error::IdxHeader { path: storage.path().to_owned(), reason };
    let mut magic = [0; 4];
    read_part(storage, reader, &mut magic, "the magic number")?;
    let [zero, zero_too, element, rank] = magic;
    if (zero, zero_too) != (0, 0) {
        return Err(bad(format!("starts with {magic:02x?}, expected two zero bytes")));
    }
    if element != UNSIGNED_BYTE {
        return Err(bad(format!("element type {element:#04x}, expected 0x08 (unsigned byte)")));
    }
    if !(1..=4).contains(&rank) {
        return Err(bad(format!("{rank} dimensions, expected 1 to 4")));
    }
    let mut dimensions = Vec::with_capacity(usize::from(rank));
    for _ in 0..rank {
        let mut dimension = [0; 4];
        read_part(storage, reader, &mut dimension, "the dimensions")?;
        dimensions.push(u32::from_be_bytes(dimension));
    }
    let elements = dimensions.iter().try_fold(1_u64, |total, dimension| {
        total.checked_mul(u64::from(*dimension)).filter(|total| *total < 1 << 60)
    });
    let elements = elements.ok_or_else(|| bad(format!("absurd dimensions {dimensions:?}")))?;
    let total = elements + 4 + 4 * dimensions.len() as u64;
    Ok((dimensions, total))
}

fn read_part(
    storage: &Storage,
    reader: &mut impl Read,
    buffer: &mut [u8],
    what: &str,
) -> Result<()> {
    reader.read_exact(buffer).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => Error::IdxHeader {
            path: storage.path().to_owned(),
            reason: format!("ends inside {what}"),
        },
        _ => Error::io(storage.path())(error),
    })
}

pub(super) fn header_bytes(dimensions: &[u32]) -> Vec<u8> {
    let mut bytes = vec![0, 0, UNSIGNED_BYTE, dimensions.len() as u8];
    bytes.extend(dimensions.iter().flat_map(|dimension| dimension.to_be_bytes()));
    bytes
}

fn wrong_length(storage: &Storage, found: u64, dimensions: &[u32], expected: u64) -> Error {
    Error::WrongLength {
        path: storage.path().to_owned(),
        found,
        expected,
        reason: format!("for the dimensions {dimensions:?} in its header"),
    }
}
