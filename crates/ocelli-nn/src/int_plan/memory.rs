//! The memory of a plan: plain values and codes, each in slots that buffers share whose lives do not
//! overlap.

use crate::lowering::Value;
use ocelli_kernels::{Rows, RowsMut};

/// From which step to which a buffer is used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    pub(super) first: usize,
    pub(super) last: usize,
}

/// Which slot each buffer of one kind has, and how long each slot is per image.
#[derive(Debug, Default)]
struct KindSlots {
    of_buffer: Vec<usize>,
    lengths: Vec<usize>,
}

impl KindSlots {
    /// Gives each buffer, in the order of their first steps, the free slot that fits best; else the largest
    /// free one grows; else there is a new one.
    fn assign(lengths: &[usize], lives: &[Life]) -> Self {
        let mut slots = Self { of_buffer: vec![0; lengths.len()], lengths: Vec::new() };
        let mut taken_until: Vec<usize> = Vec::new();
        let mut order: Vec<usize> = (0..lengths.len()).collect();
        order.sort_by_key(|buffer| lives[*buffer].first);
        for buffer in order {
            let (length, Life { first, last }) = (lengths[buffer], lives[buffer]);
            let free = || (0..slots.lengths.len()).filter(|slot| taken_until[*slot] < first);
            let fitting = free().filter(|slot| slots.lengths[*slot] >= length);
            let best = fitting.min_by_key(|slot| slots.lengths[*slot]);
            let best = best.or_else(|| free().max_by_key(|slot| slots.lengths[*slot]));
            let slot = best.unwrap_or(slots.lengths.len());
            if slot == slots.lengths.len() {
                slots.lengths.push(0);
                taken_until.push(0);
            }
            slots.lengths[slot] = slots.lengths[slot].max(length);
            taken_until[slot] = last;
            slots.of_buffer[buffer] = slot;
        }
        slots
    }

    fn per_image(&self) -> usize {
        self.lengths.iter().sum()
    }
}

/// The slots of plain values and of codes.
#[derive(Debug)]
pub(super) struct IntSlots {
    values: KindSlots,
    codes: KindSlots,
}

impl IntSlots {
    /// Slots for the buffers of plain values and for those of codes.
    pub(super) fn assign(values: (&[usize], &[Life]), codes: (&[usize], &[Life])) -> Self {
        Self {
            values: KindSlots::assign(values.0, values.1),
            codes: KindSlots::assign(codes.0, codes.1),
        }
    }

    /// How many bytes the slots take for an image.
    pub(super) fn bytes_per_image(&self) -> usize {
        size_of::<f32>() * self.values.per_image() + self.codes.per_image()
    }

    /// How many of `images` images a thread takes at a time. More of them read a layer's weights
    /// less often, fewer stay in the cache between layers.
    pub(super) fn images_per_share(&self, images: usize) -> usize {
        const MOST: usize = 4;
        /// What the values of a share may take.
        const BYTES: usize = 32 * 1024 * 1024;
        (BYTES / self.bytes_per_image().max(1)).clamp(1, MOST.min(images.max(1)))
    }
}

/// The slots of one worker.
#[derive(Debug, Default)]
pub(super) struct IntArena {
    values: Vec<Vec<f32>>,
    codes: Vec<Vec<u8>>,
}

/// Makes room for `images` images.
fn reserve<T: Copy>(memory: &mut Vec<Vec<T>>, slots: &KindSlots, images: usize, filling: T) {
    memory.resize_with(slots.lengths.len(), Vec::new);
    for (slot, length) in memory.iter_mut().zip(&slots.lengths) {
        if slot.len() < length * images {
            slot.resize(length * images, filling);
        }
    }
}

fn rows<'a, T: Copy>(
    memory: &'a [Vec<T>],
    slots: &KindSlots,
    value: Value,
    images: usize,
) -> Rows<'a, T> {
    let from = &memory[slots.of_buffer[value.buffer]][value.offset..];
    Rows::strided(from, value.pixels * images, value.channels, value.stride)
}

fn rows_mut<T: Copy>(taken: &mut [T], value: Value, images: usize) -> RowsMut<'_, T> {
    let to = &mut taken[value.offset..];
    RowsMut::strided(to, value.pixels * images, value.channels, value.stride)
}

impl IntArena {
    pub(super) fn reserve(&mut self, slots: &IntSlots, images: usize) {
        reserve(&mut self.values, &slots.values, images, 0.0);
        reserve(&mut self.codes, &slots.codes, images, 0);
    }

    pub(super) fn values(&self, slots: &IntSlots, value: Value, images: usize) -> Rows<'_> {
        rows(&self.values, &slots.values, value, images)
    }

    pub(super) fn codes(&self, slots: &IntSlots, value: Value, images: usize) -> Rows<'_, u8> {
        rows(&self.codes, &slots.codes, value, images)
    }

    /// Lets `work` read the arena and write plain values and codes, which it must not read.
    pub(super) fn step(
        &mut self,
        slots: &IntSlots,
        [values, codes]: [Option<Value>; 2],
        images: usize,
        work: impl FnOnce(&Self, Option<RowsMut<'_>>, Option<RowsMut<'_, u8>>),
    ) {
        let value_slot = values.map(|value| slots.values.of_buffer[value.buffer]);
        let code_slot = codes.map(|value| slots.codes.of_buffer[value.buffer]);
        let mut taken_values =
            value_slot.map(|slot| std::mem::take(&mut self.values[slot])).unwrap_or_default();
        let mut taken_codes =
            code_slot.map(|slot| std::mem::take(&mut self.codes[slot])).unwrap_or_default();
        let to_values = values.map(|value| rows_mut(&mut taken_values, value, images));
        let to_codes = codes.map(|value| rows_mut(&mut taken_codes, value, images));
        work(self, to_values, to_codes);
        if let Some(slot) = value_slot {
            self.values[slot] = taken_values;
        }
        if let Some(slot) = code_slot {
            self.codes[slot] = taken_codes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_share_a_slot_when_their_lives_do_not_overlap() {
        let life = |first, last| Life { first, last };
        let lives = [life(0, 1), life(1, 2), life(2, 3), life(2, 5), life(4, 5)];
        let slots = KindSlots::assign(&[10, 20, 5, 7, 30], &lives);
        assert_eq!(slots.of_buffer, [0, 1, 0, 2, 1]);
        assert_eq!(slots.lengths, [10, 30, 7]);
    }
}
