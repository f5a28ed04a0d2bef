//! What a convolution is, apart from its elements.

use crate::geometry::Geometry;

/// The sizes of a convolution without groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv {
    /// How the window slides.
    pub geometry: Geometry,
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
}
