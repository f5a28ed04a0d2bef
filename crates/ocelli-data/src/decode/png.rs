//! PNG: <https://www.w3.org/TR/png-3/>.

use super::channels::drop_alpha;
use super::exif::Orientation;
use super::{DecodeOptions, Format};
use crate::{Error, Image, Result};
use png::{ColorType, Decoder, DecodingError, Limits, Transformations};
use std::borrow::Cow;
use std::io::{Cursor, ErrorKind};

/// The bytes before the first chunk.
const SIGNATURE: usize = 8;
/// The length and the kind of a chunk.
const CHUNK_HEAD: usize = 8;
const CHUNK_CHECKSUM: usize = 4;

/// What the decoder may take besides the pixels: text and profiles are skipped, so this is a few
/// rows and the EXIF data.
const EXTRA_BYTES: usize = 64 << 20;

pub(super) fn decode(bytes: &[u8], options: &DecodeOptions) -> Result<(Image, Orientation)> {
    let (width, height) = dimensions(bytes)?;
    options.limits.check_pixels(width, height)?;
    let bytes = &*without_animation(bytes)?;
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: EXTRA_BYTES });
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);

    let failed = |error| failed(error, bytes.len());
    let mut reader = decoder.read_info().map_err(failed)?;
    check_palette(reader.info().palette.as_deref().unwrap_or_default())?;
    let size = reader.output_buffer_size().ok_or_else(|| bad("the size overflows"))?;
    let mut pixels = vec![0; size];
    let info = reader.next_frame(&mut pixels).map_err(failed)?;
    // The end chunk tells that nothing was cut off after the last row.
    reader.finish().map_err(failed)?;
    let orientation = reader
        .info()
        .exif_metadata
        .as_ref()
        .map_or(Orientation::UPRIGHT, |tiff| Orientation::from_tiff(tiff));

    let channels = match info.color_type {
        ColorType::Grayscale => 1,
        ColorType::Rgb => 3,
        ColorType::GrayscaleAlpha => {
            drop_alpha(&mut pixels, 2);
            1
        }
        ColorType::Rgba => {
            drop_alpha(&mut pixels, 4);
            3
        }
        ColorType::Indexed => return Err(bad("a palette that was not expanded")),
    };
    Ok((Image { width, height, channels, pixels }, orientation))
}

/// The file without the chunks of an animation, so that only its default image is looked at: other
/// frames may be damaged, which the decoder would mind. The end chunk must be there nevertheless.
fn without_animation(bytes: &[u8]) -> Result<Cow<'_, [u8]>> {
    let mut kept = Vec::new();
    let (mut at, mut kept_to) = (SIGNATURE, 0);
    while let Some(head) = bytes.get(at..at + CHUNK_HEAD) {
        let [l0, l1, l2, l3, kind @ ..] = head else { break };
        let length = u32::from_be_bytes([*l0, *l1, *l2, *l3]) as usize;
        let next = (at + CHUNK_HEAD + CHUNK_CHECKSUM).saturating_add(length);
        if matches!(kind, b"acTL" | b"fcTL" | b"fdAT") {
            kept.extend_from_slice(&bytes[kept_to..at]);
            kept_to = next;
        }
        at = next;
        if kind == b"IEND" {
            break;
        }
    }
    if kept_to == 0 {
        return Ok(Cow::Borrowed(bytes));
    }
    let rest = bytes.get(kept_to..).ok_or_else(|| cut(bytes.len(), "the end chunk is missing"))?;
    kept.extend_from_slice(rest);
    Ok(Cow::Owned(kept))
}

/// The decoder would panic while it expands a palette of another length (png 0.18.1).
fn check_palette(palette: &[u8]) -> Result<()> {
    if palette.len().is_multiple_of(3) && palette.len() <= 3 * 256 {
        return Ok(());
    }
    Err(bad("the palette is no whole number of colours up to 256"))
}

/// The header chunk is always the first and has a fixed position.
pub(super) fn dimensions(bytes: &[u8]) -> Result<(u32, u32)> {
    let header: [u8; 16] = bytes
        .get(8..24)
        .and_then(|header| header.try_into().ok())
        .ok_or_else(|| cut(bytes.len(), "the header is incomplete"))?;
    let [_, _, _, _, b'I', b'H', b'D', b'R', size @ ..] = header else {
        return Err(bad("the first chunk is not IHDR"));
    };
    let [w0, w1, w2, w3, h0, h1, h2, h3] = size;
    let (width, height) =
        (u32::from_be_bytes([w0, w1, w2, w3]), u32::from_be_bytes([h0, h1, h2, h3]));
    if width == 0 || height == 0 {
        return Err(bad("the image has no pixels"));
    }
    Ok((width, height))
}

fn failed(error: DecodingError, length: usize) -> Error {
    match error {
        DecodingError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            cut(length, "the end chunk is missing")
        }
        error => bad(&readable(&error.to_string())),
    }
}

/// A message of the decoder with chunks called by their names, as in `IDAT`, where it shows how it
/// keeps them: `ChunkType { type: IDAT, critical: true, … }`.
fn readable(message: &str) -> String {
    let mut rest = message;
    let mut readable = String::new();
    while let Some((before, after)) = rest.split_once("ChunkType { type: ") {
        let Some((kind, after)) = after.split_once(" }") else { break };
        readable.push_str(before);
        readable.push_str(kind.split(',').next().unwrap_or(kind));
        rest = after;
    }
    readable.push_str(rest);
    readable
}

fn bad(reason: &str) -> Error {
    Error::BadImage { format: Format::Png, reason: reason.to_owned() }
}

fn cut(length: usize, reason: &'static str) -> Error {
    Error::CutImage { format: Format::Png, length, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_chunk_is_called_by_its_name() {
        let mut bytes = include_bytes!("../../tests/images/rgb.png").to_vec();
        let start = bytes.windows(4).position(|window| window == b"IDAT").unwrap();
        bytes[start + 8] ^= 1;
        let error = decode(&bytes, &DecodeOptions::default()).unwrap_err().to_string();
        assert!(error.contains("while decoding IDAT chunk"), "{error}");
        assert!(!error.contains("ChunkType"), "{error}");
    }

    #[test]
    fn what_is_no_chunk_is_left_alone() {
        for message in ["", "no chunk", "ChunkType { type: cut"] {
            assert_eq!(readable(message), message);
        }
        let two = "ChunkType { type: fdAT, critical: false } after ChunkType { type: IDAT, a: b }.";
        assert_eq!(readable(two), "fdAT after IDAT.");
    }
}
