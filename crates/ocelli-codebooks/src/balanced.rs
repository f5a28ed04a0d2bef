//! k-means with clusters of equal size: sizes differ by at most one.
//!
//! With n rows, n mod k clusters may have ⌈n / k⌉ rows, the others ⌊n / k⌋.
//!
//! 1. Start: rows choose in the order of what a second choice would cost them (the squared distance to their
//!    second nearest centroid less that to the nearest, largest first); each goes to the nearest centroid
//!    that has room.
//! 2. Improve: for each pair of clusters the row is found that would gain most by going from one to the
//!    other. Pairs whose two rows gain together change places, largest gain first; a row goes alone where
//!    sizes stay in range. Until no pair gains.
//! 3. Centroids become means, and 2 goes on from where rows are, until nothing changes.
//!
//! Inertia never grows. The assignment is one that no exchange of two rows improves; the best of all would be
//! a minimum-cost flow.

use crate::error::require;
use crate::kmeans::{Members, start};
use crate::rows::{check, sum};
use crate::{End, Error, KMeansFit, Result, Seeding};
use ocelli_kernels::Rows;
use ocelli_kernels::nearest::squared_distance;
use ocelli_random::Seed;
use rayon::prelude::*;

/// The most distances that are kept, 4 bytes each.
const MOST_DISTANCES: usize = 1 << 30;

/// Exchanges within a step; a step that needs more goes on in the next.
const MOST_PASSES: usize = 50;

/// k-means with clusters of equal size.
#[derive(Clone, Debug, PartialEq)]
pub struct Balanced {
    /// How many clusters there are.
    pub k: usize,
    /// How often it starts anew; the best attempt counts.
    pub restarts: usize,
    /// The most steps of an attempt.
    pub steps: usize,
}

impl Default for Balanced {
    fn default() -> Self {
        Self { k: 8, restarts: 1, steps: 100 }
    }
}

impl Balanced {
    /// Finds `k` clusters of the rows. `assignment` is then the cluster of a row, which need not be that of
    /// the nearest centroid.
    ///
    /// # Errors
    /// [`Error::Setting`], [`Error::NotFinite`], [`Error::TooFewRows`]; rows × k is at most 2³⁰.
    pub fn fit(&self, rows: Rows<'_>, seed: Seed) -> Result<KMeansFit> {
        require("k", self.k, self.k > 0, "1 or more")?;
        require("restarts", self.restarts, self.restarts > 0, "1 or more")?;
        require("steps", self.steps, self.steps > 0, "1 or more")?;
        check(rows)?;
        if self.k > rows.count() {
            return Err(Error::TooFewRows { rows: rows.count(), k: self.k });
        }
        let distances = rows.count().saturating_mul(self.k);
        let fits = distances <= MOST_DISTANCES;
        require("rows × k", distances, fits, "at most 2³⁰ distances of a balanced k-means")?;
        let mut best: Option<KMeansFit> = None;
        for restart in 0..self.restarts {
            let fit = self.attempt(rows, seed, restart);
            if best.as_ref().is_none_or(|best| fit.inertia < best.inertia) {
                best = Some(fit);
            }
        }
        best.ok_or(Error::TooFewRows { rows: rows.count(), k: self.k })
    }

    fn attempt(&self, rows: Rows<'_>, seed: Seed, restart: usize) -> KMeansFit {
        let (k, width) = (self.k, rows.channels());
        let mut centroids = start(rows, k, Seeding::Greedy, seed, restart as u64);
        let mut clusters: Option<SizedClusters> = None;
        let mut inertias = Vec::new();
        let mut end = End::Steps;
        for _ in 0..self.steps {
            let distances = distances(rows, Rows::dense(&centroids, width));
            let before = clusters.as_ref().map(|clusters| clusters.assignment.clone());
            let now = clusters.get_or_insert_with(|| SizedClusters::fill(&distances, k));
            now.exchange(&distances, k);
            inertias.push(now.inertia(rows, &centroids));
            if before.as_ref() == Some(&now.assignment) {
                end = End::Settled;
                break;
            }
            Members::new(&now.assignment, k).means(rows, &vec![true; k], &mut centroids);
        }
        let clusters = clusters.unwrap_or_else(|| SizedClusters::fill(&[], k));
        KMeansFit {
            inertia: clusters.inertia(rows, &centroids),
            iterations: inertias.len() - usize::from(end == End::Settled),
            evaluations: (inertias.len() * rows.count() * k) as u64,
            assignment: clusters.assignment,
            centroids,
            width,
            inertias,
            end,
            restart,
            repaired: 0,
        }
    }
}

/// All squared distances, `[rows, k]`. Rounded to single precision, which is the same everywhere.
fn distances(rows: Rows<'_>, centroids: Rows<'_>) -> Vec<f32> {
    let k = centroids.count();
    let mut distances = vec![0.0; rows.count() * k];
    distances.par_chunks_exact_mut(k).enumerate().for_each(|(row, distances)| {
        for (at, distance) in distances.iter_mut().enumerate() {
            *distance = squared_distance(rows.row(row), centroids.row(at)) as f32;
        }
    });
    distances
}

/// A cluster for each row, with sizes that differ by at most one.
struct SizedClusters {
    assignment: Vec<u32>,
    sizes: Vec<usize>,
    /// ⌊n / k⌋
    least: usize,
}

/// A row that would gain by going from one cluster to another, and how much.
#[derive(Clone, Copy)]
struct Gain {
    gain: f64,
    row: u32,
}

const NO_GAIN: Gain = Gain { gain: f64::NEG_INFINITY, row: u32::MAX };

impl SizedClusters {
    fn fill(distances: &[f32], k: usize) -> Self {
        let count = distances.len() / k;
        let least = count / k;
        let mut larger = count % k;
        let regret = |row: &usize| {
            let [mut first, mut second] = [f32::INFINITY; 2];
            for distance in &distances[row * k..][..k] {
                if *distance < first {
                    (first, second) = (*distance, first);
                } else {
                    second = second.min(*distance);
                }
            }
            f64::from(second) - f64::from(first)
        };
        let mut order: Vec<(f64, usize)> =
            (0..count).into_par_iter().map(|row| (regret(&row), row)).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut clusters = Self { assignment: vec![0; count], sizes: vec![0; k], least };
        for (_, row) in order {
            let has_room = |size: usize| size < least || size == least && larger > 0;
            let distances = &distances[row * k..][..k];
            let open = (0..k).filter(|cluster| has_room(clusters.sizes[*cluster]));
            let nearest = open.min_by(|a, b| distances[*a].total_cmp(&distances[*b]));
            // There is room for every row, by the sizes.
            let cluster = nearest.unwrap_or_default();
            larger -= usize::from(clusters.sizes[cluster] == least);
            clusters.sizes[cluster] += 1;
            clusters.assignment[row] = cluster as u32;
        }
        clusters
    }

    /// Exchanges rows while that lowers the sum of distances.
    fn exchange(&mut self, distances: &[f32], k: usize) {
        for _ in 0..MOST_PASSES {
            let gains = self.gains(distances, k);
            let at = |from: usize, to: usize| gains[from * k + to];
            let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
            for (one, other) in (0..k).flat_map(|one| (0..k).map(move |other| (one, other))) {
                if one == other {
                    continue;
                }
                let alone = self.may_go(one, other).then(|| at(one, other).gain);
                let both = (one < other).then(|| at(one, other).gain + at(other, one).gain);
                let gain = alone.into_iter().chain(both).fold(f64::NEG_INFINITY, f64::max);
                if gain > 0.0 {
                    pairs.push((gain, one, other));
                }
            }
            if pairs.is_empty() {
                return;
            }
            pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
            let mut moved = 0;
            for (_, one, other) in pairs {
                let (there, back) = (at(one, other), at(other, one));
                let here = |gain: Gain, cluster: usize| {
                    gain.row != u32::MAX && self.assignment[gain.row as usize] == cluster as u32
                };
                // A row may have moved with an earlier pair.
                let there_stands = here(there, one);
                let swap = if there_stands && here(back, other) {
                    there.gain + back.gain
                } else {
                    f64::NEG_INFINITY
                };
                let alone = if there_stands && self.may_go(one, other) {
                    there.gain
                } else {
                    f64::NEG_INFINITY
                };
                if alone.max(swap) <= 0.0 {
                    continue;
                }
                self.put(there.row, one, other);
                if swap > alone {
                    self.put(back.row, other, one);
                }
                moved += 1;
            }
            if moved == 0 {
                return;
            }
        }
    }

    fn may_go(&self, from: usize, to: usize) -> bool {
        self.sizes[from] > self.least && self.sizes[to] == self.least
    }

    fn put(&mut self, row: u32, from: usize, to: usize) {
        self.assignment[row as usize] = to as u32;
        self.sizes[from] -= 1;
        self.sizes[to] += 1;
    }

    /// For each pair of clusters the row that gains most by going from one to the other, `[k, k]`.
    fn gains(&self, distances: &[f32], k: usize) -> Vec<Gain> {
        let members = Members::new(&self.assignment, k);
        let mut gains = vec![NO_GAIN; k * k];
        gains.par_chunks_exact_mut(k).enumerate().for_each(|(from, gains)| {
            for row in members.of(from) {
                let distances = &distances[*row as usize * k..][..k];
                for (gain, distance) in gains.iter_mut().zip(distances) {
                    let here = f64::from(distances[from]) - f64::from(*distance);
                    if here > gain.gain {
                        *gain = Gain { gain: here, row: *row };
                    }
                }
            }
        });
        gains
    }

    fn inertia(&self, rows: Rows<'_>, centroids: &[f32]) -> f64 {
        let mut squares = vec![0.0; rows.count()];
        let centroids = Rows::dense(centroids, rows.channels());
        ocelli_kernels::nearest::squared_distances(rows, centroids, &self.assignment, &mut squares);
        sum(&squares)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::RngExt;

    fn values(count: usize, seed: u64) -> Vec<f32> {
        let mut stream = Seed(seed).stream(ocelli_random::Purpose("test"), 0, 0);
        (0..count).map(|_| stream.random_range(-1.0..1.0_f32).powi(3)).collect()
    }

    proptest! {
        #![proptest_config(ocelli_testkit::cases(40))]

        #[test]
        fn sizes_differ_by_at_most_one_and_no_exchange_is_left(
            count in 1_usize..90,
            share in 0.0_f64..1.0,
            seed in 0_u64..1000,
        ) {
            let k = 1 + (share * (count - 1) as f64) as usize;
            let values = values(2 * count, seed);
            let rows = Rows::dense(&values, 2);
            let fit = Balanced { k, ..Balanced::default() }.fit(rows, Seed(seed)).unwrap();
            let sizes = Members::new(&fit.assignment, k).sizes();
            prop_assert!(sizes.iter().all(|size| *size == count / k || *size == count.div_ceil(k)));
            prop_assert!(fit.inertias.windows(2).all(|pair| pair[1] <= pair[0] * (1.0 + 1e-6)));
            if fit.end == End::Settled {
                let all = distances(rows, Rows::dense(&fit.centroids, 2));
                let to = |row: usize, cluster: u32| f64::from(all[row * k + cluster as usize]);
                for (a, b) in (0..count).flat_map(|a| (0..a).map(move |b| (a, b))) {
                    let (of_a, of_b) = (fit.assignment[a], fit.assignment[b]);
                    let now = to(a, of_a) + to(b, of_b);
                    prop_assert!(to(a, of_b) + to(b, of_a) >= now - 1e-6);
                }
            }
        }
    }

    #[test]
    fn two_heaps_of_unequal_size_share_their_rows() {
        let values: Vec<f32> =
            (0..30).map(|row| if row < 20 { row as f32 * 0.01 } else { 10.0 }).collect();
        let rows = Rows::dense(&values, 1);
        let fit = Balanced { k: 2, ..Balanced::default() }.fit(rows, Seed(1)).unwrap();
        let with_last = |row: usize| fit.assignment[row] == fit.assignment[29];
        // The five of the larger heap that stand nearest to the other go with it.
        assert!((0..30).all(|row| with_last(row) == (row >= 15)), "{:?}", fit.assignment);
        let error = Balanced { k: 31, ..Balanced::default() }.fit(rows, Seed(1)).unwrap_err();
        assert_eq!(error, Error::TooFewRows { rows: 30, k: 31 });
    }
}
