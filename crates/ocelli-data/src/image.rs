//! A decoded image in memory.

/// Eight-bit pixels in rows, channels interleaved.
///
/// # Shapes
/// - `pixels`: `[height, width, channels]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// 1 (grey) or 3 (RGB); a source of one's own may have others.
    pub channels: u8,
    /// `height * width * channels` bytes.
    pub pixels: Vec<u8>,
}
