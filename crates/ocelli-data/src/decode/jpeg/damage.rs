//! What can be wrong with image data.

use super::refusal::bad;
use crate::Error;
use std::fmt;

/// Why the data of a scan is not what its header announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    /// Bits that are no code, or a code that makes no sense where it stands.
    Code,
    /// The data, or that before a restart marker, ends before its last block.
    Early,
    /// So many bytes follow the last block, or the last one before a restart marker.
    Late(usize),
    /// A restart marker is missing, out of order, or one too many.
    Restart,
    /// A scan sends what an earlier one sent, or refines what none sent.
    Twice,
    /// The last scans are missing.
    Incomplete,
}

impl fmt::Display for Damage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Code => "damaged image data",
            Self::Early => "the image data ends too early: a part of it is missing",
            Self::Late(bytes) => {
                return write!(
                    formatter,
                    "damaged image data: {bytes} bytes are left over after the last block"
                );
            }
            Self::Restart => {
                "damaged image data: a restart marker is missing, out of order or one too many"
            }
            Self::Twice => "damaged image data: the scans do not follow from each other",
            Self::Incomplete => "the image data is incomplete: scans are missing",
        })
    }
}

impl From<Damage> for Error {
    fn from(damage: Damage) -> Self {
        bad(&damage.to_string())
    }
}
