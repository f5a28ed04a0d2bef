//! Mini-batch k-means: centroids move with each batch of rows, by less and less.
//!
//! Sculley, *Web-Scale K-Means Clustering*, WWW 2010, algorithm 1: a row moves its centroid by one part in so
//! many as the centroid has received rows, so that each stands at the mean of all it has received.

use crate::error::require;
use crate::kmeans::{Members, farthest, start};
use crate::rows::{check, gather, mean, sum};
use crate::{End, Error, KMeansFit, Result, Seeding};
use ocelli_kernels::Rows;
use ocelli_kernels::nearest::{NearestIndex, squared_distances};
use ocelli_random::{Permutation, Purpose, Seed};
use rand::RngExt;

const BATCH: Purpose = Purpose("k-means batch");

/// Mini-batch k-means.
#[derive(Clone, Debug, PartialEq)]
pub struct MiniBatch {
    /// How many centroids there are.
    pub k: usize,
    /// Rows per batch, drawn with replacement.
    pub batch: usize,
    /// How many batches there are.
    pub steps: usize,
}

impl Default for MiniBatch {
    fn default() -> Self {
        Self { k: 8, batch: 1024, steps: 100 }
    }
}

impl MiniBatch {
    /// Finds `k` centroids. They start by k-means++ among three batches of rows (three rows for each centroid
    /// at least). After the last batch every row is assigned; clusters that are empty then take the rows
    /// that are farthest from their centroids. `inertias` are those of batches, scaled to all rows.
    ///
    /// # Errors
    /// [`Error::Setting`], [`Error::NotFinite`], [`Error::TooFewRows`].
    pub fn fit(&self, rows: Rows<'_>, seed: Seed) -> Result<KMeansFit> {
        require("k", self.k, self.k > 0, "1 or more")?;
        require("batch", self.batch, self.batch > 0, "1 or more")?;
        require("steps", self.steps, self.steps > 0, "1 or more")?;
        check(rows)?;
        if self.k > rows.count() {
            return Err(Error::TooFewRows { rows: rows.count(), k: self.k });
        }
        let (k, width) = (self.k, rows.channels());
        let origin = mean(rows);
        let mut centroids = self.start(rows, seed);
        let mut counts = vec![0_u64; k];
        let mut inertias = Vec::with_capacity(self.steps);
        for step in 0..self.steps {
            let mut stream = seed.stream(BATCH, step as u64, 0);
            let chosen = (0..self.batch).map(|_| stream.random_range(0..rows.count()));
            let batch = gather(rows, chosen);
            let batch = Rows::dense(&batch, width);
            let (assignment, distances) = assign(batch, &centroids, &origin);
            inertias.push(sum(&distances) * rows.count() as f64 / self.batch as f64);
            for (row, cluster) in assignment.into_iter().enumerate() {
                let cluster = cluster as usize;
                counts[cluster] += 1;
                let rate = 1.0 / counts[cluster] as f64;
                let centroid = &mut centroids[cluster * width..][..width];
                for (value, target) in centroid.iter_mut().zip(batch.row(row)) {
                    let (from, to) = (f64::from(*value), f64::from(*target));
                    *value = (from + rate * (to - from)) as f32;
                }
            }
        }
        let (mut assignment, mut distances) = assign(rows, &centroids, &origin);
        let mut sizes = Members::new(&assignment, k).sizes();
        let moved = farthest(&mut sizes, &mut assignment, &mut distances);
        for row in &moved {
            let cluster = assignment[*row as usize] as usize;
            centroids[cluster * width..][..width].copy_from_slice(rows.row(*row as usize));
        }
        if !moved.is_empty() {
            (assignment, distances) = assign(rows, &centroids, &origin);
        }
        Ok(KMeansFit {
            inertia: sum(&distances),
            evaluations: ((self.steps * self.batch + rows.count()) * k) as u64,
            centroids,
            width,
            assignment,
            inertias,
            iterations: self.steps,
            end: End::Steps,
            restart: 0,
            repaired: moved.len(),
        })
    }

    fn start(&self, rows: Rows<'_>, seed: Seed) -> Vec<f32> {
        let sample = (3 * self.batch).max(3 * self.k);
        if sample >= rows.count() {
            return start(rows, self.k, Seeding::Greedy, seed, 0);
        }
        let order = Permutation::new(seed, 0, rows.count() as u64);
        let chosen = (0..sample as u64).filter_map(|at| order.get(at)).map(|row| row as usize);
        let sample = gather(rows, chosen);
        start(Rows::dense(&sample, rows.channels()), self.k, Seeding::Greedy, seed, 0)
    }
}

fn assign(rows: Rows<'_>, centroids: &[f32], origin: &[f32]) -> (Vec<u32>, Vec<f64>) {
    let centroids = Rows::dense(centroids, rows.channels());
    let (mut assignment, mut distances) = (vec![0; rows.count()], vec![0.0; rows.count()]);
    NearestIndex::new(centroids, origin).assign(rows, &mut assignment);
    squared_distances(rows, centroids, &assignment, &mut distances);
    (assignment, distances)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KMeans, KMeansConfig};

    fn values(count: usize) -> Vec<f32> {
        let mut stream = Seed(5).stream(Purpose("test"), 0, 0);
        (0..count)
            .flat_map(|row| {
                let centre = (row % 10) as f32 * 4.0;
                [centre + stream.random_range(-1.0..1.0), -centre + stream.random_range(-1.0..1.0)]
            })
            .collect()
    }

    #[test]
    fn it_comes_near_to_whole_steps_and_is_the_same_again() {
        let values = values(5000);
        let rows = Rows::dense(&values, 2);
        let batched = MiniBatch { k: 10, batch: 256, steps: 60 };
        let fit = batched.fit(rows, Seed(2)).unwrap();
        let config = KMeansConfig { k: 10, ..KMeansConfig::default() };
        let whole = KMeans::new(config).unwrap().fit(rows, Seed(2)).unwrap();
        assert!(fit.inertia < 1.05 * whole.inertia, "{} and {}", fit.inertia, whole.inertia);
        assert_eq!(fit.inertias.len(), 60);
        assert_eq!(fit, batched.fit(rows, Seed(2)).unwrap());
        assert_ne!(fit.centroids, batched.fit(rows, Seed(3)).unwrap().centroids);
    }

    #[test]
    fn every_centroid_is_the_mean_of_what_it_received() {
        // One centroid, one batch: the mean of the batch, whatever its start.
        let values = values(100);
        let rows = Rows::dense(&values, 2);
        let fit = MiniBatch { k: 1, batch: 64, steps: 1 }.fit(rows, Seed(4)).unwrap();
        let mut stream = Seed(4).stream(BATCH, 0, 0);
        let batch: Vec<usize> = (0..64).map(|_| stream.random_range(0..100)).collect();
        for column in 0..2 {
            let mean =
                batch.iter().map(|row| f64::from(rows.row(*row)[column])).sum::<f64>() / 64.0;
            assert!((f64::from(fit.centroids[column]) - mean).abs() < 1e-5);
        }
    }

    #[test]
    fn no_cluster_stays_empty() {
        let mut values = vec![0.0; 4000];
        values.extend([1e3, 2e3, 3e3]);
        let rows = Rows::dense(&values, 1);
        // Batches hardly ever see the three rows apart.
        let fit = MiniBatch { k: 4, batch: 8, steps: 1 }.fit(rows, Seed(1)).unwrap();
        assert_eq!(fit.inertia, 0.0);
    }
}
