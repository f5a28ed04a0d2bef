//! Working memory that each thread keeps between calls.

use std::cell::RefCell;

thread_local! {
    static SCRATCH: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Hands `use_it` a slice of `length` numbers of any value. Calls may nest.
pub(crate) fn with_scratch<R>(length: usize, use_it: impl FnOnce(&mut [f32]) -> R) -> R {
    let mut buffer = SCRATCH.with_borrow_mut(Vec::pop).unwrap_or_default();
    if buffer.len() < length {
        buffer.resize(length, 0.0);
    }
    let result = use_it(&mut buffer[..length]);
    SCRATCH.with_borrow_mut(|kept| kept.push(buffer));
    result
}
