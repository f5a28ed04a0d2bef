//! The inputs of a window side by side, and the way back.

use crate::geometry::Geometry;
use crate::rows::{Rows, RowsMut};
use std::ops::Range;

/// Calls `visit` for every run of taps whose pixels lie side by side: with the taps' numbers
/// within the window of output pixel `pixel`, and the first pixel of the input.
fn for_each_run(geometry: Geometry, pixel: usize, mut visit: impl FnMut(Range<usize>, usize)) {
    let (rows, columns) = (geometry.rows, geometry.columns);
    let line = pixel / columns.output;
    let (image, row, column) = (line / rows.output, line % rows.output, pixel % columns.output);
    let taps = columns.window.kernel;
    let run = if columns.window.dilation == 1 { taps } else { 1 };
    for tap_row in 0..rows.window.kernel {
        let Some(source_row) = rows.source(row, tap_row) else { continue };
        let start = (image * rows.input + source_row) * columns.input;
        for from in (0..taps).step_by(run) {
            let inside = |tap: &usize| columns.source(column, *tap).is_some();
            let Some(first) = (from..from + run).find(inside) else { continue };
            let count = (first..from + run).take_while(inside).count();
            let source = columns.source(column, first).unwrap_or_default();
            let first = tap_row * taps + first;
            visit(first..first + count, start + source);
        }
    }
}

/// Copies the inputs of every tap for the output pixels from `first` on; zeros for padding.
///
/// # Shapes
/// - `gathered`: `[pixels, taps, channels]`
pub(super) fn gather(geometry: Geometry, x: Rows<'_>, first: usize, gathered: &mut [f32]) {
    let channels = x.channels();
    let length = (geometry.taps() * channels).max(1);
    for (index, window) in gathered.chunks_exact_mut(length).enumerate() {
        let mut filled = 0;
        for_each_run(geometry, first + index, |taps, source| {
            let (start, end) = (taps.start * channels, taps.end * channels);
            window[filled..start].fill(0.0);
            match x.dense_range(source, taps.len()) {
                Some(values) => window[start..end].copy_from_slice(values),
                None => {
                    for (tap, to) in window[start..end].chunks_exact_mut(channels).enumerate() {
                        to.copy_from_slice(x.row(source + tap));
                    }
                }
            }
            filled = end;
        });
        window[filled..].fill(0.0);
    }
}

/// Adds every tap's elements to the pixel that it was gathered from. `dx` is one image, and the
/// output pixels from `first` on are counted within it.
///
/// # Shapes
/// - `products`: `[pixels, taps, channels]`, `dx`: `[input pixels of one image, channels]`
pub(super) fn scatter_add(geometry: Geometry, products: &[f32], first: usize, mut dx: RowsMut<'_>) {
    let channels = dx.channels();
    let length = (geometry.taps() * channels).max(1);
    for (index, window) in products.chunks_exact(length).enumerate() {
        for_each_run(geometry, first + index, |taps, source| {
            for (step, tap) in taps.enumerate() {
                let from = &window[tap * channels..][..channels];
                let to = dx.row_mut(source + step);
                to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
            }
        });
    }
}
