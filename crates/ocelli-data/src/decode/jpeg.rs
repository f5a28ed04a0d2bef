//! JPEG: ITU-T T.81, JFIF (T.871) and the Adobe marker (T.872).

pub(crate) mod planes;
mod segments;

use super::exif::Orientation;
use super::{Channels, DecodeOptions, Format};
use crate::{Error, Image, Result};
use segments::Segments;
use std::borrow::Cow;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

pub(super) fn decode(bytes: &[u8], options: &DecodeOptions) -> Result<(Image, Orientation)> {
    // The decoder fills what is missing with grey in some cases; the walk over the segments
    // finds a cut file for certain, because the end marker is missing.
    let segments = Segments::read(bytes)?;
    let (width, height) = segments.size;
    options.limits.check_pixels(width, height)?;

    let stored_grey = segments.components.len() == 1;
    let channels = if stored_grey && options.channels != Channels::Rgb { 1 } else { 3 };
    let (bytes, colours) = choose_colours(bytes, &segments, channels);
    let settings = DecoderOptions::new_fast()
        .set_strict_mode(true)
        .set_max_width(width as usize)
        .set_max_height(height as usize)
        .jpeg_set_out_colorspace(colours);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&*bytes), settings);
    let pixels = decoder.decode().map_err(|error| bad(&error.to_string()))?;
    if pixels.len() as u64 != u64::from(width) * u64::from(height) * u64::from(channels) {
        return Err(bad("the decoder gave another number of pixels than the header"));
    }
    let orientation = segments.exif.map_or(Orientation::UPRIGHT, Orientation::of_tiff);
    Ok((Image { width, height, channels, pixels }, orientation))
}

pub(super) fn dimensions(bytes: &[u8]) -> Result<(u32, u32)> {
    segments::read_size(bytes)
}

/// The colour space to ask the decoder for, and the bytes to give it.
///
/// It takes an Adobe marker with transform 0 for CMYK even on three components, where it means
/// RGB, or YCbCr if there is a JFIF marker too (the rule of libjpeg). So the marker is made
/// illegible in such files, and RGB is decoded as the YCbCr that it then seems to be, without
/// conversion.
fn choose_colours<'a>(
    bytes: &'a [u8],
    segments: &Segments<'_>,
    channels: u8,
) -> (Cow<'a, [u8]>, ColorSpace) {
    if channels == 1 {
        return (Cow::Borrowed(bytes), ColorSpace::Luma);
    }
    match segments.adobe {
        Some(adobe) if adobe.transform == 0 && segments.components.len() == 3 => {
            let mut bytes = bytes.to_vec();
            bytes[adobe.offset] = 0;
            let is_rgb = !segments.is_jfif && segments.components != *b"RGB";
            (Cow::Owned(bytes), if is_rgb { ColorSpace::YCbCr } else { ColorSpace::RGB })
        }
        _ => (Cow::Borrowed(bytes), ColorSpace::RGB),
    }
}

fn bad(reason: &str) -> Error {
    Error::BadImage { format: Format::Jpeg, reason: reason.to_owned() }
}
