//! Why a file is refused.

use crate::Error;
use crate::decode::kind::Format;

pub(in crate::decode::jpeg) fn bad(reason: &str) -> Error {
    Error::BadImage { format: Format::Jpeg, reason: reason.to_owned() }
}
