//! WebP: <https://developers.google.com/speed/webp/docs/riff_container>.

use super::channels::drop_alpha;
use super::exif::Orientation;
use super::{DecodeOptions, Format};
use crate::{Error, Image, Limits, Result};
use image_webp::{DecodingError, WebPDecoder};
use std::borrow::Cow;
use std::io::{Cursor, ErrorKind};

const CHUNK_HEADER: usize = 8;
const RIFF_HEADER: usize = 12;
/// The fields of an animation frame before its chunks.
const FRAME_HEADER: usize = 16;
const MAX_EXIF_BYTES: usize = 1 << 20;
/// Where the flags of an extended file stand.
const FLAGS: usize = RIFF_HEADER + CHUNK_HEADER;
const IS_ANIMATED: u8 = 0x02;
const HAS_XMP: u8 = 0x04;
const HAS_EXIF: u8 = 0x08;
const HAS_ALPHA: u8 = 0x10;

pub(super) fn decode(bytes: &[u8], options: &DecodeOptions) -> Result<(Image, Orientation)> {
    let end = check_length(bytes)?;
    check_bitstreams(&bytes[RIFF_HEADER..end], options.limits)?;
    let failed = |error| failed(&error, bytes.len());
    let kept = without_empty_promises(&bytes[..end]);
    let mut decoder = WebPDecoder::new(Cursor::new(&*kept)).map_err(failed)?;
    let (width, height) = decoder.dimensions();
    options.limits.check_pixels(width, height)?;

    let size = decoder.output_buffer_size().ok_or_else(|| bad("the size overflows"))?;
    let mut pixels = vec![0; size];
    decoder.read_image(&mut pixels).map_err(failed)?;
    if decoder.has_alpha() {
        drop_alpha(&mut pixels, 4);
    }
    decoder.set_memory_limit(MAX_EXIF_BYTES);
    // Damaged EXIF data means upright, see `Orientation::from_tiff`.
    let exif = decoder.exif_metadata().ok().flatten().unwrap_or_default();
    let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(&exif);
    Ok((Image { width, height, channels: 3, pixels }, Orientation::from_tiff(tiff)))
}

pub(super) fn dimensions(bytes: &[u8]) -> Result<(u32, u32)> {
    let kept = without_empty_promises(bytes);
    let decoder =
        WebPDecoder::new(Cursor::new(&*kept)).map_err(|error| failed(&error, bytes.len()))?;
    Ok(decoder.dimensions())
}

/// The file without flags for chunks that it does not have, which editors leave behind when they
/// remove metadata. The decoder refuses those; libwebp does not look at them.
fn without_empty_promises(bytes: &[u8]) -> Cow<'_, [u8]> {
    let extended = bytes.get(RIFF_HEADER..RIFF_HEADER + 4) == Some(b"VP8X");
    let Some(&flags) = bytes.get(FLAGS).filter(|_| extended) else { return Cow::Borrowed(bytes) };
    let mut kept = flags & !(HAS_XMP | HAS_EXIF);
    let (mut has_alpha, mut is_lossy) = (false, false);
    let mut chunks = &bytes[RIFF_HEADER..];
    while let Some(size) = little_endian(chunks, 4) {
        match &chunks[..4] {
            b"XMP " => kept |= flags & HAS_XMP,
            b"EXIF" => kept |= flags & HAS_EXIF,
            b"ALPH" => has_alpha = true,
            b"VP8 " => is_lossy = true,
            _ => {}
        }
        let next = CHUNK_HEADER.saturating_add(size as usize).saturating_add(size as usize % 2);
        chunks = chunks.get(next..).unwrap_or_default();
    }
    // A lossless bitstream holds its alpha itself, and frames of an animation theirs.
    if is_lossy && !has_alpha && flags & IS_ANIMATED == 0 {
        kept &= !HAS_ALPHA;
    }
    if kept == flags {
        return Cow::Borrowed(bytes);
    }
    let mut changed = bytes.to_vec();
    changed[FLAGS] = kept;
    Cow::Owned(changed)
}

/// The length of the file by its RIFF header, which must not be more than there is.
fn check_length(bytes: &[u8]) -> Result<usize> {
    let cut = |reason| Error::CutImage { format: Format::WebP, length: bytes.len(), reason };
    let size = little_endian(bytes, 4).ok_or_else(|| cut("the header is incomplete"))?;
    let end = (size as usize).saturating_add(CHUNK_HEADER);
    if end < RIFF_HEADER {
        return Err(bad("the RIFF header gives no room for an image"));
    }
    if end > bytes.len() {
        return Err(cut("the RIFF header says that the file is longer"));
    }
    Ok(end)
}

/// Checks the size that each bitstream claims for itself; the decoder takes memory for that
/// before it compares it with the size of the canvas.
fn check_bitstreams(mut chunks: &[u8], limits: Limits) -> Result<()> {
    while let Some(size) = little_endian(chunks, 4) {
        let content = &chunks[CHUNK_HEADER..];
        let size = size as usize;
        match &chunks[..4] {
            b"VP8 " => {
                let side = |at| {
                    let bytes = content.get(at..at + 2)?.try_into().ok()?;
                    Some(u32::from(u16::from_le_bytes(bytes) & 0x3fff))
                };
                if let (Some(width), Some(height)) = (side(6), side(8)) {
                    limits.check_pixels(width, height)?;
                }
            }
            b"VP8L" => {
                if let Some(bits) = little_endian(content, 1) {
                    limits.check_pixels((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1)?;
                }
            }
            _ => {}
        }
        // The chunks of a frame follow its own fields.
        let is_frame = chunks.starts_with(b"ANMF");
        let next = if is_frame { FRAME_HEADER } else { size.saturating_add(size % 2) };
        chunks = content.get(next..).unwrap_or_default();
    }
    Ok(())
}

fn little_endian(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn failed(error: &DecodingError, length: usize) -> Error {
    match error {
        DecodingError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            Error::CutImage { format: Format::WebP, length, reason: "a chunk is incomplete" }
        }
        error => bad(&error.to_string()),
    }
}

fn bad(reason: &str) -> Error {
    Error::BadImage { format: Format::WebP, reason: reason.to_owned() }
}
