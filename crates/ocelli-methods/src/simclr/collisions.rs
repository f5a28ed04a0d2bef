//! How often pictures that are told from each other are alike.

use ocelli_data::{Batch, Collisions, Targets};

/// The labels and clusters of this process's pictures of a step.
#[derive(Default)]
pub(super) struct StepCollisions {
    labels: Vec<u32>,
    clusters: Vec<u32>,
    pictures: usize,
}

impl StepCollisions {
    /// Adds a part's pictures, of which `clusters` has each by its index.
    pub(super) fn add(&mut self, batch: &Batch, clusters: Option<&[u32]>) {
        self.pictures += batch.len();
        if let Targets::Hard(labels) = &batch.targets {
            self.labels.extend(labels);
        }
        let of = |index: &u64| clusters?.get(*index as usize).copied();
        self.clusters.extend(batch.indices.iter().filter_map(of));
    }

    /// The shares of pairs of the batch with the same label and in the same cluster, as far as these are known.
    pub(super) fn metrics(self) -> Vec<(&'static str, f64)> {
        let named = [("collisions/labels", self.labels), ("collisions/clusters", self.clusters)];
        let known = named.into_iter().filter(|(_, of)| of.len() == self.pictures);
        let rate = |labels| {
            let mut collisions = Collisions::default();
            collisions.add(labels);
            collisions.rate()
        };
        known.map(|(name, labels)| (name, rate(labels))).collect()
    }
}
