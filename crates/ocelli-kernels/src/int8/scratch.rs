//! Working memory of other types than `f32`, kept between calls as that of all kernels is.

#![expect(unsafe_code, reason = "the same memory serves several types")]

use crate::scratch::with_scratch;
use std::slice;

/// Types of which any bits are a value.
///
/// # Safety
/// They must be that, and need no more alignment than a cache line.
pub(super) unsafe trait Plain: Copy {}

// SAFETY: any bits are an integer.
unsafe impl Plain for u8 {}
// SAFETY: as above.
unsafe impl Plain for i32 {}
// SAFETY: as above.
unsafe impl Plain for usize {}

/// Hands `use_it` a slice of `length` integers of any value, aligned to a cache line. Calls may nest.
pub(super) fn with_memory<T: Plain, R>(length: usize, use_it: impl FnOnce(&mut [T]) -> R) -> R {
    with_scratch((length * size_of::<T>()).div_ceil(size_of::<f32>()), |memory| {
        // SAFETY: the memory is long enough, aligned to a cache line and initialised; any bits are a `T`,
        // and any bits are an `f32` afterwards.
        use_it(unsafe { slice::from_raw_parts_mut(memory.as_mut_ptr().cast(), length) })
    })
}
