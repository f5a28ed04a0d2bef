//! BMP: Windows bitmaps of versions 2 to 5, and OS/2 bitmaps.
//! <https://learn.microsoft.com/en-us/windows/win32/gdi/bitmap-storage>
//!
//! Alpha and what stands in its place is dropped. A palette of greys in their order gives a grey
//! image, as in Pillow.

mod header;
mod refusal;
mod run_length;

use super::DecodeOptions;
use super::exif::Orientation;
use crate::{Image, Result};
use header::{Header, Storage};
use refusal::cut;

pub(super) fn decode(bytes: &[u8], options: &DecodeOptions) -> Result<(Image, Orientation)> {
    let header = Header::read(bytes)?;
    let Header { width, height, .. } = header;
    options.limits.check_pixels(width, height)?;
    let data = bytes.get(header.offset..).ok_or_else(|| cut(bytes.len()))?;
    let missing = || cut(bytes.len());
    let (channels, mut pixels) = match &header.storage {
        Storage::Indices(palette) => {
            let rows = rows(&header, data).ok_or_else(missing)?;
            let bits = usize::from(header.bits);
            let index = |row: &[u8], x: usize| {
                let bit = x * bits;
                row[bit / 8] >> (8 - bits - bit % 8) & (0xff >> (8 - bits))
            };
            let all = rows.flat_map(|row| (0..width as usize).map(move |x| index(row, x)));
            palette.apply(all)
        }
        Storage::RunLength(palette) => {
            let size = (width as usize, height as usize);
            palette.apply(run_length::unpack(data, size, header.bits, bytes.len())?.into_iter())
        }
        Storage::Colours(masks) => {
            let rows = rows(&header, data).ok_or_else(missing)?;
            let bytes = usize::from(header.bits / 8);
            let value = |pixel: &[u8]| {
                pixel.iter().rev().fold(0_u32, |value, byte| value << 8 | u32::from(*byte))
            };
            let all = rows.flat_map(|row| row.chunks_exact(bytes).map(value));
            (3, all.flat_map(|pixel| masks.map(|mask| mask.sample(pixel))).collect())
        }
    };
    if !header.is_top_down {
        turn_over(&mut pixels, width as usize * usize::from(channels));
    }
    Ok((Image { width, height, channels, pixels }, Orientation::UPRIGHT))
}

pub(super) fn dimensions(bytes: &[u8]) -> Result<(u32, u32)> {
    Header::read(bytes).map(|header| (header.width, header.height))
}

/// The rows as they are stored, without what fills them up to four bytes; `None` if some are
/// missing.
fn rows<'a>(header: &Header, data: &'a [u8]) -> Option<impl Iterator<Item = &'a [u8]>> {
    let (width, height) = (header.width as usize, header.height as usize);
    let bits = width * usize::from(header.bits);
    let (used, stride) = (bits.div_ceil(8), bits.div_ceil(32) * 4);
    // Some programs do not fill up the last row.
    let data = data.get(..stride * (height - 1) + used)?;
    Some(data.chunks(stride).map(move |row| &row[..used]))
}

/// The last row first.
fn turn_over(pixels: &mut [u8], stride: usize) {
    let count = pixels.len() / stride;
    let (upper, lower) = pixels.split_at_mut(count.div_ceil(2) * stride);
    for (above, below) in upper.chunks_exact_mut(stride).zip(lower.rchunks_exact_mut(stride)) {
        above.swap_with_slice(below);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_turned_over() {
        let turned = |mut pixels: Vec<u8>| {
            turn_over(&mut pixels, 2);
            pixels
        };
        assert_eq!(turned(vec![1, 2]), [1, 2]);
        assert_eq!(turned(vec![1, 2, 3, 4]), [3, 4, 1, 2]);
        assert_eq!(turned(vec![1, 2, 3, 4, 5, 6]), [5, 6, 3, 4, 1, 2]);
    }
}
