//! The parts of a dataset.

use std::fmt;
use std::str::FromStr;

/// A part of a dataset.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// What a model learns from.
    #[default]
    Train,
    /// What a model is measured on.
    Test,
}

impl Split {
    /// The names that files and folders of this part have, the preferred one first.
    pub(super) fn names(self) -> &'static [&'static str] {
        match self {
            Self::Train => &["train"],
            Self::Test => &["test", "val", "validation", "valid", "dev"],
        }
    }

    pub(super) fn other(self) -> Self {
        match self {
            Self::Train => Self::Test,
            Self::Test => Self::Train,
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.names()[0])
    }
}

impl FromStr for Split {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Train, Self::Test]
            .into_iter()
            .find(|split| split.names().contains(&text))
            .ok_or_else(|| format!("`{text}` is no split; expected train or test"))
    }
}
