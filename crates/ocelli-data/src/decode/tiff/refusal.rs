//! Why a file is refused.

use crate::Error;
use crate::decode::kind::Format;

pub(super) fn bad(reason: impl Into<String>) -> Error {
    Format::Tiff.bad(reason)
}

pub(super) fn cut(length: usize) -> Error {
    Format::Tiff.cut(length, "a part that it points to is missing")
}
