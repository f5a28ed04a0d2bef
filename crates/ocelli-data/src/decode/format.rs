//! What an image file is, told by its first bytes and never by its name.

use crate::{Error, Result};
use std::fmt;

/// A file format that can be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// JPEG: baseline and progressive, 8 bits.
    Jpeg,
    /// PNG, of which an animation shows its default image.
    Png,
    /// WebP: lossy and lossless, of which an animation shows its first frame.
    WebP,
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
        })
    }
}

impl Format {
    /// Tells the format by the first bytes.
    ///
    /// # Errors
    /// [`Error::NotAnImage`], which names the format if it is another well-known one, and else
    /// shows the first bytes.
    pub fn of(bytes: &[u8]) -> Result<Self> {
        if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
            return Ok(Self::Jpeg);
        }
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            return Ok(Self::Png);
        }
        if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            return Ok(Self::WebP);
        }
        Err(Error::NotAnImage { found: describe_start(bytes) })
    }
}

fn describe_start(bytes: &[u8]) -> String {
    const OTHERS: [(&[u8], &str); 8] = [
        (b"GIF8", "a GIF file"),
        (b"BM", "a BMP file"),
        (b"II*\0", "a TIFF file"),
        (b"MM\0*", "a TIFF file"),
        (b"%PDF", "a PDF file"),
        (b"<svg", "an SVG file"),
        (b"<!DOCTYPE", "an HTML page"),
        (b"<html", "an HTML page"),
    ];
    if bytes.is_empty() {
        return "the file is empty".to_owned();
    }
    if let Some((_, name)) = OTHERS.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return format!("it is {name}");
    }
    if bytes.get(4..8) == Some(b"ftyp") {
        return "it is an HEIF, AVIF or video file".to_owned();
    }
    let start: Vec<String> = bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("it starts with {}", start.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_decide() {
        assert_eq!(Format::of(b"\xff\xd8\xff\xe0").unwrap(), Format::Jpeg);
        assert_eq!(Format::of(b"\x89PNG\r\n\x1a\nrest").unwrap(), Format::Png);
        assert_eq!(Format::of(b"RIFF\x24\0\0\0WEBPVP8 ").unwrap(), Format::WebP);
    }

    #[test]
    fn anything_else_is_described() {
        let message = |bytes: &[u8]| Format::of(bytes).unwrap_err().to_string();
        let not = "not a JPEG, PNG or WebP file: ";
        assert_eq!(message(b"<htm"), format!("{not}it starts with 3c 68 74 6d"));
        assert_eq!(message(b"<html>"), format!("{not}it is an HTML page"));
        assert_eq!(message(b"GIF89a"), format!("{not}it is a GIF file"));
        assert_eq!(
            message(b"\0\0\0\x1cftypavif"),
            format!("{not}it is an HEIF, AVIF or video file")
        );
        assert_eq!(message(b""), format!("{not}the file is empty"));
        assert_eq!(
            message(b"RIFF\0\0\0\0WAVE"),
            format!("{not}it starts with 52 49 46 46 00 00 00 00")
        );
    }
}
