//! How a network's candidates are computed.

use serde::{Deserialize, Serialize};

/// How a network's candidates are computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inference {
    /// What is fastest: only what pixels change, on the CPU and for networks that allow it.
    #[default]
    Auto,
    /// Whole images.
    Dense,
    /// Only what pixels change.
    Delta,
}
