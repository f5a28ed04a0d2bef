//! Why a file is refused.

use crate::Error;
use crate::decode::kind::Format;

pub(super) fn bad(reason: impl Into<String>) -> Error {
    Format::Bmp.bad(reason)
}

pub(super) fn cut(length: usize) -> Error {
    Format::Bmp.cut(length, "pixels are missing")
}
