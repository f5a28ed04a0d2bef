//! What is decoded, before it is pixels.

use super::super::frame::{Component, Frame};

/// The samples of one component, row by row, in whole blocks.
#[derive(Debug)]
pub(in crate::decode::jpeg) struct Samples {
    pub(super) values: Vec<u8>,
    pub(super) stride: usize,
}

impl Samples {
    pub(super) fn new(frame: &Frame, component: &Component) -> Self {
        let (columns, rows) = frame.padded_blocks_of(component);
        Self { values: vec![0; 64 * columns * rows], stride: 8 * columns }
    }

    /// The first `width` samples of a row.
    #[inline(always)]
    pub(super) fn row(&self, row: usize, width: usize) -> &[u8] {
        &self.values[row * self.stride..][..width]
    }

    /// The rows of a block, and whatever follows them.
    #[inline(always)]
    pub(super) fn block(
        &mut self,
        (column, row): (usize, usize),
    ) -> impl Iterator<Item = &mut [u8]> {
        let start = 8 * (row * self.stride + column);
        self.values[start..].chunks_mut(self.stride).map(|row| &mut row[..8])
    }
}
