//! Blocks of candidates, as they are handed to a model.

use super::super::{Encoding, PixelChange};

/// A block of candidates in flat memory: the changes of each, in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Candidates {
    channels: usize,
    /// Column and row of each change.
    positions: Vec<[u32; 2]>,
    /// The values of each change, one a channel, 0 to 255.
    values: Vec<f32>,
    /// Where the changes of each candidate end.
    ends: Vec<usize>,
}

impl Candidates {
    /// No candidate, for images of so many channels.
    pub fn new(channels: usize) -> Self {
        Self { channels, ..Self::default() }
    }

    /// How many candidates there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Values of each change.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Takes all candidates out.
    pub fn clear(&mut self) {
        self.positions.clear();
        self.values.clear();
        self.ends.clear();
    }

    /// Adds a candidate.
    pub fn push(&mut self, changes: &[PixelChange]) {
        for change in changes {
            self.positions.push([change.x, change.y]);
            let values = change.value.iter().copied().chain(std::iter::repeat(0.0));
            self.values.extend(values.take(self.channels));
        }
        self.ends.push(self.positions.len());
    }

    /// Adds the candidate that an individual is.
    pub(in super::super) fn push_genes(&mut self, encoding: &Encoding, genes: &[f64]) {
        for (position, values) in encoding.decode(genes) {
            self.positions.push(position);
            self.values.extend(values);
        }
        self.ends.push(self.positions.len());
    }

    /// Column, row and values of each change of a candidate.
    pub fn changes(&self, candidate: usize) -> impl Iterator<Item = ([u32; 2], &[f32])> {
        let range = self.range(candidate);
        let values = self.values.chunks_exact(self.channels.max(1));
        let values = values.skip(range.start).take(range.len());
        self.positions[range].iter().copied().zip(values)
    }

    /// The changes of a candidate among those of all.
    fn range(&self, candidate: usize) -> std::ops::Range<usize> {
        let end = |index: usize| self.ends.get(index).copied().unwrap_or(self.positions.len());
        let start = candidate.checked_sub(1).map_or(0, end);
        start..end(candidate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::one_pixel::Rounding;

    #[test]
    fn candidates_of_different_lengths_stay_apart() {
        let mut candidates = Candidates::new(1);
        let change = |x, value| PixelChange { x, y: 2, value: vec![value] };
        candidates.push(&[]);
        candidates.push(&[change(1, 10.0), change(3, 30.0)]);
        let encoding = Encoding::new(1, [1, 9, 9], Rounding::Truncate).unwrap();
        candidates.push_genes(&encoding, &[4.5, 2.5, 40.5]);
        let changes = |candidate| candidates.changes(candidate).collect::<Vec<_>>();
        assert_eq!(candidates.len(), 3);
        assert_eq!(changes(0), []);
        assert_eq!(changes(1), [([1, 2], &[10.0][..]), ([3, 2], &[30.0][..])]);
        assert_eq!(changes(2), [([4, 2], &[40.0][..])]);
    }
}
