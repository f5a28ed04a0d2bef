//! The weight gradient of a convolution.
//!
//! A block of the input's image rows is copied into the cache with its padding, a panel of channels
//! at a time. The taps of a kernel's row then stand side by side for every output pixel, so
//!
//! ```text
//! dw[o, row, (column, i)] = Σ_p  dy[p, o] · x[p's window in that row, (column, i)]
//! ```
//!
//! is a matrix product that nothing has to be gathered for: from one output pixel to the next, x
//! moves by the stride. Tiles of dw stay in registers over all pixels of a block. The work is shared
//! out by panels and by segments of the pixels, whose sums are added in order. Kernels of 3 × 3 and 5 × 5 taps
//! have a shorter way (`winograd::gradient`).

mod block;

use super::sizes::Conv;
use super::winograd::Winograd;
use crate::geometry::{Axis, Geometry};
use crate::rows::Rows;
use crate::scratch::with_scratch;
use crate::simd::dispatch;
use block::Block;
use rayon::prelude::*;
use std::ops::Range;

/// Channels per panel, if there are many.
const PANEL: usize = 32;
/// Output pixels per block: a panel of x and the block's dy stay in the first two caches.
const PIXELS: usize = 96;
/// Pixels that are summed into one partial sum, or up to half of that if it makes the partial sums even.
const SEGMENT: usize = 512;
/// How many partial sums at most.
const SEGMENTS: usize = 16;
/// How many elements all partial sums have together at most, if there is more than one.
const PARTIAL_VALUES: usize = 512 * 1024;

/// `dweight`, `[out, in, taps]`, from `x` and `dy`.
pub(super) fn weight_gradient(conv: Conv, x: Rows<'_>, dy: Rows<'_>, dweight: &mut [f32]) {
    if dy.count() == 0 || dweight.is_empty() {
        return dweight.fill(0.0);
    }
    if let Some(winograd) = Winograd::for_gradient(conv) {
        return winograd.weight_gradient(x, dy, dweight);
    }
    let geometry = flat(conv.geometry);
    let (width, taps) = (geometry.columns.output, geometry.taps());
    let (lines, length) = (dy.count() / width, dweight.len());
    let most = (PARTIAL_VALUES / length).clamp(1, SEGMENTS);
    let segments = dy.count().div_ceil(SEGMENT).clamp(1, most);
    let segment = lines.div_ceil(segments).max(1);
    let panels = panels(conv.in_channels);
    with_scratch(lines.div_ceil(segment).max(1) * length, |partial| {
        let mut parts = Vec::new();
        for (index, mut whole) in partial.chunks_exact_mut(length).enumerate() {
            for panel in &panels {
                let (sums, rest) = whole.split_at_mut(panel.len() * taps * conv.out_channels);
                parts.push((index * segment, panel, sums));
                whole = rest;
            }
        }
        parts.par_iter_mut().for_each(|(first, panel, sums)| {
            let x = x.columns(panel.start, panel.len());
            let lines = (*first).min(lines)..(*first + segment).min(lines);
            sums.fill(0.0);
            add_lines(geometry, x, dy, lines, sums);
        });
        join(partial, &panels, taps, conv, dweight);
    });
}

/// The channels of each panel. Few channels are one panel, of whatever width.
fn panels(channels: usize) -> Vec<Range<usize>> {
    let width = if channels <= 2 * PANEL { channels.max(1) } else { PANEL };
    (0..channels).step_by(width).map(|first| first..(first + width).min(channels)).collect()
}

/// The pixels of a pointwise convolution know no neighbours: they are put in one image of long rows.
fn flat(geometry: Geometry) -> Geometry {
    let pixels = geometry.output_pixels();
    if !geometry.is_pointwise() || pixels == 0 {
        return geometry;
    }
    let width = (1..=PIXELS.min(pixels)).rev().find(|width| pixels.is_multiple_of(*width));
    let axis = |length| Axis { input: length, output: length, ..geometry.columns };
    let width = width.unwrap_or(1);
    Geometry { batch: 1, rows: axis(pixels / width), columns: axis(width) }
}

/// Adds up the segments' sums, `[panels, out, taps, channels of the panel]` each, and puts them in
/// the weight's order.
fn join(partial: &[f32], panels: &[Range<usize>], taps: usize, conv: Conv, dweight: &mut [f32]) {
    let length = dweight.len();
    let depth = taps * conv.in_channels;
    dweight.par_chunks_exact_mut(depth).enumerate().for_each(|(output, to)| {
        for panel in panels {
            let row = panel.len() * taps;
            let start = panel.start * taps * conv.out_channels + output * row;
            let to = &mut to[panel.start * taps..panel.end * taps];
            for (segment, from) in partial.chunks_exact(length).enumerate() {
                for (tap, from) in from[start..start + row].chunks_exact(panel.len()).enumerate() {
                    let to = to[tap..].iter_mut().step_by(taps);
                    if segment == 0 {
                        to.zip(from).for_each(|(to, from)| *to = *from);
                    } else {
                        to.zip(from).for_each(|(to, from)| *to += from);
                    }
                }
            }
        }
    });
}

/// Adds the products of some image rows of the output, counted over the batch.
fn add_lines(geometry: Geometry, x: Rows<'_>, dy: Rows<'_>, lines: Range<usize>, sums: &mut [f32]) {
    let (rows, width) = (geometry.rows, geometry.columns.output);
    let pixels = rows.input * geometry.columns.input;
    let step = PIXELS.div_ceil(width);
    let mut line = lines.start;
    while line < lines.end {
        let image = line / rows.output;
        let end = lines.end.min(line + step).min((image + 1) * rows.output);
        let first = line % rows.output;
        let outputs = first..first + end - line;
        let dy = dy.range(line * width, outputs.len() * width);
        add_block(geometry, x.range(image * pixels, pixels), dy, outputs, sums);
        line = end;
    }
}

/// Adds the products of some image rows of one image's output.
fn add_block(
    geometry: Geometry,
    x: Rows<'_>,
    dy: Rows<'_>,
    outputs: Range<usize>,
    sums: &mut [f32],
) {
    let window = geometry.rows.window;
    let height = geometry.rows.input;
    // A block whose windows lie in the padding below the image touches no row of it.
    let start = (outputs.start * window.stride).saturating_sub(window.before).min(height);
    let reach = (window.kernel - 1) * window.dilation;
    let end = ((outputs.end - 1) * window.stride + reach + 1).saturating_sub(window.before);
    let inputs = start..end.min(height).max(start);
    with_scratch(inputs.len() * block::padded_width(geometry) * x.channels(), |packed| {
        dispatch(Block { geometry, x, dy, outputs, inputs, packed, sums });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_cover_all_channels() {
        assert_eq!(panels(3).len(), 1);
        assert_eq!(panels(64).len(), 1);
        assert_eq!(panels(70), [0..32, 32..64, 64..70]);
    }

    #[test]
    fn pixels_without_neighbours_form_rows() {
        let geometry = flat(Conv::linear(1029, 1, 1).geometry);
        assert_eq!((geometry.rows.output, geometry.columns.output), (21, 49));
        assert_eq!(geometry.output_pixels(), 1029);
    }
}
