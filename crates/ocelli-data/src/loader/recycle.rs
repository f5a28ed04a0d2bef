//! Used buffers wait here for their next use, so that a long run allocates no more than a short
//! one.

use std::sync::{Mutex, PoisonError};

/// A bounded stack of values that are costly to make.
#[derive(Debug)]
pub(crate) struct Recycler<T> {
    waiting: Mutex<Vec<T>>,
    limit: usize,
}

impl<T> Recycler<T> {
    /// Keeps at most `limit` values; what comes back above that is dropped.
    pub(crate) fn new(limit: usize) -> Self {
        Self { waiting: Mutex::new(Vec::with_capacity(limit)), limit }
    }

    /// A used value, or a new one from `make`.
    pub(crate) fn take(&self, make: impl FnOnce() -> T) -> T {
        let used = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop();
        used.unwrap_or_else(make)
    }

    /// Keeps `value` for later.
    pub(crate) fn give_back(&self, value: T) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < self.limit {
            waiting.push(value);
        }
    }
}
