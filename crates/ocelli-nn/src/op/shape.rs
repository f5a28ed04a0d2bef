//! The shapes of values.

use crate::Error;

/// The shape of one sample's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Channels.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Shape {
    /// A vector: one value per channel.
    pub fn vector(channels: usize) -> Self {
        Self { channels, height: 1, width: 1 }
    }

    /// How many elements it has.
    pub fn len(self) -> usize {
        self.channels * self.height * self.width
    }

    /// Whether it has none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// That a layer cannot take an input of this shape.
    pub(super) fn refuse(self, layer: &str, reason: impl Into<String>) -> Error {
        Error::Shape {
            layer: layer.to_owned(),
            shape: [self.channels, self.height, self.width],
            reason: reason.into(),
        }
    }
}

impl From<[usize; 3]> for Shape {
    /// Channels, height, width.
    fn from([channels, height, width]: [usize; 3]) -> Self {
        Self { channels, height, width }
    }
}
