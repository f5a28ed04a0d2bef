//! The memory of a plan: buffers whose lives do not overlap share a slot.

use super::step::Step;
use crate::lowering::{Value, ValueId};
use ocelli_kernels::{Rows, RowsMut};

/// Which slot each buffer has, and how much each slot holds per image.
#[derive(Debug)]
pub(super) struct Slots {
    of_buffer: Vec<usize>,
    lengths: Vec<usize>,
}

impl Slots {
    /// Gives the buffers, `lengths` elements long, their slots. The `first` buffers live from the
    /// start, the `last` ones to the end.
    pub(super) fn assign(
        steps: &[Step],
        layout: &[Value],
        lengths: &[usize],
        first: &[usize],
        last: &[usize],
    ) -> Self {
        let buffer = |id: ValueId| layout[id.0].buffer;
        let mut ends = vec![0; lengths.len()];
        for (index, step) in steps.iter().enumerate() {
            for id in [Some(step.x), step.other, Some(step.y)].into_iter().flatten() {
                ends[buffer(id)] = index;
            }
        }
        for buffer in last {
            ends[*buffer] = steps.len();
        }
        let mut slots = Self { of_buffer: vec![usize::MAX; lengths.len()], lengths: Vec::new() };
        let mut free: Vec<usize> = Vec::new();
        for buffer in first {
            slots.give(*buffer, lengths[*buffer], &mut free);
        }
        for (index, step) in steps.iter().enumerate() {
            let y = buffer(step.y);
            if slots.of_buffer[y] == usize::MAX {
                slots.give(y, lengths[y], &mut free);
            }
            for (buffer, end) in ends.iter().enumerate() {
                let slot = slots.of_buffer[buffer];
                if *end == index && slot != usize::MAX && !free.contains(&slot) {
                    free.push(slot);
                }
            }
        }
        slots
    }

    /// Slots of their own for buffers that are `lengths` elements long.
    pub(super) fn separate(lengths: &[usize]) -> Self {
        Self { of_buffer: (0..lengths.len()).collect(), lengths: lengths.to_vec() }
    }

    /// Elements for each image, in all slots.
    pub(super) fn per_image(&self) -> usize {
        self.lengths.iter().sum()
    }

    /// The free slot that fits best; else the largest grows; else there is a new one.
    fn give(&mut self, buffer: usize, length: usize, free: &mut Vec<usize>) {
        let capacity = |slot: usize| self.lengths[slot];
        let fitting = (0..free.len()).filter(|i| capacity(free[*i]) >= length);
        let best = fitting.min_by_key(|i| capacity(free[*i]));
        let best = best.or_else(|| (0..free.len()).max_by_key(|i| capacity(free[*i])));
        let slot = if let Some(index) = best {
            free.swap_remove(index)
        } else {
            self.lengths.push(0);
            self.lengths.len() - 1
        };
        self.lengths[slot] = self.lengths[slot].max(length);
        self.of_buffer[buffer] = slot;
    }

    /// How many of `images` images a thread takes at a time. More of them read a layer's weights
    /// less often, fewer stay in the cache between layers.
    pub(super) fn images_per_share(&self, images: usize) -> usize {
        /// By measurement, for weights of a few megabytes.
        const MOST: usize = 4;
        /// What the values of a share may take, in elements.
        const VALUES: usize = 8 * 1024 * 1024;
        let per_image: usize = self.lengths.iter().sum();
        (VALUES / per_image.max(1)).clamp(1, MOST.min(images.max(1)))
    }
}

/// The slots of one worker.
#[derive(Debug, Default)]
pub(super) struct InferenceArena {
    slots: Vec<Vec<f32>>,
}

impl InferenceArena {
    /// Makes room for `images` images.
    pub(super) fn reserve(&mut self, slots: &Slots, images: usize) {
        self.slots.resize_with(slots.lengths.len(), Vec::new);
        for (slot, length) in self.slots.iter_mut().zip(&slots.lengths) {
            if slot.len() < length * images {
                slot.resize(length * images, 0.0);
            }
        }
    }

    pub(super) fn rows(&self, slots: &Slots, value: Value, images: usize) -> Rows<'_> {
        let from = &self.slots[slots.of_buffer[value.buffer]][value.offset..];
        Rows::strided(from, value.pixels * images, value.channels, value.stride)
    }

    /// Lets `work` read `x` and `other` and write `y`. `x` may be channels before `y`'s in one
    /// buffer; `other` is in another one.
    pub(super) fn step(
        &mut self,
        slots: &Slots,
        [x, y]: [Value; 2],
        other: Option<Value>,
        images: usize,
        work: impl FnOnce(Rows<'_>, Option<Rows<'_>>, RowsMut<'_>),
    ) {
        let slot = slots.of_buffer[y.buffer];
        let mut taken = std::mem::take(&mut self.slots[slot]);
        let other = other.map(|other| self.rows(slots, other, images));
        if x.buffer == y.buffer {
            let all = RowsMut::strided(&mut taken, y.pixels * images, y.stride, y.stride);
            let (before, after) = all.split_channels(y.offset);
            let (to, _) = after.split_channels(y.channels);
            work(before.into_rows().columns(x.offset, x.channels), other, to);
        } else {
            let to = &mut taken[y.offset..];
            let to = RowsMut::strided(to, y.pixels * images, y.channels, y.stride);
            work(self.rows(slots, x, images), other, to);
        }
        self.slots[slot] = taken;
    }

    /// The memory of a buffer.
    pub(super) fn buffer_mut(&mut self, slots: &Slots, buffer: usize) -> &mut [f32] {
        &mut self.slots[slots.of_buffer[buffer]]
    }

    /// The elements of each slot.
    pub(super) fn into_slots(self) -> Vec<Vec<f32>> {
        self.slots
    }

    /// How many elements it holds.
    pub(super) fn len(&self) -> usize {
        self.slots.iter().map(Vec::len).sum()
    }

    /// Lets `work` write a value that depends on no other.
    pub(super) fn write(
        &mut self,
        slots: &Slots,
        value: Value,
        images: usize,
        work: impl FnOnce(RowsMut<'_>),
    ) {
        let to = &mut self.slots[slots.of_buffer[value.buffer]][value.offset..];
        work(RowsMut::strided(to, value.pixels * images, value.channels, value.stride));
    }
}
