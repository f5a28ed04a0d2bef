//! JPEG: ITU-T T.81, JFIF (T.871) and the Adobe marker (T.872).
//!
//! A crop is decoded by [`planes`] where that can do it, anything else by [`whole`]. Both read the
//! segments with the same reader and the data of all scans to their end, so that a file is sound
//! or refused whatever is wanted of it.
//!
//! What other decoders read without complaint is read: bytes between segments, fill before
//! markers, scans in any order, Motion JPEG without Huffman tables, anything after the end marker.
//! What they mend and complain about is refused, because a picture that is made up in part would
//! be trained on unnoticed: image data that ends early or is left over, bits that are no code,
//! restart markers that are missing, components or bits of them that no scan sends.

#![expect(
    clippy::inline_always,
    reason = "only what is inlined is compiled for the vector instructions of the processor"
)]

mod bits;
mod colours;
mod coverage;
mod damage;
mod frame;
mod huffman;
mod markers;
pub(crate) mod planes;
mod reader;
mod refusal;
mod scan;
mod sequential;
mod standard_tables;
#[cfg(test)]
mod tests;
mod whole;

use super::exif::Orientation;
use super::{Channels, DecodeOptions};
use crate::{Image, Result};
use colours::Model;
use reader::Reader;

pub(super) fn decode(bytes: &[u8], options: &DecodeOptions) -> Result<(Image, Orientation)> {
    let mut reader = Reader::new(bytes);
    let frame = reader.frame()?;
    options.limits.check_pixels(frame.width, frame.height)?;
    frame.check_length(bytes.len())?;
    let model = Model::new(&frame, &reader.markers);
    let orientation = reader.markers.exif.map_or(Orientation::UPRIGHT, Orientation::from_tiff);
    let is_grey = model == Model::Grey && options.channels != Channels::Rgb;
    let channels = if is_grey { 1 } else { 3 };
    let samples = whole::decode(reader, &frame)?;
    let pixels = whole::pixels(&frame, model, &samples, channels);
    Ok((Image { width: frame.width, height: frame.height, channels, pixels }, orientation))
}

pub(super) fn dimensions(bytes: &[u8]) -> Result<(u32, u32)> {
    frame::read_size(bytes)
}
