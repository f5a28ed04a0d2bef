//! A walk over the markers of a JPEG file, from the start marker to the end marker.

use super::super::Format;
use super::refusal::bad;
use crate::{Error, Result};

pub(super) const END_OF_IMAGE: u8 = 0xd9;
pub(super) const START_OF_SCAN: u8 = 0xda;

/// One marker and what belongs to it.
pub(super) struct Segment<'a> {
    pub(super) marker: u8,
    /// The content after the length field.
    pub(super) content: &'a [u8],
}

/// A reader of markers.
pub(super) struct Walk<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) position: usize,
}

impl<'a> Walk<'a> {
    /// Starts after the start marker, which made this file a JPEG.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 2 }
    }

    /// What has not been read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.position..).unwrap_or_default()
    }

    /// The next marker. Bytes before it are passed over, as all decoders do.
    ///
    /// # Errors
    /// When the file ends before it or inside its segment.
    pub(super) fn next(&mut self) -> Result<Segment<'a>> {
        let marker = loop {
            let rest = self.rest();
            let skipped = memchr::memchr(0xff, rest).ok_or_else(|| self.cut())?;
            let fill = rest[skipped..].iter().take_while(|byte| **byte == 0xff).count();
            let marker = *rest.get(skipped + fill).ok_or_else(|| self.cut())?;
            self.position += skipped + fill + 1;
            // 0xff and zero is a byte of image data: there is none here, so it is skipped too.
            if marker != 0 {
                break marker;
            }
        };
        // These stand alone: TEM, the restart markers, start and end of the image.
        if matches!(marker, 1 | 0xd0..=END_OF_IMAGE) {
            return Ok(Segment { marker, content: &[] });
        }
        let rest = self.rest();
        let length = *rest.first_chunk::<2>().ok_or_else(|| self.cut())?;
        let length = usize::from(u16::from_be_bytes(length));
        if length < 2 {
            return Err(bad(&format!("a segment 0x{marker:02x} of length {length}")));
        }
        let content = rest.get(2..length).ok_or_else(|| self.cut())?;
        self.position += length;
        Ok(Segment { marker, content })
    }

    pub(super) fn cut(&self) -> Error {
        let reason = "the end marker is missing";
        Error::CutImage { format: Format::Jpeg, length: self.bytes.len(), reason }
    }
}
