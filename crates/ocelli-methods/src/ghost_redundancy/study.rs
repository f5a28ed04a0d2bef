//! The study: from a network and images to figures.

use super::errors::Errors;
use super::{Config, Maps, correlations, most_similar};
use crate::{Error, Result};
use ocelli_data::Loader;
use ocelli_nn::graph::NodeId;
use ocelli_nn::{Network, Pass};
use ocelli_train::images;
use serde::Serialize;

/// What a study found.
#[derive(Clone, Debug, Serialize)]
pub struct Study {
    /// The layer.
    pub layer: String,
    /// `[maps, rows, columns]` of its result.
    pub shape: [usize; 3],
    /// How many images were looked at.
    pub images: usize,
    /// d, in ascending order.
    pub kernels: Vec<usize>,
    /// The most similar pairs over all images, the most similar first.
    pub pairs: Vec<PairFit>,
    /// How many of the maps can be made of another, for each kernel.
    pub redundancy: Vec<Redundancy>,
    /// The mean number of maps that are constant on an image.
    pub constant_maps: f64,
    /// The maps of the first image.
    #[serde(skip)]
    pub first: Maps,
}

/// A pair of maps, and how well a filter makes one of the other. Lists have a number for each
/// kernel.
#[derive(Clone, Debug, Serialize)]
pub struct PairFit {
    /// The map that is filtered: of the two, the one of which the other is made with less error.
    pub source: usize,
    /// The map that is made.
    pub target: usize,
    /// Their correlation, the mean over all images.
    pub correlation: f64,
    /// The mean squared error on the first image.
    pub mse_first: Vec<f64>,
    /// The mean over all images.
    pub mse: Vec<f64>,
    /// The error on the first image over the variance of the target.
    pub relative_first: Vec<f64>,
    /// The mean over all images.
    pub relative: Vec<f64>,
}

/// The maps that a filter makes of another map, over those that are not constant.
#[derive(Clone, Debug, Serialize)]
pub struct Redundancy {
    /// d.
    pub kernel: usize,
    /// The share of them on the first image, 0 to 1.
    pub share_first: f64,
    /// The mean over all images.
    pub share: f64,
    /// The median over maps of the relative error from the best source, the mean over all images.
    pub median_error: f64,
}

/// Looks at the maps of one layer for every image of `loader`, one image after another. `progress`
/// hears how many are done.
///
/// # Errors
/// When a setting is out of range, the network has no such layer, or an image cannot be read.
pub fn study(
    network: &Network,
    loader: &Loader,
    config: &Config,
    progress: &mut dyn FnMut(u64),
) -> Result<Study> {
    config.check()?;
    let node = layer(network, config)?;
    let mut sums: Option<Sums> = None;
    let mut done = 0;
    for batch in loader.epoch(0, 0) {
        let mut batch = batch?;
        let count = batch.len();
        if count == 0 {
            continue;
        }
        let [values] = network.run(images(&mut batch, network), [node], &mut Pass::Eval);
        let [_, channels, height, width] = values.dims();
        let values: Vec<f32> = values.into_data().iter::<f32>().collect();
        for image in values.chunks_exact(channels * height * width) {
            let maps = Maps::new(image.to_vec(), [channels, height, width])?;
            match &mut sums {
                Some(sums) => sums.add(&maps, config),
                None => sums = Some(Sums::new(maps, config)),
            }
            done += 1;
            progress(done);
        }
    }
    let name = network.graph().node(node).name.clone();
    match sums {
        Some(sums) => Ok(sums.finish(name, config)),
        None => Err(Error::NoImages),
    }
}

/// The layer that is asked for, or the end of the first stage.
fn layer(network: &Network, config: &Config) -> Result<NodeId> {
    let graph = network.graph();
    match (&config.layer, graph.stages().first()) {
        (Some(name), _) => Ok(graph.find(name)?),
        (None, Some(stage)) => Ok(*stage),
        (None, None) => Ok(graph.features()),
    }
}

/// What is summed over images.
struct Sums {
    first: Maps,
    first_errors: Errors,
    images: usize,
    correlations: Vec<f64>,
    errors: Errors,
    constant: usize,
    /// Shares and median errors, for each kernel.
    shares: Vec<f64>,
    medians: Vec<f64>,
    first_shares: Vec<f64>,
}

impl Sums {
    fn new(first: Maps, config: &Config) -> Self {
        let errors = Errors::new(&first, config);
        let (shares, medians) = redundancy(&first, &errors, config);
        Self {
            correlations: correlations(&first),
            constant: constant(&first),
            images: 1,
            first_errors: errors.clone(),
            errors,
            first_shares: shares.clone(),
            shares,
            medians,
            first,
        }
    }

    fn add(&mut self, maps: &Maps, config: &Config) {
        let errors = Errors::new(maps, config);
        let (shares, medians) = redundancy(maps, &errors, config);
        let add = |sums: &mut [f64], values: &[f64]| {
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        };
        add(&mut self.correlations, &correlations(maps));
        add(&mut self.shares, &shares);
        add(&mut self.medians, &medians);
        self.errors.add(&errors);
        self.constant += constant(maps);
        self.images += 1;
    }

    fn finish(mut self, layer: String, config: &Config) -> Study {
        let images = self.images as f64;
        self.errors.divide(images);
        let sums = [&mut self.correlations, &mut self.shares, &mut self.medians];
        sums.into_iter().flatten().for_each(|sum| *sum /= images);
        let count = self.first.count;
        let pairs = most_similar(&self.correlations, count, config.pairs);
        let pairs = pairs.into_iter().map(|pair| self.pair(pair)).collect();
        let redundancy = config.kernels.iter().enumerate().map(|(at, &kernel)| Redundancy {
            kernel,
            share_first: self.first_shares[at],
            share: self.shares[at],
            median_error: self.medians[at],
        });
        Study {
            layer,
            shape: [count, self.first.height, self.first.width],
            images: self.images,
            kernels: config.kernels.clone(),
            pairs,
            redundancy: redundancy.collect(),
            constant_maps: self.constant as f64 / images,
            first: self.first,
        }
    }

    fn pair(&self, (a, b): (usize, usize)) -> PairFit {
        let left = |source, target| {
            self.errors.at(source, target).relative.last().copied().unwrap_or_default()
        };
        let (source, target) = if left(b, a) < left(a, b) { (b, a) } else { (a, b) };
        let (first, all) = (self.first_errors.at(source, target), self.errors.at(source, target));
        PairFit {
            source,
            target,
            correlation: self.correlations[source * self.first.count + target],
            mse_first: first.mse.to_vec(),
            mse: all.mse.to_vec(),
            relative_first: first.relative.to_vec(),
            relative: all.relative.to_vec(),
        }
    }
}

fn constant(maps: &Maps) -> usize {
    maps.variances().into_iter().filter(|variance| *variance == 0.0).count()
}

/// For each kernel the share of maps under the threshold and the median error.
fn redundancy(maps: &Maps, errors: &Errors, config: &Config) -> (Vec<f64>, Vec<f64>) {
    let variances = maps.variances();
    let live = (0..maps.count).filter(|map| variances[*map] > 0.0);
    let best: Vec<Vec<f64>> = live.map(|map| errors.best_of(map)).collect();
    let of_kernel = |at: usize| {
        let mut left: Vec<f64> = best.iter().map(|errors| errors[at]).collect();
        left.sort_by(f64::total_cmp);
        let under = left.iter().filter(|error| **error < config.threshold).count();
        let median = left.get(left.len() / 2).copied().unwrap_or_default();
        (under as f64 / left.len().max(1) as f64, median)
    };
    (0..config.kernels.len()).map(of_kernel).unzip()
}
