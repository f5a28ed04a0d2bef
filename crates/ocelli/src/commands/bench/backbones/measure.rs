//! What is measured of one network.

use anyhow::Context;
use burn::tensor::Device;
use ocelli::nn::registry::Model;
use ocelli::nn::{Cost, GradientEngine, Network};
use ocelli::random::Seed;

use super::row::Row;
use crate::commands::bench::contest::Contest;
use crate::commands::bench::models::{images, inference, training_step};
use crate::memory;

/// The batch sizes of small images and of large ones, and where small ones end, in pixels.
const BATCH_OF_SMALL: usize = 128;
const BATCH: usize = 16;
const SMALL: usize = 64;

/// The share of the free memory that a training step may take: its size is an estimate.
const USABLE: f64 = 0.8;

/// How networks are measured.
pub(super) struct Measuring<'a> {
    pub(super) contest: &'a Contest,
    pub(super) device: Device,
    pub(super) seed: u64,
    /// The batch that was asked for.
    pub(super) batch: Option<usize>,
    /// How many bytes a training step may take, if that was said.
    pub(super) memory: Option<u64>,
    /// Whether training is measured.
    pub(super) training: bool,
}

/// Whether and how a network can be trained here.
enum Fit {
    /// With batches of this size.
    Batch(usize),
    /// Not at all.
    Not(String),
}

impl Measuring<'_> {
    /// Counts a network and times it.
    pub(super) fn row(&self, model: &Model) -> anyhow::Result<Row> {
        let name = model.name();
        self.measure(model).with_context(|| name)
    }

    fn measure(&self, model: &Model) -> anyhow::Result<Row> {
        let size = model.config.input_size;
        let graph = model.graph(&model.options())?;
        let mut row = Row::new(model, &Cost::new(&graph, size, size)?);
        let usual = if size <= SMALL { BATCH_OF_SMALL } else { BATCH };
        let batch = self.batch.unwrap_or(usual);
        tracing::info!("{}: {size} pixels, batches of {batch}", row.model);

        let network = model.network(&model.options(), Seed(self.seed), &self.device)?;
        row.set_latency(self.infer(&network, 1, size)?);
        row.set_inference(batch, self.infer(&network, batch, size)?);
        if !self.training {
            return Ok(row);
        }
        match self.fit(&network, batch, size) {
            Fit::Batch(batch) => {
                let bytes = bytes_of_step(&network, batch, size);
                let images = images(batch, size, &self.device);
                let ms = self.contest.time(training_step(network, images))?;
                row.set_training(batch, ms, bytes);
            }
            Fit::Not(reason) => {
                tracing::warn!("{}: training is skipped: {reason}", row.model);
                row.train_skipped = Some(reason);
            }
        }
        Ok(row)
    }

    /// The milliseconds of a pass.
    fn infer(&self, network: &Network, batch: usize, size: usize) -> anyhow::Result<f64> {
        self.contest.time(inference(network, images(batch, size, &self.device))?)
    }

    /// The largest batch of at most `batch` images, halved until a training step fits into memory; a
    /// batch that was asked for is not made smaller.
    fn fit(&self, network: &Network, batch: usize, size: usize) -> Fit {
        let free = || memory::available().map(|bytes| (bytes as f64 * USABLE) as u64);
        let Some(usable) = self.memory.or_else(free) else { return Fit::Batch(batch) };
        let mut smallest = batch;
        loop {
            match bytes_of_step(network, smallest, size) {
                Some(bytes) if bytes > usable => {
                    if smallest == 1 || self.batch.is_some() {
                        return Fit::Not(too_large(smallest, bytes, usable));
                    }
                    smallest /= 2;
                }
                _ => return Fit::Batch(smallest),
            }
        }
    }
}

/// About how many bytes a training step takes: feature maps, gradients, and for each parameter its
/// value and what the optimiser keeps. `None` where there is no plan to tell.
fn bytes_of_step(network: &Network, batch: usize, size: usize) -> Option<u64> {
    let params: usize = network.params().iter().map(|(_, entry)| entry.spec.len()).sum();
    let kept = (2 * params * size_of::<f32>()) as u64;
    GradientEngine::memory(network, [batch, 3, size, size]).map(|bytes| bytes + kept)
}

fn too_large(batch: usize, needed: u64, usable: u64) -> String {
    let [needed, usable] = [needed, usable].map(|bytes| bytes as f64 / f64::from(1 << 30));
    format!("a batch of {batch} takes about {needed:.2} GiB, and it may take {usable:.2} GiB")
}
