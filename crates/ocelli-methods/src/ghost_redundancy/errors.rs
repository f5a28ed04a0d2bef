//! The error of every map as a filter of every other one.

use super::{Config, Maps, NormalEquations};
use rayon::prelude::*;

/// The least mean squared errors on one image, or their means over several.
#[derive(Clone, Debug)]
pub(super) struct Errors {
    count: usize,
    kernels: usize,
    /// In the units of the network, `[source, target, kernel]`.
    mse: Vec<f64>,
    /// Over the variance of the target; one where that is constant.
    relative: Vec<f64>,
}

/// The errors of one source and target.
#[derive(Clone, Copy, Debug)]
pub(super) struct Of<'a> {
    pub(super) mse: &'a [f64],
    pub(super) relative: &'a [f64],
}

impl Errors {
    /// The errors on one image. They are the same for any number of threads.
    pub(super) fn new(maps: &Maps, config: &Config) -> Self {
        let variances = maps.variances();
        let power = |map: &[f32]| {
            map.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>() / map.len() as f64
        };
        let powers: Vec<f64> = (0..maps.count).map(|index| power(maps.map(index))).collect();
        let from = |source: usize| -> Vec<f64> {
            let (height, kernels) = (maps.height, &config.kernels);
            let equations = NormalEquations::new(maps.map(source), height, kernels, config.bias);
            let targets = 0..maps.count;
            targets
                .flat_map(|t| equations.errors(maps.map(t), powers[t]).collect::<Vec<_>>())
                .collect()
        };
        let mse: Vec<f64> = (0..maps.count).into_par_iter().flat_map_iter(from).collect();
        let kernels = config.kernels.len();
        let relative = |(at, mse): (usize, &f64)| match variances[at / kernels % maps.count] {
            0.0 => 1.0,
            variance => mse / variance,
        };
        let relative = mse.iter().enumerate().map(relative).collect();
        Self { count: maps.count, kernels, mse, relative }
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (sums, values) in [(&mut self.mse, &other.mse), (&mut self.relative, &other.relative)] {
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        }
    }

    pub(super) fn divide(&mut self, by: f64) {
        self.mse.iter_mut().chain(&mut self.relative).for_each(|value| *value /= by);
    }

    pub(super) fn at(&self, source: usize, target: usize) -> Of<'_> {
        let start = (source * self.count + target) * self.kernels;
        let range = start..start + self.kernels;
        Of { mse: &self.mse[range.clone()], relative: &self.relative[range] }
    }

    /// The relative error of a map from the best of the others, for each kernel.
    pub(super) fn best_of(&self, target: usize) -> Vec<f64> {
        let mut best = vec![f64::INFINITY; self.kernels];
        for source in (0..self.count).filter(|source| *source != target) {
            let errors = self.at(source, target).relative;
            best.iter_mut().zip(errors).for_each(|(best, error)| *best = best.min(*error));
        }
        best
    }
}
