//! What an image file is, told by its first bytes and never by its name.

use super::kind::Format;
use crate::{Error, Result};

impl Format {
    /// Tells the format by the first bytes.
    ///
    /// # Errors
    /// [`Error::NotAnImage`], which names the format if it is another well-known one, and else
    /// shows the first bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Ok(match bytes {
            [0xff, 0xd8, 0xff, ..] => Self::Jpeg,
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Self::Png,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Self::WebP,
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Self::Gif,
            [b'B', b'M', ..] => Self::Bmp,
            [b'I', b'I', b'*' | b'+', 0, ..] | [b'M', b'M', 0, b'*' | b'+', ..] => Self::Tiff,
            [b'P', b'1'..=b'6', next, ..] if next.is_ascii_whitespace() || *next == b'#' => {
                Self::Pnm
            }
            _ => return Err(Error::NotAnImage { found: describe_start(bytes) }),
        })
    }

    /// The error for a damaged file of this format, or one that uses what is not supported.
    pub(super) fn bad(self, reason: impl Into<String>) -> Error {
        Error::BadImage { format: self, reason: reason.into() }
    }

    /// The error for a file of this format that ends after `length` bytes.
    pub(super) fn cut(self, length: usize, reason: &'static str) -> Error {
        Error::CutImage { format: self, length, reason }
    }
}

fn describe_start(bytes: &[u8]) -> String {
    const OTHERS: [(&[u8], &str); 14] = [
        (b"%PDF", "a PDF file"),
        (b"<svg", "an SVG file"),
        (b"<?xml", "an SVG or another XML file"),
        (b"<!DOCTYPE", "an HTML page"),
        (b"<!doctype", "an HTML page"),
        (b"<html", "an HTML page"),
        (b"\xff\x0a", "a JPEG XL file"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL file"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 file"),
        (b"\xff\x4f\xff\x51", "a JPEG 2000 file"),
        (b"P7\n", "a PAM file"),
        (b"PF\n", "a PFM file"),
        (b"Pf\n", "a PFM file"),
        (b"8BPS", "a Photoshop file"),
    ];
    if bytes.is_empty() {
        return "the file is empty".to_owned();
    }
    if let Some((_, name)) = OTHERS.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return format!("it is {name}");
    }
    if bytes.get(4..8) == Some(b"ftyp") {
        return format!("it is {}", describe_brand(bytes.get(8..12).unwrap_or_default()));
    }
    let start: Vec<String> = bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("it starts with {}", start.join(" "))
}

/// What a file in the ISO base media format holds, by its major brand.
fn describe_brand(brand: &[u8]) -> &'static str {
    match brand {
        b"avif" | b"avis" => "an AVIF file",
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" => "a HEIC file",
        b"mif1" | b"msf1" => "a HEIF file (HEIC or AVIF)",
        b"crx " => "a Canon raw file",
        _ => "a video or another media file",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_decide() {
        assert_eq!(Format::from_bytes(b"\xff\xd8\xff\xe0").unwrap(), Format::Jpeg);
        assert_eq!(Format::from_bytes(b"\x89PNG\r\n\x1a\nrest").unwrap(), Format::Png);
        assert_eq!(Format::from_bytes(b"RIFF\x24\0\0\0WEBPVP8 ").unwrap(), Format::WebP);
        for start in [b"GIF87a", b"GIF89a"] {
            assert_eq!(Format::from_bytes(start).unwrap(), Format::Gif);
        }
        assert_eq!(Format::from_bytes(b"BM\x36\x03").unwrap(), Format::Bmp);
        for start in [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"] {
            assert_eq!(Format::from_bytes(start).unwrap(), Format::Tiff);
        }
        for start in [&b"P1\n"[..], b"P2 ", b"P3\t", b"P4\r\n", b"P5\n", b"P6#"] {
            assert_eq!(Format::from_bytes(start).unwrap(), Format::Pnm);
        }
    }

    #[test]
    fn anything_else_is_described() {
        for (bytes, found) in [
            (&b"<htm"[..], "it starts with 3c 68 74 6d"),
            (b"<html>", "it is an HTML page"),
            (b"\0\0\0\x1cftypavif", "it is an AVIF file"),
            (b"\0\0\0\x1cftypheic", "it is a HEIC file"),
            (b"\0\0\0\x1cftypmif1", "it is a HEIF file (HEIC or AVIF)"),
            (b"\0\0\0\x1cftypisom", "it is a video or another media file"),
            (b"\xff\x0a\xfa\x1f", "it is a JPEG XL file"),
            (b"\0\0\0\x0cJXL \r\n\x87\n", "it is a JPEG XL file"),
            (b"P7\nWIDTH 3", "it is a PAM file"),
            (b"P8\n", "it starts with 50 38 0a"),
            (b"GIF90a", "it starts with 47 49 46 39 30 61"),
            (b"", "the file is empty"),
            (b"RIFF\0\0\0\0WAVE", "it starts with 52 49 46 46 00 00 00 00"),
        ] {
            let message = Format::from_bytes(bytes).unwrap_err().to_string();
            let not = "not a JPEG, PNG, WebP, GIF, BMP, TIFF or PNM file: ";
            assert_eq!(message, format!("{not}{found}"));
        }
    }
}
