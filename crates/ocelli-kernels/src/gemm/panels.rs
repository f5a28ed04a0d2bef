//! The packed factor: panels of 32 columns, row after row, zeros after the last column.

use crate::rows::{Rows, RowsMut};
use rayon::prelude::*;
use std::ops::Range;

/// Columns per panel: two AVX-512 vectors, and a multiple of every other set's two vectors.
pub(crate) const WIDTH: usize = 32;

/// A packed matrix `[depth, columns]`.
#[derive(Clone, Copy)]
pub(crate) struct Panels<'a> {
    data: &'a [f32],
    depth: usize,
    columns: usize,
}

/// How many elements a packed matrix takes.
pub(crate) fn packed_len(depth: usize, columns: usize) -> usize {
    columns.div_ceil(WIDTH) * WIDTH * depth
}

impl<'a> Panels<'a> {
    /// A matrix that was packed before.
    pub(crate) fn new(data: &'a [f32], depth: usize, columns: usize) -> Self {
        assert_eq!(data.len(), packed_len(depth, columns), "length of the packed matrix");
        Self { data, depth, columns }
    }

    /// `columns` columns from `first` on, which is the start of a panel.
    pub(crate) fn columns_from(self, first: usize, columns: usize) -> Self {
        assert!(first.is_multiple_of(WIDTH) && first + columns <= self.columns, "columns {first}");
        let data = &self.data[first * self.depth..][..packed_len(self.depth, columns)];
        Self { data, depth: self.depth, columns }
    }

    pub(crate) fn depth(self) -> usize {
        self.depth
    }

    pub(crate) fn columns(self) -> usize {
        self.columns
    }

    /// Where the number at (`row`, `column`) stands; `column` is a multiple of two vectors, which
    /// therefore lie whole in its panel.
    #[inline(always)]
    pub(super) fn at(self, row: usize, column: usize) -> *const f32 {
        let panel = &self.data[column / WIDTH * WIDTH * self.depth..];
        panel[row * WIDTH + column % WIDTH..].as_ptr()
    }
}

/// Packs a matrix `[depth, columns]` that `fill` writes in parts: the columns of a range, as many as
/// each row of the part is wide.
pub(crate) fn pack_panels(
    depth: usize,
    columns: usize,
    packed: &mut [f32],
    fill: impl Fn(Range<usize>, &mut RowsMut<'_>) + Sync,
) -> Panels<'_> {
    assert_eq!(packed.len(), packed_len(depth, columns), "length of the packed matrix");
    packed.par_chunks_exact_mut((WIDTH * depth).max(1)).enumerate().for_each(|(panel, data)| {
        let from = panel * WIDTH;
        let width = WIDTH.min(columns - from);
        if width < WIDTH {
            data.fill(0.0);
        }
        fill(from..from + width, &mut RowsMut::strided(data, depth, width, WIDTH));
    });
    Panels { data: packed, depth, columns }
}

/// Packs a matrix `[depth, columns]` whose columns are the rows of `matrix`.
pub(crate) fn pack_transposed<'a>(matrix: Rows<'_>, packed: &'a mut [f32]) -> Panels<'a> {
    let (depth, columns) = (matrix.channels(), matrix.count());
    assert_eq!(packed.len(), packed_len(depth, columns), "length of the packed matrix");
    packed.par_chunks_exact_mut((WIDTH * depth).max(1)).enumerate().for_each(|(panel, data)| {
        let from = panel * WIDTH;
        let width = WIDTH.min(columns - from);
        if width < WIDTH {
            data.fill(0.0);
        }
        for column in 0..width {
            for (value, data) in matrix.row(from + column).iter().zip(data.chunks_exact_mut(WIDTH))
            {
                data[column] = *value;
            }
        }
    });
    Panels { data: packed, depth, columns }
}
