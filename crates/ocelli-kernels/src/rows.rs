//! Channels-last values: one row of channels per pixel.
//!
//! A batch of images `[batch, height, width, channels]` is a matrix with a row per pixel. Rows may
//! stand further apart than they are wide: then the value is a range of channels of a wider one,
//! and a concatenation is nothing but its parts, each written in place.
//!
//! The channels of one buffer may be split between matrices ([`RowsMut::split_channels`]), which
//! then interleave in memory. So a matrix is a pointer and a shape, and makes slices of single rows
//! only. Its values are `f32`, or the codes of a quantized network.

#![expect(unsafe_code, reason = "matrices that interleave in memory cannot be slices")]

use std::marker::PhantomData;
use std::slice;

/// A matrix that is read.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a, T = f32> {
    start: *const T,
    count: usize,
    channels: usize,
    stride: usize,
    borrowed: PhantomData<&'a [T]>,
}

/// A matrix that is written.
#[derive(Debug)]
pub struct RowsMut<'a, T = f32> {
    start: *mut T,
    count: usize,
    channels: usize,
    stride: usize,
    borrowed: PhantomData<&'a mut [T]>,
}

// SAFETY: they stand for a shared and an exclusive borrow of elements, both of which may be sent
// and shared.
unsafe impl<T: Sync> Send for Rows<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Rows<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for RowsMut<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for RowsMut<'_, T> {}

/// How many elements `count` rows span, from the first to the last that belongs to them.
fn span(count: usize, channels: usize, stride: usize) -> usize {
    assert!(channels <= stride, "{channels} channels do not fit in rows {stride} apart");
    let Some(others) = count.checked_sub(1) else { return 0 };
    let length = others.checked_mul(stride).and_then(|others| others.checked_add(channels));
    assert!(length.is_some(), "{count} rows {stride} apart span more elements than there can be");
    length.unwrap_or_default()
}

/// Whether `all` things have `count` from number `first` on.
fn has(all: usize, first: usize, count: usize) -> bool {
    first <= all && count <= all - first
}

/// How many rows of `channels` elements there are; none without channels.
fn dense_count(length: usize, channels: usize) -> usize {
    assert!(length.is_multiple_of(channels), "{length} values in rows of {channels}");
    length.checked_div(channels).unwrap_or_default()
}

impl<'a, T: Copy> Rows<'a, T> {
    /// Rows without gaps.
    ///
    /// # Panics
    /// When the length of `data` is no multiple of `channels`.
    pub fn dense(data: &'a [T], channels: usize) -> Self {
        Self::strided(data, dense_count(data.len(), channels), channels, channels)
    }

    /// `count` rows whose first starts at the start of `data`, each `stride` after the one before.
    ///
    /// # Panics
    /// When `data` is too short or the rows overlap.
    pub fn strided(data: &'a [T], count: usize, channels: usize, stride: usize) -> Self {
        let start = data[..span(count, channels, stride)].as_ptr();
        Self { start, count, channels, stride, borrowed: PhantomData }
    }

    /// The same row `count` times.
    pub(crate) fn repeated(row: &'a [T], count: usize) -> Self {
        let (start, channels) = (row.as_ptr(), row.len());
        Self { start, count, channels, stride: 0, borrowed: PhantomData }
    }

    /// How many rows there are.
    pub fn count(self) -> usize {
        self.count
    }

    /// How wide a row is.
    pub fn channels(self) -> usize {
        self.channels
    }

    /// The distance between the starts of rows.
    pub fn stride(self) -> usize {
        self.stride
    }

    /// One row.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn row(self, index: usize) -> &'a [T] {
        assert!(index < self.count, "row {index} of {}", self.count);
        // SAFETY: the row is one of those that this matrix borrows.
        unsafe { slice::from_raw_parts(self.start.add(index * self.stride), self.channels) }
    }

    /// The elements of some rows, if there are no gaps between them.
    pub(crate) fn dense_range(self, first: usize, count: usize) -> Option<&'a [T]> {
        let fits = has(self.count, first, count);
        assert!(fits, "{count} rows from {first} on of {}", self.count);
        (self.stride == self.channels).then(|| {
            let start = self.start.wrapping_add(first * self.stride);
            // SAFETY: the rows are among those that this matrix borrows, with nothing in between.
            unsafe { slice::from_raw_parts(start, count * self.channels) }
        })
    }

    /// The rows from `first` on, at most `count`.
    ///
    /// # Panics
    /// When `first` is beyond the last row.
    #[must_use]
    pub fn range(self, first: usize, count: usize) -> Self {
        assert!(first <= self.count, "rows from {first} on of {}", self.count);
        let count = count.min(self.count - first);
        Self { start: self.start.wrapping_add(first * self.stride), count, ..self }
    }

    /// The channels from `first` on, `channels` of them.
    ///
    /// # Panics
    /// When there are no such channels.
    #[must_use]
    pub fn columns(self, first: usize, channels: usize) -> Self {
        let fits = has(self.channels, first, channels);
        assert!(fits, "{channels} channels from {first} on of {}", self.channels);
        Self { start: self.start.wrapping_add(first), channels, ..self }
    }

    pub(crate) fn as_ptr(self) -> *const T {
        self.start
    }
}

impl<'a, T: Copy> RowsMut<'a, T> {
    /// Rows without gaps.
    ///
    /// # Panics
    /// When the length of `data` is no multiple of `channels`.
    pub fn dense(data: &'a mut [T], channels: usize) -> Self {
        let count = dense_count(data.len(), channels);
        Self::strided(data, count, channels, channels)
    }

    /// `count` rows whose first starts at the start of `data`, each `stride` after the one before.
    ///
    /// # Panics
    /// When `data` is too short or the rows overlap.
    pub fn strided(data: &'a mut [T], count: usize, channels: usize, stride: usize) -> Self {
        let start = data[..span(count, channels, stride)].as_mut_ptr();
        Self { start, count, channels, stride, borrowed: PhantomData }
    }

    /// How many rows there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// How wide a row is.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The distance between the starts of rows.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// One row.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn row_mut(&mut self, index: usize) -> &mut [T] {
        assert!(index < self.count, "row {index} of {}", self.count);
        // SAFETY: the row is one of those that this matrix borrows, and nobody else does.
        unsafe { slice::from_raw_parts_mut(self.start.add(index * self.stride), self.channels) }
    }

    /// The same rows, to be read.
    pub fn as_rows(&self) -> Rows<'_, T> {
        let Self { start, count, channels, stride, .. } = *self;
        Rows { start, count, channels, stride, borrowed: PhantomData }
    }

    /// The same rows, to be read from now on.
    pub fn into_rows(self) -> Rows<'a, T> {
        let Self { start, count, channels, stride, .. } = self;
        Rows { start, count, channels, stride, borrowed: PhantomData }
    }

    /// The same rows under a shorter borrow.
    pub fn reborrow(&mut self) -> RowsMut<'_, T> {
        let Self { start, count, channels, stride, .. } = *self;
        RowsMut { start, count, channels, stride, borrowed: PhantomData }
    }

    /// The first `at` channels of every row, and the others.
    ///
    /// # Panics
    /// When there are less channels than that.
    pub fn split_channels(self, at: usize) -> (Self, Self) {
        let Self { start, count, channels, stride, borrowed } = self;
        assert!(at <= channels, "{at} of {channels} channels");
        let others = start.wrapping_add(at);
        (
            Self { start, count, channels: at, stride, borrowed },
            Self { start: others, count, channels: channels - at, stride, borrowed },
        )
    }

    /// `width` channels at a time, the last share narrower if need be.
    pub(crate) fn channel_shares(self, width: usize) -> Vec<Self> {
        let width = width.max(1);
        let mut shares = Vec::with_capacity(self.channels.div_ceil(width));
        let mut rest = self;
        while rest.channels > width {
            let (share, others) = rest.split_channels(width);
            shares.push(share);
            rest = others;
        }
        shares.push(rest);
        shares
    }

    /// `count` rows from `first` on, under a shorter borrow.
    pub(crate) fn rows_mut(&mut self, first: usize, count: usize) -> RowsMut<'_, T> {
        let fits = has(self.count, first, count);
        assert!(fits, "{count} rows from {first} on of {}", self.count);
        let start = self.start_of(first);
        RowsMut {
            start,
            count,
            channels: self.channels,
            stride: self.stride,
            borrowed: PhantomData,
        }
    }

    /// `count` rows from `first` on, each `step` after the one before.
    pub(crate) fn every(&mut self, first: usize, step: usize, count: usize) -> RowsMut<'_, T> {
        let steps = count.saturating_sub(1).checked_mul(step);
        let last = steps.and_then(|steps| steps.checked_add(first));
        let fits = count == 0 || step > 0 && last.is_some_and(|last| last < self.count);
        assert!(fits, "{count} rows from {first} on, {step} apart, of {}", self.count);
        let start = self.start_of(first);
        let stride = step.saturating_mul(self.stride);
        RowsMut { start, count, stride, borrowed: PhantomData, ..*self }
    }

    /// The rows up to each of `ends`, from the one before on.
    ///
    /// # Panics
    /// When the ends are not in order, or beyond the last row.
    pub(crate) fn split_rows(self, ends: &[usize]) -> Vec<Self> {
        let mut first = 0;
        let part = |end: &usize| {
            assert!(first <= *end && *end <= self.count, "rows {first} to {end} of {}", self.count);
            let part = Self { start: self.start_of(first), count: *end - first, ..self };
            first = *end;
            part
        };
        ends.iter().map(part).collect()
    }

    /// The rows in blocks of `rows`, the last one shorter if need be.
    pub(crate) fn blocks(
        self,
        rows: usize,
    ) -> impl rayon::iter::IndexedParallelIterator<Item = RowsMut<'a, T>>
    where
        T: Send + Sync,
    {
        use rayon::prelude::*;
        // Blocks without rows are those of empty images, of which there are no rows.
        let rows = rows.max(1);
        (0..self.count.div_ceil(rows)).into_par_iter().map(move |block| {
            let first = block * rows;
            let start = self.start_of(first);
            let count = rows.min(self.count - first);
            RowsMut { start, count, ..self }
        })
    }

    fn start_of(&self, row: usize) -> *mut T {
        self.start.wrapping_add(row * self.stride)
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut T {
        self.start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_channels_interleave_in_memory() {
        let mut data = vec![0.0; 8];
        let rows = RowsMut::strided(&mut data, 2, 3, 4);
        let (mut left, mut right) = rows.split_channels(1);
        left.row_mut(0)[0] = 1.0;
        right.row_mut(0).copy_from_slice(&[2.0, 3.0]);
        right.row_mut(1).copy_from_slice(&[5.0, 6.0]);
        left.row_mut(1)[0] = 4.0;
        assert_eq!(left.into_rows().row(1), [4.0]);
        assert_eq!(data, [1.0, 2.0, 3.0, 0.0, 4.0, 5.0, 6.0, 0.0]);
    }

    #[test]
    #[should_panic(expected = "row 2 of 2")]
    fn no_row_beyond_the_last_is_handed_out() {
        Rows::strided(&[0.0; 16], 2, 3, 4).row(2);
    }

    #[test]
    #[should_panic(expected = "rows from 3 on of 2")]
    fn no_range_begins_beyond_the_last_row() {
        let _ = Rows::dense(&[0.0; 8], 4).range(3, 1);
    }

    #[test]
    #[should_panic(expected = "2 channels from")]
    fn columns_beyond_the_last_number_are_refused() {
        let _ = Rows::dense(&[1.0, 2.0], 2).columns(usize::MAX, 2);
    }

    #[test]
    #[should_panic(expected = "span more elements than there can be")]
    fn rows_whose_span_overflows_are_refused() {
        RowsMut::strided(&mut [0.0], usize::MAX / 4 + 2, 1, 4);
    }

    #[test]
    #[should_panic(expected = "2 rows from")]
    fn a_dense_range_beyond_the_last_number_is_refused() {
        Rows::dense(&[1.0, 2.0], 1).dense_range(usize::MAX, 2);
    }

    #[test]
    #[should_panic(expected = "2 rows from")]
    fn rows_beyond_the_last_number_are_refused() {
        RowsMut::dense(&mut [1.0, 2.0], 1).rows_mut(usize::MAX, 2);
    }

    #[test]
    #[should_panic(expected = "2 rows from 1 on")]
    fn steps_beyond_the_last_number_are_refused() {
        RowsMut::dense(&mut [1.0, 2.0, 3.0], 1).every(1, usize::MAX, 2);
    }

    #[test]
    fn no_numbers_are_no_rows_of_any_width() {
        assert_eq!(Rows::<f32>::dense(&[], 0).count(), 0);
        assert_eq!(RowsMut::<f32>::dense(&mut [], 3).count(), 0);
    }
}
