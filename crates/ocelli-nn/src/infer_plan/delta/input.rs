//! Inputs of a step: the base image's values and what changed in them.

use super::base::BaseImage;
use super::changes::Changes;
use super::rect::Rect;
use super::reused_buffer::ReusedBuffer;
use super::view::{Seen, View};
use crate::lowering::Value;
use ocelli_kernels::Rows;

/// One input of a step, for all candidates of a block.
pub(super) struct Input<'a> {
    pub(super) value: Value,
    pub(super) base: &'a BaseImage,
    /// What changed in its buffer: the values that were written there, and their changes.
    pub(super) sources: Vec<(Value, &'a Changes)>,
}

impl<'a> Input<'a> {
    /// The elements of the base image's buffer.
    pub(super) fn base_values(&self) -> &'a [f32] {
        self.base.buffer(self.value.buffer)
    }

    /// The value of one candidate.
    pub(super) fn seen(&self, candidate: usize) -> Seen<'_> {
        let (value, base) = (self.value, self.base_values());
        Seen { value, base, sources: &self.sources, candidate }
    }

    /// The changes, if they are those of one whole value, and at the same pixels as `other`.
    pub(super) fn same_pixels(&self, other: &Changes) -> Option<&'a Changes> {
        match self.sources[..] {
            [(source, changes)]
                if (source.offset, source.channels) == (self.value.offset, self.value.channels)
                    && changes.has_pixels_of(other) =>
            {
                Some(changes)
            }
            _ => None,
        }
    }

    /// The elements at the changed pixels of an output.
    pub(super) fn at<'b>(&self, output: &Changes, memory: &'b mut ReusedBuffer) -> Rows<'b>
    where
        'a: 'b,
    {
        match self.same_pixels(output) {
            Some(changes) => Rows::dense(changes.data(), self.value.channels),
            None => self.collect(output.all(), memory),
        }
    }

    /// The elements in some rectangles of candidates.
    pub(super) fn collect<'b>(
        &self,
        rects: impl Iterator<Item = (usize, Rect)>,
        memory: &'b mut ReusedBuffer,
    ) -> Rows<'b> {
        let channels = self.value.channels;
        memory.clear();
        for (candidate, rect) in rects {
            let pixels = memory.extend(rect.area() * channels);
            self.seen(candidate).copy(View::from(rect), 0.0, pixels);
        }
        Rows::dense(memory.written(), channels)
    }
}
