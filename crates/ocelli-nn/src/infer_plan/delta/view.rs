//! Reading a value as a candidate sees it: the base image's elements with its changes pasted over.

use super::changes::Changes;
use super::rect::Rect;
use crate::lowering::Value;
use ocelli_kernels::{Geometry, patch_size};

/// A rectangle of pixels that may reach beyond the image.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    top: isize,
    left: isize,
    height: usize,
    width: usize,
}

impl View {
    /// What a window sees at a rectangle of outputs.
    pub(super) fn of_window(geometry: Geometry, outputs: Rect) -> Self {
        let (down, across) = (geometry.rows.window, geometry.columns.window);
        let [height, width] = patch_size(geometry, [outputs.height, outputs.width]);
        Self {
            top: (outputs.top * down.stride) as isize - down.before as isize,
            left: (outputs.left * across.stride) as isize - across.before as isize,
            height,
            width,
        }
    }

    pub(super) fn area(self) -> usize {
        self.height * self.width
    }

    /// The part of a rectangle that is inside: the rectangle's first line and column there, how
    /// many there are, and where they stand in the view.
    fn overlap(self, rect: Rect) -> Option<Overlap> {
        let on_axis = |start: isize, length: usize, first: usize, count: usize| {
            let first = first as isize;
            let from = start.max(first);
            let to = (start + length as isize).min(first + count as isize);
            (from < to)
                .then(|| ((from - first) as usize, (from - start) as usize, (to - from) as usize))
        };
        let (from_row, to_row, rows) = on_axis(self.top, self.height, rect.top, rect.height)?;
        let (from_column, to_column, columns) =
            on_axis(self.left, self.width, rect.left, rect.width)?;
        Some(Overlap { from: [from_row, from_column], to: [to_row, to_column], rows, columns })
    }
}

impl From<Rect> for View {
    fn from(rect: Rect) -> Self {
        let (top, left) = (rect.top as isize, rect.left as isize);
        Self { top, left, height: rect.height, width: rect.width }
    }
}

#[derive(Clone, Copy, Debug)]
struct Overlap {
    from: [usize; 2],
    to: [usize; 2],
    rows: usize,
    columns: usize,
}

/// A value of one candidate.
pub(super) struct Seen<'a> {
    /// The value of the base image.
    pub(super) value: Value,
    /// The base image's buffer.
    pub(super) base: &'a [f32],
    /// What changed in that buffer.
    pub(super) sources: &'a [(Value, &'a Changes)],
    pub(super) candidate: usize,
}

impl Seen<'_> {
    /// Copies what a view sees; `outside` stands for pixels beyond the image.
    ///
    /// # Shapes
    /// - `to`: `[height, width, channels]` of the view
    pub(super) fn copy(&self, view: View, outside: f32, to: &mut [f32]) {
        let Value { width, channels, offset, stride, pixels, .. } = self.value;
        let image = Rect { top: 0, left: 0, height: pixels / width.max(1), width };
        let Some(inside) = view.overlap(image) else { return to.fill(outside) };
        if (inside.rows, inside.columns) != (view.height, view.width) {
            to.fill(outside);
        }
        let base = Pixels { data: self.base, width, stride, offset };
        let mut target = Pixels { data: to, width: view.width, stride: channels, offset: 0 };
        copy(base, &mut target, inside, channels);
        for (source, changes) in self.sources {
            let first = source.offset.max(offset);
            let end = (source.offset + source.channels).min(offset + channels);
            for (rect, data) in changes.parts(self.candidate) {
                let Some(overlap) = view.overlap(rect) else { continue };
                let from = Pixels {
                    data,
                    width: rect.width,
                    stride: source.channels,
                    offset: first - source.offset,
                };
                target.offset = first - offset;
                copy(from, &mut target, overlap, end - first);
            }
        }
    }
}

/// Some channels of an image's pixels.
#[derive(Clone, Copy)]
struct Pixels<D> {
    data: D,
    /// Pixels per line.
    width: usize,
    /// Elements per pixel.
    stride: usize,
    /// The first channel.
    offset: usize,
}

fn copy(from: Pixels<&[f32]>, to: &mut Pixels<&mut [f32]>, overlap: Overlap, channels: usize) {
    let Overlap { from: [from_row, from_column], to: [to_row, to_column], rows, columns } = overlap;
    for row in 0..rows {
        let from_pixel = (from_row + row) * from.width + from_column;
        let to_pixel = (to_row + row) * to.width + to_column;
        let source = &from.data[from_pixel * from.stride + from.offset..];
        let target = &mut to.data[to_pixel * to.stride + to.offset..];
        if from.stride == channels && to.stride == channels {
            target[..columns * channels].copy_from_slice(&source[..columns * channels]);
        } else {
            let pixels = source.chunks(from.stride).zip(target.chunks_mut(to.stride));
            for (source, target) in pixels.take(columns) {
                target[..channels].copy_from_slice(&source[..channels]);
            }
        }
    }
}
