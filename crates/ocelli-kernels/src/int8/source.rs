//! Where the windows of a convolution are read: in the input itself, or in a copy of some of its lines
//! with the code of 0 around them.

use crate::geometry::{Axis, Geometry};
use crate::rows::Rows;
use std::ops::Range;

/// Where a line of the output reads.
struct Line {
    image: usize,
    row: usize,
}

/// Some lines of a convolution's output, and how far apart what they read lies.
#[derive(Clone, Copy)]
pub(super) struct Lines {
    pub(super) geometry: Geometry,
    pub(super) channels: usize,
    /// From one pixel and from one line to the next, in bytes.
    pub(super) pixel: usize,
    pub(super) line: usize,
}

/// Pixels of an axis from the first tap of the first place to the last of the last.
fn extent(axis: Axis, places: usize) -> usize {
    axis.window.reach(places).unwrap_or_default()
}

/// Whether no window meets padding.
pub(super) fn is_inside(geometry: Geometry) -> bool {
    let inside = |axis: Axis| axis.window.before == 0 && extent(axis, axis.output) <= axis.input;
    inside(geometry.rows) && inside(geometry.columns)
}

impl Lines {
    /// Windows are read in the input.
    pub(super) fn direct(geometry: Geometry, x: Rows<'_, u8>) -> Self {
        let (pixel, channels) = (x.stride(), x.channels());
        Self { geometry, channels, pixel, line: geometry.columns.input * pixel }
    }

    /// Windows are read in a copy.
    pub(super) fn copied(geometry: Geometry, channels: usize) -> Self {
        let width = extent(geometry.columns, geometry.columns.output);
        Self { geometry, channels, pixel: channels, line: width * channels }
    }

    fn at(self, line: usize) -> Line {
        let outputs = self.geometry.rows.output;
        Line { image: line / outputs, row: line % outputs }
    }

    /// Where the runs of a window begin. `joined`: taps of a line are one run.
    pub(super) fn runs(self, joined: bool) -> Vec<usize> {
        let [rows, columns] = [self.geometry.rows.window, self.geometry.columns.window];
        let across = if joined { 1 } else { columns.kernel };
        let of_line = |row: usize| {
            let start = row * rows.dilation * self.line;
            (0..across).map(move |column| start + column * columns.dilation * self.pixel)
        };
        (0..rows.kernel).flat_map(of_line).collect()
    }

    /// The lines of one image at a time.
    fn by_image(self, lines: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let outputs = self.geometry.rows.output;
        let mut first = lines.start;
        std::iter::from_fn(move || {
            let end = ((first / outputs + 1) * outputs).min(lines.end);
            let part = (first < lines.end).then_some(first..end);
            first = end;
            part
        })
    }

    /// How many bytes the copy for some lines of the output takes.
    pub(super) fn copy_len(self, lines: Range<usize>) -> usize {
        let rows = self.geometry.rows;
        self.by_image(lines).map(|part| extent(rows, part.len()) * self.line).sum()
    }

    /// Writes the copy for some lines of the output, `zero` where there is padding.
    pub(super) fn copy(self, x: Rows<'_, u8>, lines: Range<usize>, zero: u8, copy: &mut [u8]) {
        let Geometry { rows, columns, .. } = self.geometry;
        let mut rest = copy;
        for part in self.by_image(lines) {
            let Line { image, row } = self.at(part.start);
            let first = row * rows.window.stride;
            for line in first..first + extent(rows, part.len()) {
                let (to, others) = rest.split_at_mut(self.line);
                rest = others;
                let source = line.checked_sub(rows.window.before).filter(|row| *row < rows.input);
                match source {
                    Some(source) => {
                        let from = (image * rows.input + source) * columns.input;
                        self.copy_line(x, from, zero, to);
                    }
                    None => to.fill(zero),
                }
            }
        }
    }

    fn copy_line(self, x: Rows<'_, u8>, from: usize, zero: u8, to: &mut [u8]) {
        let columns = self.geometry.columns;
        let before = (columns.window.before * self.channels).min(to.len());
        let (padding, to) = to.split_at_mut(before);
        padding.fill(zero);
        let width = (columns.input * self.channels).min(to.len());
        let (to, padding) = to.split_at_mut(width);
        padding.fill(zero);
        let pixels = width.checked_div(self.channels).unwrap_or_default();
        match x.dense_range(from, pixels) {
            Some(codes) => to.copy_from_slice(codes),
            None => {
                for (pixel, to) in to.chunks_exact_mut(self.channels.max(1)).enumerate() {
                    to.copy_from_slice(x.row(from + pixel));
                }
            }
        }
    }

    /// Where the windows of each pixel of some lines of the output begin in the copy.
    pub(super) fn starts_in_copy(self, lines: Range<usize>, starts: &mut [usize]) {
        let rows = self.geometry.rows;
        let (mut image, mut pixels) = (0, starts.iter_mut());
        for part in self.by_image(lines) {
            for line in 0..part.len() {
                self.starts_of_line(image + line * rows.window.stride * self.line, &mut pixels);
            }
            image += extent(rows, part.len()) * self.line;
        }
    }

    /// Where the windows of each pixel of some lines of the output begin in the input.
    pub(super) fn starts_in_input(self, lines: Range<usize>, starts: &mut [usize]) {
        let rows = self.geometry.rows;
        let mut pixels = starts.iter_mut();
        for line in lines {
            let Line { image, row } = self.at(line);
            let source = image * rows.input + row * rows.window.stride;
            self.starts_of_line(source * self.line, &mut pixels);
        }
    }

    fn starts_of_line(self, first: usize, starts: &mut std::slice::IterMut<'_, usize>) {
        let columns = self.geometry.columns;
        let step = columns.window.stride * self.pixel;
        for (column, start) in starts.take(columns.output).enumerate() {
            *start = first + column * step;
        }
    }
}
