//! Where the time of a network on integers goes.

use burn::tensor::Tensor;
use ocelli::kernels::int8::peak_products_per_second;
use ocelli::nn::{InferenceEngine, Network, StepTime};
use serde::Serialize;
use std::fmt;
use std::time::Instant;

use super::super::contest::Case;
use super::super::report::rounded;
use crate::output::{Align, Table, percent};
use crate::settings::Settings;

/// How long steps are timed, in seconds.
const DURATION: f64 = 0.5;

/// A step of a network in one case.
#[derive(Clone, Debug, Serialize)]
pub(super) struct LayerRow {
    subject: String,
    images: usize,
    /// The operation that the step begins with.
    layer: String,
    /// What it does.
    work: &'static str,
    on_integers: bool,
    /// Multiply-adds for an image.
    products: u64,
    /// Of a pass over all images, added up over threads that compute images of their own.
    ms: f64,
    /// Of the time of all steps.
    share: f64,
    /// Of the products that the instructions could do on as many threads.
    peak_share: Option<f64>,
}

/// Times the steps of a network.
///
/// # Errors
/// When the network is inconsistent in itself.
pub(super) fn measure(
    case: &Case,
    network: &Network,
    images: &Tensor<4>,
    settings: &Settings,
) -> anyhow::Result<Vec<LayerRow>> {
    let mut engine = InferenceEngine::new(network)?;
    let begin = Instant::now();
    engine.logits(images.clone())?.into_data();
    engine.logits(images.clone())?.into_data();
    let each = begin.elapsed().as_secs_f64() / 2.0;
    let passes = (DURATION / each.max(1e-6)).clamp(1.0, 1e5) as usize;
    let Some(times) = engine.integer_step_times(images.clone(), passes) else {
        return Ok(Vec::new());
    };
    // Threads share a single image out within its layers, and have images of their own where there are more.
    let threads = if case.images == 1 { settings.threads } else { 1 };
    let peak = peak_products_per_second() * threads as f64;
    let all: f64 = times.iter().map(|time| time.seconds).sum();
    Ok(times.into_iter().map(|time| row(case, time, passes, all, peak)).collect())
}

fn row(case: &Case, time: StepTime, passes: usize, all: f64, peak: f64) -> LayerRow {
    let StepTime { label, seconds } = time;
    let each = seconds / passes as f64;
    let products = (label.products * case.images as u64) as f64;
    let of_peak = rounded(products / each.max(f64::MIN_POSITIVE) / peak);
    LayerRow {
        subject: case.subject.clone(),
        images: case.images,
        layer: label.layer,
        work: label.work,
        on_integers: label.on_integers,
        products: label.products,
        ms: rounded(1e3 * each),
        share: rounded(seconds / all.max(f64::MIN_POSITIVE)),
        peak_share: (label.products > 0 && label.on_integers).then_some(of_peak),
    }
}

/// All steps.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct LayerTable(pub(super) Vec<LayerRow>);

impl fmt::Display for LayerTable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let right = |head| (head, Align::Right);
        let mut table = Table::new([
            ("subject", Align::Left),
            right("images"),
            ("layer", Align::Left),
            ("work", Align::Left),
            right("ms"),
            right("share"),
            right("of peak"),
        ]);
        for row in &self.0 {
            let work = if row.on_integers {
                row.work.to_owned()
            } else {
                format!("{} in floats", row.work)
            };
            table.row([
                row.subject.clone(),
                row.images.to_string(),
                row.layer.clone(),
                work,
                format!("{:.4}", row.ms),
                percent(row.share),
                row.peak_share.map(percent).unwrap_or_default(),
            ]);
        }
        write!(formatter, "{table}")
    }
}
