//! Channels-last values: one row of channels per pixel.
//!
//! A batch of images `[batch, height, width, channels]` is a matrix with a row per pixel. Rows may
//! stand further apart than they are wide: then the value is a range of channels of a wider one,
//! and a concatenation is nothing but its parts, each written in place.

/// A matrix that is read.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    data: &'a [f32],
    count: usize,
    channels: usize,
    stride: usize,
}

/// A matrix that is written.
#[derive(Debug)]
pub struct RowsMut<'a> {
    data: &'a mut [f32],
    count: usize,
    channels: usize,
    stride: usize,
}

/// How many numbers `count` rows span, from the first to the last that belongs to them.
fn span(count: usize, channels: usize, stride: usize) -> usize {
    assert!(channels <= stride, "{channels} channels do not fit in rows {stride} apart");
    if count == 0 { 0 } else { (count - 1) * stride + channels }
}

impl<'a> Rows<'a> {
    /// Rows without gaps.
    ///
    /// # Panics
    /// When the length of `data` is no multiple of `channels`.
    pub fn dense(data: &'a [f32], channels: usize) -> Self {
        assert!(data.len().is_multiple_of(channels), "{} values in rows of {channels}", data.len());
        Self { data, count: data.len() / channels, channels, stride: channels }
    }

    /// `count` rows whose first starts at the start of `data`, each `stride` after the one before.
    ///
    /// # Panics
    /// When `data` is too short or the rows overlap.
    pub fn strided(data: &'a [f32], count: usize, channels: usize, stride: usize) -> Self {
        let data = &data[..span(count, channels, stride)];
        Self { data, count, channels, stride }
    }

    /// The same row `count` times.
    pub(crate) fn repeated(row: &'a [f32], count: usize) -> Self {
        Self { data: row, count, channels: row.len(), stride: 0 }
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
    pub fn row(self, index: usize) -> &'a [f32] {
        &self.data[index * self.stride..][..self.channels]
    }

    /// The numbers of some rows, if there are no gaps between them.
    pub(crate) fn dense_range(self, first: usize, count: usize) -> Option<&'a [f32]> {
        (self.stride == self.channels)
            .then(|| &self.data[first * self.stride..][..count * self.channels])
    }

    /// The rows from `first` on, at most `count`.
    pub(crate) fn range(self, first: usize, count: usize) -> Self {
        let count = count.min(self.count - first);
        let from = (first * self.stride).min(self.data.len());
        Self::strided(&self.data[from..], count, self.channels, self.stride)
    }

    /// The channels from `first` on, `channels` of them.
    pub(crate) fn columns(self, first: usize, channels: usize) -> Self {
        let from = first.min(self.data.len());
        Self::strided(&self.data[from..], self.count, channels, self.stride)
    }

    pub(crate) fn as_ptr(self) -> *const f32 {
        self.data.as_ptr()
    }
}

impl<'a> RowsMut<'a> {
    /// Rows without gaps.
    ///
    /// # Panics
    /// When the length of `data` is no multiple of `channels`.
    pub fn dense(data: &'a mut [f32], channels: usize) -> Self {
        assert!(data.len().is_multiple_of(channels), "{} values in rows of {channels}", data.len());
        let count = data.len() / channels;
        Self { data, count, channels, stride: channels }
    }

    /// `count` rows whose first starts at the start of `data`, each `stride` after the one before.
    ///
    /// # Panics
    /// When `data` is too short or the rows overlap.
    pub fn strided(data: &'a mut [f32], count: usize, channels: usize, stride: usize) -> Self {
        let data = &mut data[..span(count, channels, stride)];
        Self { data, count, channels, stride }
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
    pub fn row_mut(&mut self, index: usize) -> &mut [f32] {
        &mut self.data[index * self.stride..][..self.channels]
    }

    /// The same rows, to be read.
    pub fn as_rows(&self) -> Rows<'_> {
        Rows { data: self.data, count: self.count, channels: self.channels, stride: self.stride }
    }

    /// The same rows under a shorter borrow.
    pub fn reborrow(&mut self) -> RowsMut<'_> {
        RowsMut { data: self.data, count: self.count, channels: self.channels, stride: self.stride }
    }

    /// The rows in blocks of `rows`, the last one shorter if need be.
    pub(crate) fn blocks(
        self,
        rows: usize,
    ) -> impl rayon::iter::IndexedParallelIterator<Item = RowsMut<'a>> {
        use rayon::prelude::*;
        let (channels, stride) = (self.channels, self.stride);
        self.data.par_chunks_mut(rows * stride).map(move |data| {
            let count = (data.len() - channels) / stride + 1;
            RowsMut { data, count, channels, stride }
        })
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut f32 {
        self.data.as_mut_ptr()
    }
}
