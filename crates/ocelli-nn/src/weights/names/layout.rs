//! The order of a tensor's axes in a file.

use crate::weights::view::View;

/// How a tensor's axes are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::weights) enum Layout {
    /// As in PyTorch: a kernel is `[out, in, height, width]`, a matrix `[out, in]`.
    Own,
    /// A kernel `[height, width, in, out]`.
    Hwio,
    /// A depthwise kernel `[height, width, channels, multiplier]`.
    Depthwise,
    /// A matrix `[in, out]`.
    InOut,
    /// A matrix `[height · width · in, out]` that stands for a kernel, with the sizes of its rows.
    Flattened([usize; 3]),
}

impl Layout {
    /// The same elements with PyTorch's axes; `None` when the number of axes is another one.
    pub(in crate::weights) fn to_own(self, view: &View) -> Option<View> {
        match self {
            Self::Own => Some(view.clone()),
            Self::Hwio => view.permuted(&[3, 2, 0, 1]),
            // [channels, multiplier, height, width], the first two in one, and one input each.
            Self::Depthwise => view.permuted(&[2, 3, 0, 1])?.merged(0)?.with_unit_axis(1),
            Self::InOut => view.permuted(&[1, 0]),
            Self::Flattened(sizes) => view.split(0, sizes)?.permuted(&[3, 2, 0, 1]),
        }
    }
}
