//! A block of one-pixel candidates by delta inference.
//!
//! The CPU's frequency and its neighbours move these figures by tens of per cent: compare runs that
//! alternate, never single ones. `examples/delta.rs` compares with whole images in one run.

use burn::tensor::Device;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ocelli_nn::registry;
use ocelli_nn::{DeltaEngine, EditBatch, Error, PixelEdit};
use ocelli_random::Seed;

/// Model, image size, pixels per candidate.
const CASES: [(&str, usize, usize); 4] = [
    ("resnet20_cifar", 32, 1),
    ("resnet20_cifar", 32, 3),
    ("vgg16_cifar", 224, 1),
    ("efficientnet_lite0", 224, 1),
];

const CANDIDATES: usize = 32;

fn delta(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("delta");
    group.sample_size(10);
    for (name, size, pixels) in CASES {
        let Ok(mut run) = prepare(name, size, pixels) else { continue };
        group.throughput(Throughput::Elements(CANDIDATES as u64));
        let id = BenchmarkId::new(name, format!("{size}, {pixels} pixels"));
        group.bench_function(id, |bencher| bencher.iter(&mut run));
    }
}

fn prepare(
    name: &str,
    size: usize,
    pixels: usize,
) -> Result<impl FnMut() -> Result<(), Error>, Error> {
    let model = registry::find(name)?;
    let network = model.network(&model.options(), Seed(0), &Device::flex())?;
    let engine = DeltaEngine::new(&network, [size, size])?;
    let image: Vec<f32> = (0..3 * size * size).map(|i| (i % 251) as f32 / 125.0 - 1.0).collect();
    let base = engine.base(&image)?;
    let mut edits = EditBatch::new(engine.image());
    for candidate in 0..CANDIDATES {
        edits.push((0..pixels).map(|pixel| {
            let index = 997 * (candidate * pixels + pixel) % (size * size);
            PixelEdit { row: index / size, column: index % size, value: &[2.0, -2.0, 1.0] }
        }))?;
    }
    let mut logits = vec![0.0; CANDIDATES * engine.classes()];
    Ok(move || base.logits(&edits, &mut logits))
}

criterion_group!(benches, delta);
criterion_main!(benches);
