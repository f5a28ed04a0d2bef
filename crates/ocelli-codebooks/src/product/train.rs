//! Codebooks from rows: a k-means in each part of the columns.

use super::{ProductConfig, ProductQuantizer};
use crate::rows::{check, gather};
use crate::{EmptyRule, Error, KMeans, KMeansConfig, Result, Seeding};
use ocelli_kernels::Rows;
use ocelli_random::{Permutation, Seed};

/// faiss warns below so many rows for each centroid.
const ENOUGH: usize = 39;

/// What a training has made.
#[derive(Clone, Debug, PartialEq)]
pub struct ProductTraining {
    /// The codebooks.
    pub quantizer: ProductQuantizer,
    /// How many rows were used.
    pub rows: usize,
    /// The mean squared distance of these rows to what their codes stand for.
    pub squared_error: f64,
    /// How many steps each k-means made.
    pub iterations: Vec<usize>,
    /// Set when there were few rows.
    pub warning: Option<FewRows>,
}

/// There are fewer rows for each centroid than codebooks want.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FewRows {
    /// How many rows there are.
    pub rows: usize,
    /// How many there should be.
    pub wanted: usize,
}

impl ProductQuantizer {
    /// Makes codebooks of the rows.
    ///
    /// # Errors
    /// [`Error::Setting`], [`Error::NotFinite`], and [`Error::TooFewRows`] when there are less rows than a
    /// codebook has centroids.
    pub fn train(rows: Rows<'_>, config: &ProductConfig, seed: Seed) -> Result<ProductTraining> {
        config.check(rows.channels())?;
        check(rows)?;
        let k = 1_usize << config.bits;
        if rows.count() < k {
            return Err(Error::TooFewRows { rows: rows.count(), k });
        }
        let wanted = ENOUGH * k;
        let warning = (rows.count() < wanted).then_some(FewRows { rows: rows.count(), wanted });
        let sample = sample(rows.count(), config, seed);
        let starts = Permutation::new(seed, 1, sample.len() as u64);
        let starts: Vec<usize> =
            (0..k as u64).filter_map(|at| starts.get(at)).map(|at| sample[at as usize]).collect();
        let kmeans = KMeans::new(KMeansConfig {
            k,
            restarts: 1,
            steps: config.steps,
            tolerance: 0.0,
            seeding: Seeding::Random,
            empty: EmptyRule::Split,
            pruning: config.pruning,
        })?;
        let part = rows.channels() / config.codebooks;
        let mut centroids = Vec::with_capacity(rows.channels() << config.bits);
        let (mut inertia, mut iterations) = (0.0, Vec::new());
        for codebook in 0..config.codebooks {
            // A dense copy: the parts of rows would each take a cache line or two of their own.
            let columns = rows.columns(codebook * part, part);
            let dense = gather(columns, sample.iter().copied());
            let start = gather(columns, starts.iter().copied());
            let fit = kmeans.fit_quickly(Rows::dense(&dense, part), &start, seed)?;
            centroids.extend(fit.centroids);
            inertia += fit.inertia;
            iterations.push(fit.iterations);
        }
        let (width, codebooks) = (rows.channels(), config.codebooks);
        let quantizer = Self::from_centroids(width, codebooks, config.bits, centroids)?;
        let squared_error = inertia / sample.len() as f64;
        Ok(ProductTraining { quantizer, rows: sample.len(), squared_error, iterations, warning })
    }
}

/// Which rows are used: all, or so many for each centroid, drawn without replacement.
fn sample(rows: usize, config: &ProductConfig, seed: Seed) -> Vec<usize> {
    let most = config.rows_per_centroid.map_or(rows, |each| each.saturating_mul(1 << config.bits));
    if rows <= most {
        return (0..rows).collect();
    }
    let order = Permutation::new(seed, 0, rows as u64);
    (0..most as u64).filter_map(|at| order.get(at)).map(|row| row as usize).collect()
}
