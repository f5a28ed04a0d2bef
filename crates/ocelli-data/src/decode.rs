//! From the bytes of an image file to pixels.
//!
//! The result is what Pillow's `Image.open(…).convert("RGB")` gives, up to rounding inside the
//! decoders of lossy WebP:
//!
//! - 16-bit samples keep their high byte;
//! - alpha is dropped, not blended, and the colour under it stays;
//! - palettes and 1-, 2- and 4-bit greys are expanded;
//! - CMYK and YCCK JPEGs are taken as inverted, as Adobe writes them, and mixed without a profile;
//! - colour profiles and gamma are ignored;
//! - of an animation the first frame is decoded (for PNG, the default image), of a TIFF the first
//!   page.
//!
//! Three things differ: a file that is damaged is an error, where Pillow fills in what is missing; a
//! 16-bit grey keeps its high byte instead of being clipped; and samples of a PNM are scaled by the
//! largest value that it gives. What no decoder can tell is whether some bits of a JPEG were changed into
//! others that make sense, because the format has no checksum.

mod bmp;
mod channels;
mod exif;
mod format;
mod gif;
mod input;
mod jpeg;
mod kind;
mod options;
mod png;
mod pnm;
mod tiff;
mod webp;

pub use channels::Channels;
pub(crate) use channels::luma;
pub(crate) use jpeg::planes::{Header, Plane, PlaneDecoder};
pub use kind::Format;
pub use options::DecodeOptions;

use crate::{Image, Result};

/// Decodes a file of one of the [`Format`]s; its first bytes tell which it is.
///
/// # Errors
/// When the bytes are no such file, end too early, are damaged, use a feature that is not
/// supported (12-bit, lossless or arithmetic-coded JPEG, CMYK or floats in TIFF, and the like), or
/// are over a limit.
pub fn decode(bytes: &[u8], options: &DecodeOptions) -> Result<Image> {
    options.limits.check_file(|| "the file".to_owned(), bytes.len() as u64)?;
    let (image, orientation) = match Format::from_bytes(bytes)? {
        Format::Jpeg => jpeg::decode(bytes, options)?,
        Format::Png => png::decode(bytes, options)?,
        Format::WebP => webp::decode(bytes, options)?,
        Format::Gif => gif::decode(bytes, options)?,
        Format::Bmp => bmp::decode(bytes, options)?,
        Format::Tiff => tiff::decode(bytes, options)?,
        Format::Pnm => pnm::decode(bytes, options)?,
    };
    let image = options.channels.convert(image);
    Ok(if options.apply_orientation { orientation.apply(image) } else { image })
}

/// Width and height in pixels, as they are stored, from the header alone.
///
/// # Errors
/// When the bytes are no such file or end inside the header.
pub fn dimensions(bytes: &[u8]) -> Result<(u32, u32)> {
    match Format::from_bytes(bytes)? {
        Format::Jpeg => jpeg::dimensions(bytes),
        Format::Png => png::dimensions(bytes),
        Format::WebP => webp::dimensions(bytes),
        Format::Gif => gif::dimensions(bytes),
        Format::Bmp => bmp::dimensions(bytes),
        Format::Tiff => tiff::dimensions(bytes),
        Format::Pnm => pnm::dimensions(bytes),
    }
}

#[cfg(test)]
mod tests;
