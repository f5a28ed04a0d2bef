//! How many pairs of a batch are of one label.

/// The pairs of samples in batches, and those of them that share a label: false negatives of a
/// contrastive loss, if labels are classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collisions {
    /// Pairs of samples that are in one batch.
    pub pairs: u64,
    /// Those with the same label.
    pub same: u64,
}

impl Collisions {
    /// Counts the pairs of `indices`, cut into batches, where sample `i` has the label `labels[i]`.
    pub fn new(indices: &[u64], labels: &[u32], batch_size: usize) -> Self {
        let mut all = Self::default();
        for batch in indices.chunks(batch_size.max(1)) {
            let labels: Vec<u32> = batch
                .iter()
                .filter_map(|index| labels.get(usize::try_from(*index).ok()?).copied())
                .collect();
            all.add(labels);
        }
        all
    }

    /// Adds the pairs of one batch.
    pub fn add(&mut self, mut labels: Vec<u32>) {
        labels.sort_unstable();
        let pairs = |count: usize| (count * count.saturating_sub(1) / 2) as u64;
        self.pairs += pairs(labels.len());
        self.same += labels.chunk_by(|a, b| a == b).map(|run| pairs(run.len())).sum::<u64>();
    }

    /// The share of pairs with the same label; 0 without pairs.
    pub fn rate(self) -> f64 {
        if self.pairs == 0 { 0.0 } else { self.same as f64 / self.pairs as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_counted_within_batches() {
        let labels = [0, 0, 1, 1, 1, 2];
        let found = Collisions::new(&[0, 1, 2, 3, 4, 5], &labels, 3);
        // Of {0, 0, 1} one pair, of {1, 1, 2} one.
        assert_eq!(found, Collisions { pairs: 6, same: 2 });
        assert_eq!(Collisions::new(&[2, 3, 4], &labels, 3).rate(), 1.0);
        assert_eq!(Collisions::new(&[0, 2, 5], &labels, 3).rate(), 0.0);
        assert_eq!(Collisions::new(&[], &labels, 3).rate(), 0.0);
        assert_eq!(Collisions::new(&[0], &labels, 3).rate(), 0.0);
    }
}
