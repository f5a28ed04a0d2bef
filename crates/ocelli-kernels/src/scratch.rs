//! Working memory that each thread keeps between calls.

use std::cell::RefCell;

thread_local! {
    static SCRATCH: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// How many elements a cache line holds: vectors that start at a multiple are in one line each.
const LINE: usize = 16;

/// Hands `use_it` a slice of `length` elements of any value, aligned to a cache line. Calls may nest.
pub(crate) fn with_scratch<R>(length: usize, use_it: impl FnOnce(&mut [f32]) -> R) -> R {
    let mut buffer = SCRATCH.with_borrow_mut(Vec::pop).unwrap_or_default();
    if buffer.len() < length + LINE {
        buffer.resize(length + LINE, 0.0);
    }
    let start = buffer.as_ptr().align_offset(LINE * size_of::<f32>()).min(LINE);
    let result = use_it(&mut buffer[start..start + length]);
    SCRATCH.with_borrow_mut(|kept| kept.push(buffer));
    result
}
