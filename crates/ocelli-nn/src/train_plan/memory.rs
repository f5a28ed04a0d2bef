//! The buffers of a plan. They are allocated once and used again in every step.

use crate::lowering::{Value, ValueId};
use ocelli_kernels::{Rows, RowsMut, Write};

/// Memory that starts where a cache line does: a vector that straddles two lines costs twice.
#[derive(Default)]
struct Buffer {
    memory: Vec<f32>,
    start: usize,
}

impl Buffer {
    const LINE_BYTES: usize = 64;

    /// `length` zeros.
    fn new(length: usize) -> Self {
        let spare = Self::LINE_BYTES / size_of::<f32>();
        let memory = vec![0.0; length + spare];
        let start = memory.as_ptr().align_offset(Self::LINE_BYTES).min(spare);
        Self { memory, start }
    }

    fn len(&self) -> usize {
        self.memory.len() - Self::LINE_BYTES / size_of::<f32>()
    }

    fn elements(&self) -> &[f32] {
        &self.memory[self.start..]
    }

    fn elements_mut(&mut self) -> &mut [f32] {
        &mut self.memory[self.start..]
    }
}

/// The values of the forward pass.
pub(super) struct Values {
    buffers: Vec<Buffer>,
}

impl Values {
    pub(super) fn new(lengths: &[usize]) -> Self {
        Self { buffers: lengths.iter().map(|length| Buffer::new(*length)).collect() }
    }

    pub(super) fn rows(&self, value: Value) -> Rows<'_> {
        let from = &self.buffers[value.buffer].elements()[value.offset..];
        Rows::strided(from, value.pixels, value.channels, value.stride)
    }

    /// Lets `work` fill a value while it reads values of other buffers.
    pub(super) fn write(&mut self, value: Value, work: impl FnOnce(&Self, RowsMut<'_>)) {
        let mut buffer = std::mem::take(&mut self.buffers[value.buffer]);
        let to = &mut buffer.elements_mut()[value.offset..];
        work(self, RowsMut::strided(to, value.pixels, value.channels, value.stride));
        self.buffers[value.buffer] = buffer;
    }

    /// Lets `work` change a value in place.
    pub(super) fn update(&mut self, value: Value, work: impl FnOnce(RowsMut<'_>)) {
        let to = &mut self.buffers[value.buffer].elements_mut()[value.offset..];
        work(RowsMut::strided(to, value.pixels, value.channels, value.stride));
    }
}

/// The gradients of values, each from its first use in the backward pass to its last.
pub(super) struct ValueGradients {
    lengths: Vec<usize>,
    buffers: Vec<Option<Buffer>>,
    /// Whether a value's gradient has been written in this pass.
    written: Vec<bool>,
    /// How many values of each buffer still wait for their step.
    waiting: Vec<usize>,
    waiting_at_start: Vec<usize>,
    /// Memory for the next gradient.
    free: Vec<Buffer>,
}

impl ValueGradients {
    pub(super) fn new(layout: &[Value], lengths: &[usize]) -> Self {
        let mut waiting = vec![0; lengths.len()];
        for value in layout {
            waiting[value.buffer] += 1;
        }
        Self {
            lengths: lengths.to_vec(),
            buffers: lengths.iter().map(|_| None).collect(),
            written: vec![false; layout.len()],
            waiting: waiting.clone(),
            waiting_at_start: waiting,
            free: Vec::new(),
        }
    }

    /// Forgets the pass before.
    pub(super) fn start(&mut self) {
        self.free.extend(self.buffers.iter_mut().filter_map(Option::take));
        self.written.fill(false);
        self.waiting.clone_from(&self.waiting_at_start);
    }

    pub(super) fn is_written(&self, id: ValueId) -> bool {
        self.written[id.0]
    }

    /// Declares a gradient written that stands elsewhere: in that of a whole concatenation, or in
    /// that of its value.
    pub(super) fn mark_written(&mut self, id: ValueId) {
        self.written[id.0] = true;
    }

    /// The gradient of a value that is written.
    pub(super) fn rows(&self, value: Value) -> Rows<'_> {
        let buffer = self.buffers[value.buffer].as_ref().map_or(&[][..], Buffer::elements);
        Rows::strided(&buffer[value.offset..], value.pixels, value.channels, value.stride)
    }

    /// Lets `work` write the gradient of a value, or add to it if it has been written before,
    /// while it reads gradients of other buffers.
    pub(super) fn write(
        &mut self,
        id: ValueId,
        value: Value,
        work: impl FnOnce(&Self, RowsMut<'_>, Write),
    ) {
        let mode = if self.written[id.0] { Write::Add } else { Write::Replace };
        let mut buffer = self.take(value.buffer);
        let to = &mut buffer.elements_mut()[value.offset..];
        work(self, RowsMut::strided(to, value.pixels, value.channels, value.stride), mode);
        self.buffers[value.buffer] = Some(buffer);
        self.written[id.0] = true;
    }

    /// Zeros channels of a gradient whose other channels are written.
    pub(super) fn clear(&mut self, value: Value) {
        let mut buffer = self.take(value.buffer);
        for row in buffer.elements_mut()[value.offset..].chunks_mut(value.stride).take(value.pixels)
        {
            row[..value.channels].fill(0.0);
        }
        self.buffers[value.buffer] = Some(buffer);
    }

    /// Makes the gradient of `from`, which nobody needs any more, that of `to`; both are all that
    /// their buffers hold.
    pub(super) fn hand_over(&mut self, from: Value, to: ValueId, to_value: Value) {
        self.buffers[to_value.buffer] = self.buffers[from.buffer].take();
        self.written[to.0] = true;
    }

    /// Declares that the step which made `value` is done with its gradient.
    pub(super) fn release(&mut self, value: Value) {
        self.waiting[value.buffer] -= 1;
        if self.waiting[value.buffer] == 0 {
            self.free.extend(self.buffers[value.buffer].take());
        }
    }

    /// The buffer of a gradient, or the best fitting free memory for it.
    fn take(&mut self, buffer: usize) -> Buffer {
        if let Some(buffer) = self.buffers[buffer].take() {
            return buffer;
        }
        let length = self.lengths[buffer];
        let fits = |memory: &(usize, &Buffer)| memory.1.len() >= length;
        let best = self.free.iter().enumerate().filter(fits).min_by_key(|(_, m)| m.len());
        let largest = self.free.iter().enumerate().max_by_key(|(_, m)| m.len());
        let Some((index, _)) = best.or(largest) else { return Buffer::new(length) };
        let mut memory = self.free.swap_remove(index);
        if memory.len() < length {
            memory = Buffer::new(length);
        }
        memory
    }
}
