//! Lloyd's algorithm from one start.

use super::KMeansConfig;
use super::assign::Assigner;
use super::means::Members;
use super::repair::{farthest, moves_rows, split};
use crate::rows::{mean, mean_variance, sum};
use ocelli_kernels::Rows;
use ocelli_kernels::nearest::squared_distance;
use ocelli_random::Seed;

/// Why an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// No row changed its cluster: every further step would be the same.
    Settled,
    /// Centroids moved no further than the tolerance.
    Tolerance,
    /// All steps were made.
    Steps,
}

/// What k-means has found.
#[derive(Clone, Debug, PartialEq)]
pub struct KMeansFit {
    /// `[k, width]`
    pub centroids: Vec<f32>,
    /// How wide a centroid is.
    pub width: usize,
    /// The nearest centroid of each row.
    pub assignment: Vec<u32>,
    /// The sum of all squared distances to the nearest centroid.
    pub inertia: f64,
    /// The same at the beginning of each step, before its centroids moved.
    pub inertias: Vec<f64>,
    /// How often centroids moved.
    pub iterations: usize,
    /// Why it ended.
    pub end: End,
    /// Which attempt it was, counted from 0.
    pub restart: usize,
    /// How many empty clusters were filled on the way.
    pub repaired: usize,
    /// How many distances were computed to find the nearest: rows × k in a step without pruning.
    pub evaluations: u64,
}

/// When inertia is taken, which costs a pass over the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    EveryStep,
    /// `inertias` stay empty.
    End,
}

pub(super) struct Lloyd<'a> {
    measure: Measure,
    config: &'a KMeansConfig,
    rows: Rows<'a>,
    seed: Seed,
    restart: u64,
    assigner: Assigner<'a>,
    /// The assignment whose means the centroids are, and where they are none.
    means_of: Vec<u32>,
    moved_apart: Vec<usize>,
    repaired: usize,
}

impl<'a> Lloyd<'a> {
    pub(super) fn new(
        config: &'a KMeansConfig,
        rows: Rows<'a>,
        seed: Seed,
        restart: u64,
        measure: Measure,
    ) -> Self {
        let is_measured = measure == Measure::EveryStep || moves_rows(config.empty);
        let assigner = Assigner::new(rows, mean(rows), config.pruning, is_measured);
        Self {
            measure,
            config,
            rows,
            seed,
            restart,
            assigner,
            means_of: Vec::new(),
            moved_apart: Vec::new(),
            repaired: 0,
        }
    }

    pub(super) fn run(mut self, mut centroids: Vec<f32>) -> KMeansFit {
        let width = self.rows.channels();
        let tolerance = match self.config.tolerance {
            tolerance if tolerance > 0.0 => tolerance * mean_variance(self.rows),
            _ => 0.0,
        };
        let mut inertias = Vec::new();
        let (mut end, mut iterations) = (End::Steps, 0);
        for step in 0..self.config.steps {
            let changed = self.assigner.assign(Rows::dense(&centroids, width));
            if self.measure == Measure::EveryStep {
                inertias.push(sum(&self.assigner.distances));
            }
            if !changed && self.moved_apart.is_empty() {
                end = End::Settled;
                break;
            }
            let before = centroids.clone();
            self.update(&mut centroids, step as u64);
            iterations += 1;
            let (from, to) = (Rows::dense(&before, width), Rows::dense(&centroids, width));
            self.assigner.moved(from, to);
            let moves = (0..from.count()).map(|at| squared_distance(from.row(at), to.row(at)));
            if self.config.tolerance > 0.0 && moves.sum::<f64>() <= tolerance {
                end = End::Tolerance;
                break;
            }
        }
        if end != End::Settled {
            self.assigner.assign(Rows::dense(&centroids, width));
        }
        if self.measure == Measure::End {
            self.assigner.measure(Rows::dense(&centroids, width));
        }
        KMeansFit {
            centroids,
            width,
            inertia: sum(&self.assigner.distances),
            assignment: self.assigner.assignment,
            inertias,
            iterations,
            end,
            restart: self.restart as usize,
            repaired: self.repaired,
            evaluations: self.assigner.evaluations,
        }
    }

    fn update(&mut self, centroids: &mut [f32], step: u64) {
        let k = self.config.k;
        let assigner = &mut self.assigner;
        let mut members = Members::new(&assigner.assignment, k);
        let mut sizes = members.sizes();
        let empty = sizes.iter().filter(|size| **size == 0).count();
        self.repaired += empty;
        if empty > 0 && moves_rows(self.config.empty) {
            let moved = farthest(&mut sizes, &mut assigner.assignment, &mut assigner.distances);
            assigner.reassigned(&moved);
            members = Members::new(&assigner.assignment, k);
        }
        // A cluster of the same rows has the same mean.
        let mut wanted = vec![self.means_of.is_empty(); k];
        for (old, new) in self.means_of.iter().zip(&assigner.assignment) {
            if old != new {
                wanted[*old as usize] = true;
                wanted[*new as usize] = true;
            }
        }
        self.moved_apart.drain(..).for_each(|cluster| wanted[cluster] = true);
        members.means(self.rows, &wanted, centroids);
        self.means_of.clone_from(&assigner.assignment);
        if empty > 0 && !moves_rows(self.config.empty) {
            let (count, width) = (self.rows.count(), self.rows.channels());
            let step = self.restart << 32 | step;
            self.moved_apart = split(&mut sizes, count, width, centroids, self.seed, step);
        }
    }
}
