//! What is known of one network.

use ocelli::nn::Cost;
use ocelli::nn::registry::Model;
use serde::Serialize;
use std::fmt;

use crate::commands::bench::report::rounded;
use crate::talk::rate;

/// One network. What was not measured, and what nobody has published, is missing.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    pub(super) model: String,
    family: &'static str,
    /// Height and width of the images, in pixels.
    pub(super) size: usize,
    pub(super) params: u64,
    pub(super) macs: u64,
    pub(super) activations: u64,
    /// The time of a single image, in milliseconds.
    pub(super) latency_ms: Option<f64>,
    batch: Option<usize>,
    pub(super) infer_images_per_second: Option<f64>,
    pub(super) train_batch: Option<usize>,
    pub(super) train_images_per_second: Option<f64>,
    /// About how much memory a step takes, in MiB: weights, feature maps, gradients, optimiser.
    pub(super) train_mib: Option<u64>,
    /// Why training was not measured.
    pub(super) train_skipped: Option<String>,
    pub(super) top1: Option<f64>,
    top5: Option<f64>,
    accuracy_dataset: Option<&'static str>,
    accuracy_source: Option<&'static str>,
    pub(super) weights_project: Option<&'static str>,
    weights_name: Option<&'static str>,
    weights_license: Option<&'static str>,
}

impl Row {
    /// What is known without measuring.
    pub(super) fn new(model: &Model, cost: &Cost) -> Self {
        let weights = model.published().and_then(|published| published.weights);
        let accuracy = model.published().and_then(|published| published.accuracy);
        Self {
            model: model.name(),
            family: model.family,
            size: model.config.input_size,
            params: cost.params,
            macs: cost.macs,
            activations: cost.activations,
            latency_ms: None,
            batch: None,
            infer_images_per_second: None,
            train_batch: None,
            train_images_per_second: None,
            train_mib: None,
            train_skipped: None,
            top1: accuracy.map(|it| it.top1),
            top5: accuracy.and_then(|it| it.top5),
            accuracy_dataset: accuracy.map(|it| it.dataset),
            accuracy_source: accuracy.map(|it| it.source),
            weights_project: weights.map(|it| it.project),
            weights_name: weights.map(|it| it.name),
            weights_license: weights.map(|it| it.license),
        }
    }

    pub(super) fn set_latency(&mut self, ms: f64) {
        self.latency_ms = Some(rounded(ms));
    }

    pub(super) fn set_inference(&mut self, batch: usize, ms: f64) {
        self.batch = Some(batch);
        self.infer_images_per_second = Some(speed(batch, ms));
    }

    pub(super) fn set_training(&mut self, batch: usize, ms: f64, bytes: Option<u64>) {
        self.train_batch = Some(batch);
        self.train_images_per_second = Some(speed(batch, ms));
        self.train_mib = bytes.map(mebibytes);
    }
}

impl fmt::Display for Row {
    /// The row as it is told when it has been measured.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { model, latency_ms, infer_images_per_second, .. } = self;
        write!(formatter, "{model}: ")?;
        let one = latency_ms.map(|ms| format!("one image {ms} ms"));
        let many = infer_images_per_second.map(|speed| rate(speed, "images"));
        let trained = self.train_images_per_second.map(|speed| rate(speed, "trained images"));
        let known: Vec<String> = [one, many, trained].into_iter().flatten().collect();
        formatter.write_str(&known.join(", "))
    }
}

/// Images per second.
fn speed(batch: usize, ms: f64) -> f64 {
    rounded(1e3 * batch as f64 / ms)
}

fn mebibytes(bytes: u64) -> u64 {
    bytes >> 20
}
