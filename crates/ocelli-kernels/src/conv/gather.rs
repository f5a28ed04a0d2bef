//! The inputs of a window side by side, and the way back.

use crate::geometry::Geometry;
use crate::rows::{Rows, RowsMut};

/// Image, row and column of an output pixel.
fn place(geometry: Geometry, pixel: usize) -> (usize, usize, usize) {
    let (height, width) = (geometry.rows.output, geometry.columns.output);
    (pixel / width / height, pixel / width % height, pixel % width)
}

/// Copies the inputs of every tap for the output pixels from `first` on; zeros for padding.
///
/// # Shapes
/// - `gathered`: `[pixels, taps, channels]`
pub(super) fn gather(geometry: Geometry, x: Rows<'_>, first: usize, gathered: &mut [f32]) {
    let channels = x.channels();
    let (kernel_rows, kernel_columns) =
        (geometry.rows.window.kernel, geometry.columns.window.kernel);
    let line = kernel_columns * channels;
    for (index, window) in gathered.chunks_exact_mut(kernel_rows * line).enumerate() {
        let (image, row, column) = place(geometry, first + index);
        for (tap_row, taps) in window.chunks_exact_mut(line).enumerate() {
            let Some(source_row) = geometry.rows.source(row, tap_row) else {
                taps.fill(0.0);
                continue;
            };
            let start = (image * geometry.rows.input + source_row) * geometry.columns.input;
            for (tap, to) in taps.chunks_exact_mut(channels).enumerate() {
                match geometry.columns.source(column, tap) {
                    Some(source) => to.copy_from_slice(x.row(start + source)),
                    None => to.fill(0.0),
                }
            }
        }
    }
}

/// Adds every tap's numbers to the pixel that it was gathered from. `dx` is one image, and the
/// output pixels from `first` on are counted within it.
///
/// # Shapes
/// - `products`: `[pixels, taps, channels]`, `dx`: `[input pixels of one image, channels]`
pub(super) fn scatter_add(geometry: Geometry, products: &[f32], first: usize, mut dx: RowsMut<'_>) {
    let channels = dx.channels();
    let (kernel_rows, kernel_columns) =
        (geometry.rows.window.kernel, geometry.columns.window.kernel);
    let line = kernel_columns * channels;
    for (index, window) in products.chunks_exact(kernel_rows * line).enumerate() {
        let (_, row, column) = place(geometry, first + index);
        for (tap_row, taps) in window.chunks_exact(line).enumerate() {
            let Some(source_row) = geometry.rows.source(row, tap_row) else { continue };
            for (tap, from) in taps.chunks_exact(channels).enumerate() {
                let Some(source) = geometry.columns.source(column, tap) else { continue };
                let to = dx.row_mut(source_row * geometry.columns.input + source);
                to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
            }
        }
    }
}
