//! Candidates of a one-pixel attack by delta inference and as whole images.
//!
//! ```text
//! cargo run --release -p ocelli-nn --example delta -- resnet20_cifar:32 1 400
//! ```
//!
//! takes model and image size, pixels per candidate, and candidates, and prints evaluations per
//! second of both ways, in turns, and for every layer the share of its work that candidates take.

#![expect(clippy::print_stdout, reason = "a table is printed")]

use burn::tensor::{Device, Tensor, TensorData};
use ocelli_nn::registry;
use ocelli_nn::{DeltaEngine, EditBatch, InferenceEngine, PixelEdit};
use ocelli_random::{Purpose, Seed};
use rand::RngExt;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let case = arguments.first().map_or("resnet20_cifar:32", String::as_str);
    let pixels: usize = arguments.get(1).map_or(Ok(1), |text| text.parse())?;
    let candidates: usize = arguments.get(2).map_or(Ok(400), |text| text.parse())?;
    let repeats: usize = arguments.get(3).map_or(Ok(3), |text| text.parse())?;
    let (name, size) = case.split_once(':').ok_or("the case has the form MODEL:SIZE")?;
    let size: usize = size.parse()?;

    let model = registry::find(name)?;
    let network = model.network(&model.options(), Seed(0), &Device::flex())?;
    let engine = DeltaEngine::new(&network, [size, size])?;
    let mut rng = Seed(0).stream(Purpose::INIT, 0, 0);
    let image: Vec<f32> = (0..3 * size * size).map(|_| rng.random::<f32>() * 2.0 - 1.0).collect();
    let mut edits = EditBatch::new(engine.image());
    for _ in 0..candidates {
        let values: Vec<f32> = (0..3 * pixels).map(|_| rng.random::<f32>() * 4.0 - 2.0).collect();
        let chosen = values.chunks_exact(3).map(|value| {
            let (row, column) = (rng.random_range(0..size), rng.random_range(0..size));
            PixelEdit { row, column, value }
        });
        edits.push(chosen.collect::<Vec<_>>())?;
    }

    let start = Instant::now();
    let base = engine.base(&image)?;
    println!(
        "base image: {:.1} ms, {:.1} MB",
        1e3 * start.elapsed().as_secs_f64(),
        megabytes(base.bytes())
    );
    let mut whole = Whole::new(InferenceEngine::new(&network)?, &image, &edits);
    let mut logits = vec![0.0; candidates * engine.classes()];
    base.logits(&edits, &mut logits)?;
    let expected = whole.run()?;
    println!("largest relative difference: {:.1e}", worst(&logits, &expected, engine.classes()));

    let (mut best_delta, mut best_whole) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..repeats {
        let start = Instant::now();
        base.logits(&edits, &mut logits)?;
        best_delta = best_delta.min(start.elapsed().as_secs_f64());
        let start = Instant::now();
        whole.run()?;
        best_whole = best_whole.min(start.elapsed().as_secs_f64());
    }
    let per_second = |seconds: f64| candidates as f64 / seconds;
    println!(
        "{case}, {pixels} pixels, {candidates} candidates, best of {repeats}: {:.0} evaluations/s by delta, {:.0} as a whole, ratio {:.2}",
        per_second(best_delta),
        per_second(best_whole),
        best_whole / best_delta,
    );
    println!("scratch of all threads: {:.1} MB", megabytes(engine.scratch_bytes()));

    println!("{:32} {:>10} {:>9} {:>9}", "layer", "MACs", "predicted", "measured");
    let (mut all, mut predicted, mut measured) = (0.0, 0.0, 0.0);
    for layer in engine.layer_shares(pixels) {
        let macs = layer.macs as f64;
        let share = layer.measured.unwrap_or_default();
        all += macs;
        predicted += macs * layer.predicted;
        measured += macs * share;
        let mark = if layer.is_dense { " whole" } else { "" };
        let shares = [layer.predicted, share].map(|share| format!("{:8.1}%", 100.0 * share));
        println!("{:32} {:10} {} {}{mark}", layer.name, layer.macs, shares[0], shares[1]);
    }
    println!(
        "all: {:.1}% predicted, {:.1}% measured",
        100.0 * predicted / all,
        100.0 * measured / all
    );
    Ok(())
}

fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}

/// Candidates as whole images, some at a time.
struct Whole {
    engine: InferenceEngine,
    batches: Vec<Tensor<4>>,
}

impl Whole {
    fn new(engine: InferenceEngine, image: &[f32], edits: &EditBatch) -> Self {
        const BATCH: usize = 50;
        let [channels, height, width] = edits.image();
        let candidates: Vec<usize> = (0..edits.len()).collect();
        let batches = candidates.chunks(BATCH).map(|candidates| {
            let mut images = image.repeat(candidates.len());
            for (candidate, image) in candidates.iter().zip(images.chunks_exact_mut(image.len())) {
                for edit in edits.candidate(*candidate) {
                    for (channel, value) in edit.value.iter().enumerate() {
                        image[(channel * height + edit.row) * width + edit.column] = *value;
                    }
                }
            }
            let shape = [candidates.len(), channels, height, width];
            Tensor::from_data(TensorData::new(images, shape), &Device::flex())
        });
        Self { engine, batches: batches.collect() }
    }

    fn run(&mut self) -> Result<Vec<f32>, ocelli_nn::Error> {
        let mut logits = Vec::new();
        for images in &self.batches {
            logits.extend(self.engine.logits(images.clone())?.into_data().iter::<f32>());
        }
        Ok(logits)
    }
}

/// The largest relative L2 difference of any candidate's logits.
fn worst(actual: &[f32], expected: &[f32], classes: usize) -> f64 {
    let rows = actual.chunks(classes).zip(expected.chunks(classes));
    let errors = rows.map(|(actual, expected)| {
        let square = |value: f32| f64::from(value).powi(2);
        let difference: f64 = actual.iter().zip(expected).map(|(a, b)| square(a - b)).sum();
        let norm: f64 = expected.iter().copied().map(square).sum();
        (difference / norm).sqrt()
    });
    errors.fold(0.0, f64::max)
}
