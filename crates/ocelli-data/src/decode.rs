//! From the bytes of an image file to pixels.

mod format;

pub use format::Format;
