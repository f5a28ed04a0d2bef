//! Every setting of k-means. Defaults are scikit-learn's, which the paper of G-SimCLR ran.

use crate::Result;
use crate::error::require;

/// The most centroids, which bounds memory.
const MOST_CENTROIDS: usize = 1 << 22;

/// How k-means runs.
#[derive(Clone, Debug, PartialEq)]
pub struct KMeansConfig {
    /// How many centroids there are.
    pub k: usize,
    /// How often it starts anew; the best attempt counts.
    pub restarts: usize,
    /// The most steps of an attempt.
    pub steps: usize,
    /// An attempt ends when the squares of the centroids' moves add up to no more than this share of a
    /// column's mean variance. With 0 it ends when no row changes its cluster.
    pub tolerance: f64,
    /// Where centroids start.
    pub seeding: Seeding,
    /// What becomes of a cluster without rows.
    pub empty: EmptyRule,
    /// Which distances are left out. It changes no result.
    pub pruning: Pruning,
}

/// Where centroids start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Seeding {
    /// As [`PlusPlus`](Self::PlusPlus), but of 2 + ⌊ln k⌋ rows that are drawn for each centroid the one is
    /// taken that lowers inertia most. scikit-learn's default.
    #[default]
    Greedy,
    /// At rows that are drawn one after the other, in proportion to the squared distance to the nearest
    /// drawn before (Arthur and Vassilvitskii 2007).
    PlusPlus,
    /// At different rows, each as probable as any other.
    Random,
}

/// What becomes of a cluster without rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EmptyRule {
    /// It takes the row that is farthest from its centroid (of equal ones the first), out of a cluster that
    /// keeps another. Inertia does not grow.
    #[default]
    Farthest,
    /// It takes half of a cluster that is drawn in proportion to its rows, less one: the centroid is copied
    /// and the two are pushed apart, each dimension by a factor of 1 ± 1/1024, signs alternating. faiss.
    Split,
}

/// Which distances are left out because bounds show that they cannot matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pruning {
    /// Groups of about 48 centroids, from 96 centroids on; below that, one group.
    #[default]
    Auto,
    /// None: every distance is computed in every step.
    Off,
    /// So many groups of centroids, each with one bound for every row (Yinyang). One is Hamerly's method.
    Groups(usize),
}

impl Default for KMeansConfig {
    fn default() -> Self {
        Self {
            k: 8,
            restarts: 10,
            steps: 300,
            tolerance: 1e-4,
            seeding: Seeding::Greedy,
            empty: EmptyRule::Farthest,
            pruning: Pruning::Auto,
        }
    }
}

impl KMeansConfig {
    pub(super) fn check(&self) -> Result<()> {
        let fits = (1..=MOST_CENTROIDS).contains(&self.k);
        require("k", self.k, fits, "1 to 4,194,304 centroids")?;
        require("restarts", self.restarts, (1..=10_000).contains(&self.restarts), "1 to 10,000")?;
        require("steps", self.steps, (1..=1_000_000).contains(&self.steps), "1 to 1,000,000")?;
        let holds = self.tolerance.is_finite() && self.tolerance >= 0.0;
        require("tolerance", self.tolerance, holds, "0 or more")?;
        if let Pruning::Groups(groups) = self.pruning {
            require("pruning", groups, (1..=self.k).contains(&groups), "1 to `k` groups")?;
        }
        Ok(())
    }
}
