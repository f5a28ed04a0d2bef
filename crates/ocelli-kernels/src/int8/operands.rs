//! What a layer reads beside its input, and what it writes.

use crate::rows::{Rows, RowsMut};

/// What is added to a layer's output, `[output pixels, channels]`.
#[derive(Clone, Copy, Debug)]
pub enum Addend<'a> {
    /// Codes with the levels that the layer was packed for.
    Codes(Rows<'a, u8>),
    /// Plain values.
    Values(Rows<'a>),
}

/// Where a layer's output goes, `[output pixels, channels]`.
#[derive(Debug)]
pub enum Output<'a> {
    /// Codes with the levels that the layer was packed for.
    Codes(RowsMut<'a, u8>),
    /// Plain values.
    Values(RowsMut<'a>),
    /// Codes with the levels that the layer was packed for, and the plain values.
    Both(RowsMut<'a, u8>, RowsMut<'a>),
}

impl<'a> Addend<'a> {
    pub(super) fn shape(self) -> (usize, usize) {
        match self {
            Self::Codes(rows) => (rows.count(), rows.channels()),
            Self::Values(rows) => (rows.count(), rows.channels()),
        }
    }

    /// Some rows, and of these some channels.
    pub(super) fn part(self, rows: [usize; 2], channels: [usize; 2]) -> Addend<'a> {
        let ([row, count], [channel, width]) = (rows, channels);
        match self {
            Self::Codes(rows) => Self::Codes(rows.range(row, count).columns(channel, width)),
            Self::Values(rows) => Self::Values(rows.range(row, count).columns(channel, width)),
        }
    }
}

impl Output<'_> {
    pub(super) fn shape(&self) -> (usize, usize) {
        match self {
            Self::Codes(rows) => (rows.count(), rows.channels()),
            Self::Values(rows) | Self::Both(_, rows) => (rows.count(), rows.channels()),
        }
    }

    /// The rows up to each of `ends`, each in shares of `width` channels.
    pub(super) fn split(self, ends: &[usize], width: usize) -> Vec<Vec<Self>> {
        fn shares<'a, T: Copy>(
            rows: RowsMut<'a, T>,
            (ends, width): (&[usize], usize),
        ) -> Vec<Vec<RowsMut<'a, T>>> {
            rows.split_rows(ends).into_iter().map(|block| block.channel_shares(width)).collect()
        }
        fn all<T, U>(blocks: Vec<Vec<T>>, of: impl Fn(T) -> U) -> Vec<Vec<U>> {
            blocks.into_iter().map(|block| block.into_iter().map(&of).collect()).collect()
        }
        match self {
            Self::Codes(rows) => all(shares(rows, (ends, width)), Output::Codes),
            Self::Values(rows) => all(shares(rows, (ends, width)), Output::Values),
            Self::Both(codes, values) => {
                let values = shares(values, (ends, width));
                let pairs = shares(codes, (ends, width)).into_iter().zip(values);
                let pairs = pairs.map(|(codes, values)| codes.into_iter().zip(values).collect());
                all(pairs.collect(), |(codes, values)| Output::Both(codes, values))
            }
        }
    }
}
