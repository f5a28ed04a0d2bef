//! k-means: Lloyd's two steps in turn, from several starts.

mod assign;
mod bounds;
mod config;
mod groups;
mod lloyd;
mod means;
mod repair;
mod seeding;

#[cfg(test)]
mod tests;

pub use config::{EmptyRule, KMeansConfig, Pruning, Seeding};
pub use lloyd::{End, KMeansFit};

pub(crate) use means::Members;
pub(crate) use repair::farthest;
pub(crate) use seeding::start;

use crate::{Error, Result, rows};
use lloyd::{Lloyd, Measure};
use ocelli_kernels::Rows;
use ocelli_random::Seed;

/// k-means whose settings were found to be in range.
#[derive(Clone, Debug)]
pub struct KMeans {
    config: KMeansConfig,
}

impl KMeans {
    /// Checks every field.
    ///
    /// # Errors
    /// [`Error::Setting`] with the first that is out of range.
    pub fn new(config: KMeansConfig) -> Result<Self> {
        config.check()?;
        Ok(Self { config })
    }

    /// What it does.
    pub fn config(&self) -> &KMeansConfig {
        &self.config
    }

    /// Finds `k` centroids of the rows: the best of `restarts` attempts, of equal ones the first.
    ///
    /// # Errors
    /// [`Error::NotFinite`] with the first row that has a NaN or ∞, [`Error::TooFewRows`].
    pub fn fit(&self, rows: Rows<'_>, seed: Seed) -> Result<KMeansFit> {
        self.check(rows)?;
        let mut best: Option<KMeansFit> = None;
        for restart in 0..self.config.restarts {
            let centroids = start(rows, self.config.k, self.config.seeding, seed, restart as u64);
            let mut fit = Lloyd::new(&self.config, rows, seed, restart as u64, Measure::EveryStep)
                .run(centroids);
            fit.restart = restart;
            if best.as_ref().is_none_or(|best| fit.inertia < best.inertia) {
                best = Some(fit);
            }
        }
        best.ok_or(Error::TooFewRows { rows: rows.count(), k: self.config.k })
    }

    /// The same from starting centroids that are given, once. The seed is used where an empty cluster is
    /// filled at random.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and [`Error::Shape`] when there are not `k` centroids of the rows' width.
    pub fn fit_from(&self, rows: Rows<'_>, centroids: &[f32], seed: Seed) -> Result<KMeansFit> {
        self.fit_measured(rows, centroids, seed, Measure::EveryStep)
    }

    /// The same without the inertia of each step.
    pub(crate) fn fit_quickly(
        &self,
        rows: Rows<'_>,
        centroids: &[f32],
        seed: Seed,
    ) -> Result<KMeansFit> {
        self.fit_measured(rows, centroids, seed, Measure::End)
    }

    fn fit_measured(
        &self,
        rows: Rows<'_>,
        centroids: &[f32],
        seed: Seed,
        measure: Measure,
    ) -> Result<KMeansFit> {
        self.check(rows)?;
        let expected = self.config.k * rows.channels();
        if centroids.len() != expected {
            let (what, found) = ("values of starting centroids", centroids.len());
            return Err(Error::Shape { what, found, expected });
        }
        rows::check(Rows::dense(centroids, rows.channels()))?;
        Ok(Lloyd::new(&self.config, rows, seed, 0, measure).run(centroids.to_vec()))
    }

    fn check(&self, rows: Rows<'_>) -> Result<()> {
        rows::check(rows)?;
        let k = self.config.k;
        if k > rows.count() {
            return Err(Error::TooFewRows { rows: rows.count(), k });
        }
        Ok(())
    }
}
