//! Why a file is refused.

use crate::Error;
use crate::decode::kind::Format;

pub(super) fn bad(reason: impl Into<String>) -> Error {
    Format::Gif.bad(reason)
}

pub(super) fn cut(length: usize) -> Error {
    Format::Gif.cut(length, "the end mark is missing")
}
