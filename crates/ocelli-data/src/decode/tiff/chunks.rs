//! The strips or tiles of a TIFF file: unpacked, undone of prediction, and put where they belong.

use super::directory::{self as tag, Directory};
use super::layout::{Layout, Packing};
use super::refusal::{bad, cut};
use crate::{Limits, Result};
use flate2::read::ZlibDecoder;
use std::io::{ErrorKind, Read};
use weezl::BitOrder;
use weezl::decode::Decoder;

/// Tiles may be larger than their image, but not by more than so many pixels.
const LARGEST_TILE: u64 = 1 << 22;

/// The samples that are kept, as bytes: of 16 bits the high ones.
///
/// # Shapes
/// - `[height, width, layout.kept]`
pub(super) fn read(directory: &Directory<'_>, layout: &Layout, limits: Limits) -> Result<Vec<u8>> {
    let (chunk_width, chunk_height) = layout.chunk;
    if u64::from(chunk_width) * u64::from(chunk_height) > LARGEST_TILE {
        limits.check_pixels(chunk_width, chunk_height)?;
    }
    let ranges = ChunkRanges::read(directory, layout)?;
    let (width, height) = (layout.width as usize, layout.height as usize);
    let mut samples = vec![0; width * height * layout.kept];
    let planes = if layout.is_planar { layout.kept } else { 1 };
    let across = layout.width.div_ceil(chunk_width);
    let down = layout.height.div_ceil(chunk_height);
    let mut index = 0;
    for plane in 0..planes {
        for (row, column) in (0..down).flat_map(|row| (0..across).map(move |column| (row, column)))
        {
            let (left, top) = (column * chunk_width, row * chunk_height);
            let visible = chunk_height.min(layout.height - top);
            let bytes = unpacked(directory.bytes, &ranges, layout, index, visible)?;
            let target = Target { layout, plane, left: left as usize, top: top as usize };
            target.put(bytes, directory.is_big_endian, &mut samples);
            index += 1;
        }
    }
    Ok(samples)
}

/// Where the chunks lie in the file.
struct ChunkRanges {
    offsets: Vec<u64>,
    lengths: Vec<u64>,
}

impl ChunkRanges {
    fn read(directory: &Directory<'_>, layout: &Layout) -> Result<Self> {
        let tags = if layout.is_tiled {
            [tag::TILE_OFFSETS, tag::TILE_BYTE_COUNTS]
        } else {
            [tag::STRIP_OFFSETS, tag::STRIP_BYTE_COUNTS]
        };
        let [offsets, lengths] = tags.map(|tag| directory.values(tag));
        Ok(Self { offsets: offsets?, lengths: lengths? })
    }

    /// The packed bytes of a chunk that has `stored` when it is plain.
    fn chunk<'a>(
        &self,
        file: &'a [u8],
        index: usize,
        packing: Packing,
        stored: usize,
    ) -> Result<&'a [u8]> {
        let missing = || cut(file.len());
        let offset = self.offsets.get(index).copied();
        let offset = offset.ok_or_else(|| bad("some strips or tiles are missing"))?;
        let length = match packing {
            Packing::Plain => stored as u64,
            _ => self.lengths.get(index).copied().unwrap_or(u64::MAX),
        };
        let offset = usize::try_from(offset).map_err(|_| missing())?;
        let length = usize::try_from(length).map_err(|_| missing())?;
        let rest = file.get(offset..).ok_or_else(missing)?;
        rest.get(..length).ok_or_else(missing)
    }
}

/// The bytes of the first `rows` rows of a chunk.
fn unpacked(
    file: &[u8],
    ranges: &ChunkRanges,
    layout: &Layout,
    index: usize,
    rows: u32,
) -> Result<Vec<u8>> {
    let bytes_of = |rows: u32| {
        let bytes = layout.row_bytes() * u64::from(rows);
        usize::try_from(bytes).map_err(|_| bad("a strip or tile is too large"))
    };
    let needed = bytes_of(rows)?;
    // Tiles are whole in the file, even where they reach over the edge of the image.
    let stored = if layout.is_tiled { bytes_of(layout.chunk.1)? } else { needed };
    let packed = ranges.chunk(file, index, layout.packing, stored)?;
    let bytes = match layout.packing {
        Packing::Plain => packed[..needed].to_vec(),
        Packing::PackBits => unpack_bits(packed, needed),
        Packing::Deflate => {
            let mut bytes = Vec::new();
            match ZlibDecoder::new(packed).take(needed as u64).read_to_end(&mut bytes) {
                Err(error) if error.kind() != ErrorKind::UnexpectedEof => {
                    return Err(bad("the Deflate data is damaged"));
                }
                _ => bytes,
            }
        }
        Packing::Lzw => unpack_lzw(packed, needed)?,
    };
    if bytes.len() < needed {
        return Err(bad("the packed data ends before the last pixel"));
    }
    Ok(bytes)
}

/// PackBits: section 9 of TIFF 6.0. Never more than `needed` bytes.
fn unpack_bits(mut packed: &[u8], needed: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let ([head, rest @ ..], true) = (packed, bytes.len() < needed) {
        let count = usize::from(*head);
        packed = match (*head, rest) {
            (0..=127, _) => {
                let (literal, rest) = rest.split_at(rest.len().min(count + 1));
                bytes.extend_from_slice(literal);
                rest
            }
            (129..=255, [value, rest @ ..]) => {
                bytes.extend(std::iter::repeat_n(*value, 257 - count));
                rest
            }
            _ => rest,
        };
    }
    bytes.truncate(needed);
    bytes
}

/// LZW: section 13 of TIFF 6.0. Never more than `needed` bytes.
fn unpack_lzw(mut packed: &[u8], needed: usize) -> Result<Vec<u8>> {
    let mut decoder = Decoder::with_tiff_size_switch(BitOrder::Msb, 8);
    let mut bytes = Vec::new();
    let mut buffer = [0; 8192];
    while bytes.len() < needed {
        let room = buffer.len().min(needed - bytes.len());
        let step = decoder.decode_bytes(packed, &mut buffer[..room]);
        packed = &packed[step.consumed_in..];
        bytes.extend_from_slice(&buffer[..step.consumed_out]);
        if step.status.is_err() {
            return Err(bad("the LZW data is damaged"));
        }
        if step.consumed_in == 0 && step.consumed_out == 0 {
            break;
        }
    }
    Ok(bytes)
}

/// The position of a chunk in the image.
struct Target<'a> {
    layout: &'a Layout,
    /// The sample that a planar chunk holds.
    plane: usize,
    left: usize,
    top: usize,
}

impl Target<'_> {
    /// Puts the rows of a chunk where they belong.
    fn put(&self, mut bytes: Vec<u8>, is_big_endian: bool, samples: &mut [u8]) {
        let Layout { width, kept, is_planar, .. } = *self.layout;
        let (width, stride) = (width as usize, self.layout.samples_of_chunk());
        let visible = (width - self.left).min(self.layout.chunk.0 as usize);
        let row_bytes = self.layout.row_bytes() as usize;
        for (row, y) in bytes.chunks_exact_mut(row_bytes.max(1)).zip(self.top..) {
            if self.layout.is_predicted {
                undo_prediction(row, self.layout.bits, stride, is_big_endian);
            }
            let start = (y * width + self.left) * kept;
            let Some(target) = samples.get_mut(start..start + visible * kept) else { return };
            for (x, pixel) in target.chunks_exact_mut(kept).enumerate() {
                let first = x * stride;
                if is_planar {
                    pixel[self.plane] = sample(row, self.layout.bits, first, is_big_endian);
                    continue;
                }
                for (at, value) in pixel.iter_mut().enumerate() {
                    *value = sample(row, self.layout.bits, first + at, is_big_endian);
                }
            }
        }
    }
}

/// A sample of a row as a byte: of 16 bits the high one.
fn sample(row: &[u8], bits: u8, at: usize, is_big_endian: bool) -> u8 {
    match bits {
        16 if is_big_endian => row[2 * at],
        16 => row[2 * at + 1],
        8 => row[at],
        bits => {
            let (bits, first) = (usize::from(bits), at * usize::from(bits));
            row[first / 8] >> (8 - bits - first % 8) & (0xff >> (8 - bits))
        }
    }
}

/// Adds each sample to the one of the pixel on its left.
fn undo_prediction(row: &mut [u8], bits: u8, stride: usize, is_big_endian: bool) {
    if bits == 8 {
        for at in stride..row.len() {
            row[at] = row[at].wrapping_add(row[at - stride]);
        }
        return;
    }
    let samples = row.as_chunks_mut::<2>().0;
    for at in stride..samples.len() {
        let (left, here) = (samples[at - stride], samples[at]);
        samples[at] = if is_big_endian {
            u16::from_be_bytes(here).wrapping_add(u16::from_be_bytes(left)).to_be_bytes()
        } else {
            u16::from_le_bytes(here).wrapping_add(u16::from_le_bytes(left)).to_le_bytes()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_unpacked_and_never_more_than_needed() {
        // The example of the specification.
        let packed = [
            0xfe, 0xaa, 0x02, 0x80, 0x00, 0x2a, 0xfd, 0xaa, 0x03, 0x80, 0x00, 0x2a, 0x22, 0xf7,
            0xaa,
        ];
        let expected = [
            0xaa, 0xaa, 0xaa, 0x80, 0x00, 0x2a, 0xaa, 0xaa, 0xaa, 0xaa, 0x80, 0x00, 0x2a, 0x22,
            0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa,
        ];
        assert_eq!(unpack_bits(&packed, 24), expected);
        assert_eq!(unpack_bits(&packed, 5), expected[..5]);
        assert_eq!(unpack_bits(&[0x80, 0x05, 1, 2], 9), [1, 2], "cut off");
        assert!(unpack_bits(&[0xff], 9).is_empty());
    }

    #[test]
    fn differences_become_samples() {
        let mut row = [1, 2, 3, 255, 1, 1];
        undo_prediction(&mut row, 8, 3, false);
        assert_eq!(row, [1, 2, 3, 0, 3, 4]);
        let mut row = [1, 255, 0, 1];
        undo_prediction(&mut row, 16, 1, true);
        assert_eq!(row, [1, 255, 2, 0]);
    }

    #[test]
    fn samples_of_few_bits_start_at_the_left() {
        assert_eq!([0, 1, 2, 3].map(|at| sample(&[0b1101_1000], 2, at, false)), [3, 1, 2, 0]);
        assert_eq!([0, 1].map(|at| sample(&[0xa5], 4, at, false)), [10, 5]);
        assert_eq!(sample(&[0, 0x40], 1, 9, true), 1);
    }
}
