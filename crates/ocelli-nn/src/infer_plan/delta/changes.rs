//! Where a value differs from the base image's, for some candidates.

use super::rect::{Rect, join};
use ocelli_kernels::RowsMut;
use std::ops::Range;

/// The rectangles of a value that change, candidate by candidate, and the elements in them.
///
/// Rectangles of one candidate may overlap; the elements then agree.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes {
    rects: Vec<Rect>,
    /// The first row of each rectangle's pixels.
    rows: Vec<usize>,
    /// The end of each candidate's rectangles.
    ends: Vec<usize>,
    /// How many pixels there are in all.
    count: usize,
    channels: usize,
    /// `[pixels, channels]`, rectangle by rectangle, line by line; what comes after has no meaning.
    data: Vec<f32>,
}

impl Changes {
    /// Forgets all candidates.
    pub(super) fn clear(&mut self, channels: usize) {
        self.rects.clear();
        self.rows.clear();
        self.ends.clear();
        (self.count, self.channels) = (0, channels);
    }

    /// Adds a candidate, whose rectangles are joined where that pays.
    pub(super) fn push(&mut self, rects: &mut Vec<Rect>) {
        join(rects);
        for rect in rects.drain(..) {
            self.rects.push(rect);
            self.rows.push(self.count);
            self.count += rect.area();
        }
        self.ends.push(self.rects.len());
    }

    /// Makes room for the elements, in memory that others are done with if there is any.
    pub(super) fn reserve(&mut self, free: &mut Vec<Vec<f32>>) {
        if self.data.is_empty() {
            self.data = free.pop().unwrap_or_default();
        }
        if self.data.len() < self.count * self.channels {
            self.data.resize(self.count * self.channels, 0.0);
        }
    }

    /// The memory of elements that nobody needs any more.
    pub(super) fn release(&mut self, free: &mut Vec<Vec<f32>>) {
        let data = std::mem::take(&mut self.data);
        if !data.is_empty() {
            free.push(data);
        }
    }

    /// How many pixels change, of all candidates together.
    pub(super) fn pixels(&self) -> usize {
        self.count
    }

    /// The elements of a candidate's rectangles.
    pub(super) fn range(&self, candidate: usize) -> Range<usize> {
        let start = candidate.checked_sub(1).map_or(0, |before| self.ends[before]);
        start..self.ends[candidate]
    }

    /// A candidate's rectangles.
    pub(super) fn rects_of(&self, candidate: usize) -> &[Rect] {
        &self.rects[self.range(candidate)]
    }

    /// All rectangles with their candidates.
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, Rect)> {
        (0..self.ends.len()).flat_map(|candidate| {
            self.rects_of(candidate).iter().map(move |rect| (candidate, *rect))
        })
    }

    /// Whether the same pixels change.
    pub(super) fn has_pixels_of(&self, other: &Self) -> bool {
        self.ends == other.ends && self.rects == other.rects
    }

    /// All elements.
    pub(super) fn data(&self) -> &[f32] {
        &self.data[..self.count * self.channels]
    }

    pub(super) fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data[..self.count * self.channels]
    }

    /// `count` pixels from number `first` on, to be written.
    pub(super) fn rows_mut(&mut self, first: usize, count: usize) -> RowsMut<'_> {
        let elements = &mut self.data[first * self.channels..][..count * self.channels];
        RowsMut::dense(elements, self.channels)
    }

    /// A candidate's rectangles with their elements, `[pixels, channels]`.
    pub(super) fn parts(&self, candidate: usize) -> impl Iterator<Item = (Rect, &[f32])> {
        self.range(candidate).map(|index| {
            let (rect, start) = (self.rects[index], self.rows[index] * self.channels);
            (rect, &self.data[start..][..rect.area() * self.channels])
        })
    }

    /// Calls `visit` with row and column and the elements of each of a candidate's changed pixels.
    pub(super) fn for_each_pixel(
        &self,
        candidate: usize,
        mut visit: impl FnMut([usize; 2], &[f32]),
    ) {
        for (rect, data) in self.parts(candidate) {
            for (at, pixel) in rect.pixels().zip(data.chunks_exact(self.channels.max(1))) {
                visit(at, pixel);
            }
        }
    }

    /// The same, but once for pixels in several rectangles.
    pub(super) fn for_each_pixel_once(
        &self,
        candidate: usize,
        mut visit: impl FnMut([usize; 2], &[f32]),
    ) {
        let rects = self.rects_of(candidate);
        for (index, (rect, data)) in self.parts(candidate).enumerate() {
            let is_first = |at: &[usize; 2]| !rects[..index].iter().any(|rect| rect.contains(*at));
            let pixels = rect.pixels().zip(data.chunks_exact(self.channels.max(1)));
            pixels.filter(|(at, _)| is_first(at)).for_each(|(at, pixel)| visit(at, pixel));
        }
    }

    /// The elements of each of a candidate's changed pixels, to be written.
    pub(super) fn for_each_pixel_mut(
        &mut self,
        candidate: usize,
        mut visit: impl FnMut([usize; 2], &mut [f32]),
    ) {
        for index in self.range(candidate) {
            let start = self.rows[index] * self.channels;
            let pixels = self.data[start..].chunks_exact_mut(self.channels.max(1));
            self.rects[index].pixels().zip(pixels).for_each(|(at, pixel)| visit(at, pixel));
        }
    }

    /// For how many elements there is memory.
    pub(super) fn len(&self) -> usize {
        self.data.len()
    }
}
