//! Which image files can be decoded.

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
    /// GIF, of which an animation shows its first frame.
    Gif,
    /// BMP: Windows and OS/2 bitmaps of 1 to 32 bits, plain or run-length encoded.
    Bmp,
    /// TIFF: grey, palette and RGB of up to 16 bits, of which the first page is read.
    Tiff,
    /// PNM: PBM, PGM and PPM, as text and as bytes.
    Pnm,
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
            Self::Pnm => "PNM",
        })
    }
}
