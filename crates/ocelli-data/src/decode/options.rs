//! What decoding gives, and what it refuses.

use super::channels::Channels;
use crate::Limits;

/// What [`decode`](super::decode()) gives, and what it refuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecodeOptions {
    /// Grey or colour.
    pub channels: Channels,
    /// Whether to turn the image as its EXIF orientation says. The usual training sets are read
    /// without, so this is off by default.
    pub apply_orientation: bool,
    /// What is too large. The pixels are checked before memory is taken for them.
    pub limits: Limits,
}
